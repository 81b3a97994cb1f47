"""Objects of dataclasses from JSON values, strict about every field."""

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from nsp_ablation.base.errors import DamageError
from nsp_ablation.reporting.records.digest import REMEDY

T = TypeVar("T")


_hints: Callable[[Any], dict[str, Any]] = cache(get_type_hints)  # 0.1 ms each, and a sweep has hundreds of cells


def parse(cls: type[T], data: Any, source: Path | str, where: str = "") -> T:
    """Return an object of the dataclass `cls` from JSON values.

    Raises DamageError naming `source` (a file) and the field for an unknown, a missing or a wrongly typed one; fields
    with a default must be there too. Ours, and not pydantic's TypeAdapter, which takes a field with a default as
    optional and needs a `__pydantic_config__` on every class to refuse an unknown one.
    """
    if not isinstance(data, dict):
        kind = type(data).__name__
        raise DamageError(f"{source}: {where or 'the file'} must be an object, not {kind}; {REMEDY}")
    hints = _hints(cls)
    names = [field.name for field in fields(cls)]  # type: ignore[arg-type]
    for name in data:
        if name not in hints:
            raise DamageError(f"{source}: unknown field {where}{name}; {REMEDY}")
    for name in names:
        if name not in data:
            raise DamageError(f"{source}: missing field {where}{name}; {REMEDY}")
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
    expected = hint if len(options) > 1 else hint.__name__
    raise DamageError(f"{source}: {where}={value!r} must be {expected}; {REMEDY}")


def _fits(hint: Any, value: Any) -> bool:
    if hint is Any:
        return True
    if get_origin(hint) is dict:
        return isinstance(value, dict) and all(_fits(get_args(hint)[1], item) for item in value.values())
    if isinstance(value, bool):
        return hint is bool
    return isinstance(hint, type) and isinstance(value, (int, float) if hint is float else hint)
