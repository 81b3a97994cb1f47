"""The schema as a tree: its settings and groups, and the leaves of a configuration."""

import dataclasses
import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import Field, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints

from nsp_ablation.config.schema import Config

# The annotations of a dataclass by field name, in order.
field_types: Callable[[Any], dict[str, Any]] = functools.cache(get_type_hints)


def declared(path: str) -> tuple[Any, Field | None]:
    """Return (annotation, dataclass field) of a setting or group; ("" is the root, which has no field).

    Raises KeyError where a part of the path is no key of the schema.
    """
    annotation: Any = Config
    field = None
    for part in path.split(".") if path else ():
        inner = required(annotation)
        if is_dataclass(inner):
            annotation, field = field_types(inner)[part], inner.__dataclass_fields__[part]
        elif get_origin(inner) is dict:
            annotation = get_args(inner)[1]
        else:
            raise KeyError(path)
    return annotation, field


def split_at_dict(key: str) -> tuple[str, list[str]]:
    """Return (the dict of user-named entries that a key lies in, the keys below it); (key, []) without one."""
    parts = key.split(".")
    for position in range(1, len(parts)):
        if get_origin(required(declared(".".join(parts[:position]))[0])) is dict:
            return ".".join(parts[:position]), parts[position:]
    return key, []


def leaves(value: Any, path: str = "", field: Any = None) -> Iterator[tuple[str, Field, Any]]:
    """Yield (path, field, value) of every field of a configuration that holds no dataclass, in order."""
    if is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name), join(path, field.name), field)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, join(path, key), field)
    elif isinstance(value, list) and any(is_dataclass(item) for item in value):
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}[{i}]", field)
    else:
        yield path, field, value


def settings(root: Any = Config, parts: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Field, Any]]:
    """Yield (keys, field, annotation) of every setting of the schema that holds no group, in order.

    A key that users name (`tasks.<name>`) is `<name>`, an item of a list `[]`.
    """
    for field in dataclasses.fields(root):
        annotation = field_types(root)[field.name]
        inner, path = required(annotation), (*parts, field.name)
        item = get_args(inner)[-1] if get_origin(inner) in (dict, list) else None
        if is_dataclass(inner):
            yield from settings(inner, path)
        elif is_dataclass(item):
            yield from settings(item, (*path, "<name>" if get_origin(inner) is dict else "[]"))
        else:
            yield path, field, annotation


def nested_names(annotation: Any) -> list[str]:
    """Return the names below a group's groups, as `hub.path`; nothing for what is no group."""
    groups = (
        {key: required(type_) for key, type_ in field_types(annotation).items()} if is_dataclass(annotation) else {}
    )
    return [f"{key}.{name}" for key, group in groups.items() if is_dataclass(group) for name in field_types(group)]


def required(annotation: Any) -> Any:
    """Return the annotation without `| None`."""
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = (argument for argument in get_args(annotation) if argument is not type(None))
        return inner
    return annotation


def join(path: str, key: str) -> str:
    """Return the path of a key below `path` ("" is the root)."""
    return f"{path}.{key}" if path else str(key)
