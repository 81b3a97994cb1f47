"""Records of older schemas: which of them are read, and how they become records of today's."""

from collections.abc import Mapping
from typing import Any

# 1 had no name of the condition; 2 no digest, id, card, nor what was left out or is private; 3 no clusters, items,
# origin, choice of a recipe, nor four counts of pre-training.
SCHEMA = 4
READ_SCHEMAS = (3, 4)

_SINCE_4 = ("ids_sha256", "items_sha256", "origin")
_PARTS_SINCE_4 = {
    "pretraining": ("maskable_tokens", "special_tokens", "unique_tokens", "in_range_tokens"),
    "finetuning": ("selection",),
}


def as_today(data: Any) -> Any:
    """Return the JSON values of a record with the fields that its schema did not have, None; `schema` stays.

    Values that are no record of an older schema stay as they are.
    """
    if not isinstance(data, Mapping) or data.get("schema") != 3:
        return data
    parts = {name: _with(data.get(name), names) for name, names in _PARTS_SINCE_4.items()}
    return {**dict.fromkeys(_SINCE_4), **data, **parts}


def _with(block: Any, names: tuple[str, ...]) -> Any:
    """Return a part of a record with the fields that it lacks, None."""
    return {**dict.fromkeys(names), **block} if isinstance(block, Mapping) else block
