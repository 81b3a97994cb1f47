"""Values of settings: their types, choices and bounds, as typed and as composed."""

import math
import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import Field, is_dataclass, replace
from typing import Any, get_args, get_origin

from omegaconf import BooleanNode, FloatNode, IntegerNode, StringNode
from omegaconf.errors import ValidationError

from nsp_ablation.config.problem import Problem, unknown_key, unknown_value
from nsp_ablation.config.tree import declared, field_types, join, nested_names, required
from nsp_ablation.options.setting import REQUIRED, TextOrTexts

# OmegaConf's own nodes convert what is typed, so that a value is the same whether Hydra composed it or not.
_NODES: dict[type, Any] = {int: IntegerNode, float: FloatNode, bool: BooleanNode, str: StringNode}
TYPE_NAMES = {
    int: "an integer",
    float: "a number",
    bool: "true or false",
    str: "text",
    TextOrTexts: "text, or a list of texts; or null",
}
EXPECTED = {type_: f"expected {name}" for type_, name in TYPE_NAMES.items()}
EXPECTED_LIST = "expected a list, as [a,b]"
_MAX_TEXT, _MAX_PATH = 255, 4095  # characters of a text; bytes of a whole path (PATH_MAX less its end)
_MAX_ITEMS = 10_000
_NAME = re.compile(r"\w[\w.+=-]{0,63}")  # of an entry that users name: a task, a recipe, a vocabulary
_ENVIRONMENT = "${oc.env"


def converted(path: str, value: Any) -> Any:
    """Return a typed value that has no problem in the type of its setting: `1` is 1.0 for a float."""
    type_ = required(declared(path)[0])
    if value is None or isinstance(value, list):
        return value
    return _NODES[str if type_ is TextOrTexts else type_](value)._value()


def with_value(settings: Any, keys: list[str], value: Any) -> Any:
    """Return a copy of settings (dataclasses, dicts, lists) in which the value under `keys` is another one.

    What lies beside the keys is shared with the original.
    """
    if not keys:
        return value
    key, *rest = keys
    if is_dataclass(settings):
        return replace(settings, **{key: with_value(getattr(settings, key), rest, value)})  # type: ignore[type-var]
    if isinstance(settings, dict):
        return {**settings, key: with_value(settings.get(key), rest, value)}
    return [with_value(item, rest, value) for item in settings]


def value_problems(path: str, value: Any) -> Iterator[Problem]:
    """Yield what is wrong with the value of a setting, a group or ("") the root, a plain container, at any depth.

    Typed or composed; an interpolation passes, since what it will be is not known yet.
    """
    yield from _problems(path, value, *declared(path))


def _problems(path: str, value: Any, annotation: Any, field: Any) -> Iterator[Problem]:
    if annotation is TextOrTexts:  # which OmegaConf does not convert
        if not all(item is None or isinstance(item, str) for item in (value if isinstance(value, list) else [value])):
            yield Problem(path, value, 'expected text, or a list of texts; a number stands in quotes, as \'["1","2"]\'')
            return
        annotation = list[str] if isinstance(value, list) else str | None
    inner = required(annotation)
    if isinstance(value, str) and "${" in value:
        if _ENVIRONMENT in value and field is not None and field.metadata["kind"] == "science" and not _is_path(field):
            reason = "changes results, so it cannot depend on the environment; give the value itself"
            yield Problem(path, value, reason)
        return
    if value is None:
        if inner is annotation:
            reason = f"{EXPECTED.get(inner, 'expected a value')}, not null"
            yield Problem(path, None, reason, field.metadata.get("choices", ()))
    elif is_dataclass(inner) or get_origin(inner) is dict:
        yield from _mapping_problems(path, value, inner, field)
    elif get_origin(inner) is list:
        if not isinstance(value, list) or len(value) > _MAX_ITEMS:
            too_many = f"has {len(value):,} items; expected at most {_MAX_ITEMS:,}" if isinstance(value, list) else ""
            yield Problem(path, ... if too_many else value, too_many or EXPECTED_LIST)
            return
        for i, item in enumerate(value):
            where = f"{path}[{i}]" if isinstance(item, dict) else path
            yield from _problems(where, item, get_args(inner)[0], field)
    else:
        try:
            yield from _range_problems(path, field, _NODES[inner](value)._value())
        except ValidationError:
            yield Problem(path, value, EXPECTED[inner])


def _mapping_problems(path: str, value: Any, annotation: Any, field: Any) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield Problem(path, value, "expected settings, as {key:value}, or one of them: " + path + ".key=value")
        return
    types = field_types(annotation) if is_dataclass(annotation) else dict.fromkeys(value, get_args(annotation)[-1])
    fields = getattr(annotation, "__dataclass_fields__", {})
    if missing := [key for key, item in value.items() if item == REQUIRED]:
        yield Problem(path or missing[0], ..., f"lacks {', '.join(missing)}" if path else "is not given")
    for key, item in value.items():
        if not is_dataclass(annotation) and not _NAME.fullmatch(str(key)):
            reason = "expected a name of at most 64 letters, digits and ._+=-"
            yield Problem(join(path, str(key)), ..., reason)
        elif key not in types:
            yield unknown_key(join(path, str(key)), item, tuple(types), nested=nested_names(annotation))
        elif item != REQUIRED:
            yield from _problems(join(path, str(key)), item, types[key], fields.get(key, field))


def _range_problems(path: str, field: Field, value: Any) -> Iterator[Problem]:
    """Yield a value outside the choices or bounds of its setting."""
    low, high = field.metadata["low"], field.metadata["high"]
    if isinstance(value, str):
        yield from _text_problems(path, field, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if not math.isfinite(value):
            yield Problem(path, value, "expected a finite number")
        elif (low is not None and value < low) or (high is not None and value > high):
            yield Problem(path, value, f"expected {low} to {high}")


def _text_problems(path: str, field: Field, value: str) -> Iterator[Problem]:
    """Yield a text that is empty, none of the choices, not printable, or longer than a text or a path may be."""
    choices, longest = field.metadata["choices"], field.metadata["path"]
    if not value:
        yield Problem(path, value, "expected a value; null leaves out what may be left out")
    elif choices and value not in choices:
        yield unknown_value(path, value, choices)
    elif any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        yield Problem(path, value, "expected text of one line in UTF-8, without control characters")
    elif longest is None and len(value) > _MAX_TEXT:
        yield Problem(path, value, f"has {len(value):,} characters; expected at most {_MAX_TEXT}")
    elif longest is not None:
        encoded = os.fsencode(value)
        part = max(map(len, encoded.split(b"/")))
        if part > longest or len(encoded) > _MAX_PATH:
            has = f"a part of {part:,} bytes" if part > longest else f"{len(encoded):,} bytes"
            yield Problem(path, value, f"has {has}; expected parts of at most {longest} and {_MAX_PATH:,} in all")


def _is_path(field: Field) -> bool:
    return field.metadata.get("path") is not None
