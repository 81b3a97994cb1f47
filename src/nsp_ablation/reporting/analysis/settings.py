"""Settings of a record's configuration, by dotted key."""

import json
from collections.abc import Iterable, Mapping
from typing import Any


def setting(config: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key, None where the configuration has none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def science_of(config: Mapping[str, Any], not_science: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """Return {dotted key: value} without `not_science`, whose keys never change a result, and without the tasks."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key == "tasks" or key in not_science:
            continue
        flat |= science_of(value, not_science, f"{key}.") if isinstance(value, Mapping) else {key: value}
    return flat


def distinct_texts(values: Iterable[Any]) -> list[str]:
    """Return the distinct values as text, null left out."""
    texts = dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values if value is not None)
    return [text.strip('"') for text in texts]
