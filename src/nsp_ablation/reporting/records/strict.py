"""Strict reading: JSON values into a dataclass, where every field must be there and no other may be.

Ours, and not pydantic's TypeAdapter, which takes a field with a default as optional and needs a `__pydantic_config__`
on every class to refuse an unknown one.
"""

import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def parse(cls: type[T], data: Any, source: Path | str, where: str = "") -> T:
    """Return an object of the dataclass `cls` from JSON values.

    Raises ValueError naming `source` (a file) and the field for an unknown, a missing or a wrongly typed one; fields
    with a default must be there too.
    """
    if not isinstance(data, dict):
        raise ValueError(f"{source}: {where or 'the file'} must be an object, not {type(data).__name__}")
    hints = get_type_hints(cls)
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name in data:
        if name not in hints:
            raise ValueError(f"{source}: unknown field {where}{name}; the fields are {', '.join(names)}")
    for name in names:
        if name not in data:
            raise ValueError(f"{source}: missing field {where}{name}; delete the file, and its run writes it anew")
    return cls(**{name: _value(hints[name], data[name], source, f"{where}{name}") for name in names})


def _value(hint: Any, value: Any, source: Path | str, where: str) -> Any:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    for option in options:
        if is_dataclass(option) and isinstance(value, dict):
            return parse(option, value, source, f"{where}.")  # type: ignore[arg-type]
        if get_origin(option) is list and isinstance(value, list):
            items = get_args(option)[0]
            return [_value(items, item, source, f"{where}[{number}]") for number, item in enumerate(value)]
        if _fits(option, value):
            return value
    raise ValueError(f"{source}: {where}={value!r} must be {hint if len(options) > 1 else hint.__name__}")


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(_fits(get_args(hint)[1], item) for item in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(hint, type) and isinstance(value, (int, float) if hint is float else hint)
