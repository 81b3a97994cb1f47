"""The schema as a tree: its keys, and where a composed configuration departs from them."""

import dataclasses
import functools
import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints

from nsp_ablation.config.problem import Problem, unknown_key
from nsp_ablation.config.schema import Config

_MISSING = "???"


def allowed_keys(path: str, root: type = Config) -> tuple[str, ...] | None:
    """Return the keys that the schema has below `path` ("" is the root), or None where it fixes none.

    Raises KeyError where a part of the path is no key of the schema.
    """
    annotation: Any = root
    for part in path.split(".") if path else ():
        annotation = required(annotation)
        if dataclasses.is_dataclass(annotation):
            annotation = field_types(annotation)[part]
        elif get_origin(annotation) is dict:
            annotation = get_args(annotation)[1]
        else:
            raise KeyError(part)
    annotation = required(annotation)
    return tuple(field_types(annotation)) if dataclasses.is_dataclass(annotation) else None


def tree_problems(value: Any, annotation: Any = Config, path: str = "") -> Iterator[Problem]:
    """Yield each unknown key and each missing value of a composed configuration, a plain container, at any depth."""
    annotation = required(annotation)
    if value == _MISSING:
        yield Problem(path, ..., "is not given")
    elif dataclasses.is_dataclass(annotation) and isinstance(value, dict):
        fields = field_types(annotation)
        for key in value:
            if key not in fields:
                yield unknown_key(join(path, key), value[key], tuple(fields))
        given = {key: item for key, item in value.items() if item != _MISSING}
        if missing := [key for key in fields if key not in given]:
            yield Problem(path or missing[0], ..., f"lacks {', '.join(missing)}" if path else "is not given")
        for key in fields.keys() & given.keys():
            yield from tree_problems(given[key], fields[key], join(path, key))
    elif get_origin(annotation) is dict and isinstance(value, dict):
        for key, item in value.items():
            yield from tree_problems(item, get_args(annotation)[1], join(path, key))
    elif get_origin(annotation) is list and isinstance(value, list):
        for i, item in enumerate(value):
            yield from tree_problems(item, get_args(annotation)[0], f"{path}[{i}]")


def leaves(config: Any, path: str = "") -> Iterator[tuple[str, dataclasses.Field, Any]]:
    """Yield (path, field, value) of every field that holds no dataclass, in the order of the schema."""
    for field in dataclasses.fields(config):
        yield from _leaves_of(getattr(config, field.name), field, join(path, field.name))


def _leaves_of(value: Any, field: dataclasses.Field, path: str) -> Iterator[tuple[str, dataclasses.Field, Any]]:
    if dataclasses.is_dataclass(value):
        yield from leaves(value, path)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves_of(item, field, join(path, key))
    elif isinstance(value, list) and any(dataclasses.is_dataclass(item) for item in value):
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}[{i}]")
    else:
        yield path, field, value


def settings(
    root: Any = Config, parts: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dataclasses.Field, Any]]:
    """Yield (keys, field, annotation) of every setting of the schema that holds no group, in order.

    A key that users name (`tasks.<name>`) is `<name>`, an item of a list `[]`.
    """
    for field in dataclasses.fields(root):
        annotation = field_types(root)[field.name]
        inner, path = required(annotation), (*parts, field.name)
        arguments = get_args(inner)
        if dataclasses.is_dataclass(inner):
            yield from settings(inner, path)
        elif get_origin(inner) is dict and dataclasses.is_dataclass(arguments[1]):
            yield from settings(arguments[1], (*path, "<name>"))
        elif get_origin(inner) is list and dataclasses.is_dataclass(arguments[0]):
            yield from settings(arguments[0], (*path, "[]"))
        else:
            yield path, field, annotation


def field_types(cls: Any) -> dict[str, Any]:
    """Return the annotations of a dataclass by field name, in order."""
    return _type_hints(cls)


_type_hints = functools.cache(get_type_hints)


def required(annotation: Any) -> Any:
    """Return the annotation without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        inner = [argument for argument in get_args(annotation) if argument is not type(None)]
        assert len(inner) == 1, f"{annotation} has more than one type"
        return inner[0]
    return annotation


def join(path: str, key: str) -> str:
    """Return the path of a key below `path` ("" is the root)."""
    return f"{path}.{key}" if path else str(key)
