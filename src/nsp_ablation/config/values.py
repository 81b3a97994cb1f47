"""Values of settings: their types, choices and bounds, as typed and as composed."""

import math
from collections.abc import Iterator
from dataclasses import Field, dataclass, is_dataclass, replace
from typing import Any, get_args, get_origin

from omegaconf import BooleanNode, FloatNode, IntegerNode, StringNode
from omegaconf.errors import ValidationError

from nsp_ablation.config.problem import Problem, unknown_key, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import field_types, join, leaves, required

# OmegaConf's own nodes convert what is typed, so that a value is the same whether Hydra composed it or not.
_NODES: dict[type, Any] = {int: IntegerNode, float: FloatNode, bool: BooleanNode, str: StringNode}
EXPECTED = {
    int: "expected an integer",
    float: "expected a number",
    bool: "expected true or false",
    str: "expected text",
}
EXPECTED_LIST = "expected a list, as [a,b]"


@dataclass(frozen=True)
class Declared:
    """A setting as the schema declares it: its annotation, and the dataclass field that holds it."""

    annotation: Any
    field: Field


def declared(path: str) -> Declared:
    """Return the declaration of a setting or group. Raises KeyError where the schema has none."""
    annotation: Any = Config
    field: Field | None = None
    for part in path.split("."):
        annotation = required(annotation)
        if is_dataclass(annotation):
            field = annotation.__dataclass_fields__[part]
            annotation = field_types(annotation)[part]
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            raise KeyError(path)
    assert field is not None, path
    return Declared(annotation, field)


def split_at_dict(key: str) -> tuple[str, list[str]]:
    """Return (the dict of user-named entries that a key lies in, the keys below it); (key, []) without one."""
    parts = key.split(".")
    for position in range(1, len(parts)):
        if get_origin(required(declared(".".join(parts[:position])).annotation)) is dict:
            return ".".join(parts[:position]), parts[position:]
    return key, []


def typed_problems(path: str, value: Any) -> Iterator[Problem]:
    """Yield what is wrong with a value typed for a setting that exists, before anything is composed.

    An interpolation passes: what it will be is not known yet.
    """
    setting = declared(path)
    yield from _typed_problems(path, value, setting.annotation, setting.field)


def converted(path: str, value: Any) -> Any:
    """Return a typed value that has no problem in the type of its setting: `1` is 1.0 for a float."""
    node = _NODES[required(declared(path).annotation)]
    return None if value is None else node(value)._value()


def with_value(settings: Any, keys: list[str], value: Any) -> Any:
    """Return a copy of settings (dataclasses, dicts, lists) in which the value under `keys` is another one.

    What lies beside the keys is shared with the original.
    """
    key, *rest = keys
    if is_dataclass(settings):
        inner = with_value(getattr(settings, key), rest, value) if rest else value
        return replace(settings, **{key: inner})  # type: ignore[type-var]
    if isinstance(settings, dict):
        return {**settings, key: with_value(settings[key], rest, value) if rest else value}
    return [with_value(item, rest, value) if rest else value for item in settings]


def value_problems(config: Config) -> Iterator[Problem]:
    """Yield each value of a composed configuration that its own setting refuses."""
    for path, field, value in leaves(config):
        for item in value if isinstance(value, list) else [value]:
            yield from _range_problems(path, field, item)


def _typed_problems(path: str, value: Any, annotation: Any, field: Field) -> Iterator[Problem]:
    if isinstance(value, str) and "${" in value:
        return
    inner = required(annotation)
    if value is None:
        if inner is annotation:
            yield Problem(path, None, f"{EXPECTED.get(inner, 'expected a value')}, not null", _choices(field))
    elif is_dataclass(inner) or get_origin(inner) is dict:
        yield from _mapping_problems(path, value, inner, field)
    elif get_origin(inner) is list:
        if not isinstance(value, list):
            yield Problem(path, value, EXPECTED_LIST)
        for i, item in enumerate(value if isinstance(value, list) else ()):
            where = f"{path}[{i}]" if isinstance(item, dict) else path
            yield from _typed_problems(where, item, get_args(inner)[0], field)
    else:
        yield from _scalar_problems(path, value, inner, field)


def _mapping_problems(path: str, value: Any, annotation: Any, field: Field) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, value, "expected settings, as {key:value}, or one of them: " + path + ".key=value")
        return
    types = field_types(annotation) if is_dataclass(annotation) else None
    for key, item in value.items():
        if types is None:
            yield from _typed_problems(join(path, str(key)), item, get_args(annotation)[1], field)
        elif key not in types:
            yield unknown_key(join(path, str(key)), item, tuple(types))
        else:
            yield from _typed_problems(join(path, key), item, types[key], annotation.__dataclass_fields__[key])


def _scalar_problems(path: str, value: Any, annotation: type, field: Field) -> Iterator[Problem]:
    try:
        typed = _NODES[annotation](value)._value()
    except ValidationError:
        yield Problem(path, value, EXPECTED[annotation])
    else:
        yield from _range_problems(path, field, typed)


def _choices(field: Field) -> tuple[str, ...]:
    return field.metadata.get("choices", ())


def _range_problems(path: str, field: Field, value: Any) -> Iterator[Problem]:
    """Yield a value outside the choices or bounds of its setting."""
    choices, low, high = _choices(field), field.metadata.get("low"), field.metadata.get("high")
    if isinstance(value, str):
        if not value:
            yield Problem(path, value, "expected a value; null leaves out what may be left out")
        elif choices and value not in choices:
            yield unknown_value(path, value, choices)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            yield Problem(path, value, "expected a finite number")
        elif (low is not None and value < low) or (high is not None and value > high):
            bounds = f"{low} to {high}" if low is not None and high is not None else f"at least {low}"
            yield Problem(path, value, f"expected {bounds}")
