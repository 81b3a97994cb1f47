"""Records of older schemas: which of them are read, and how they become records of today's."""

from collections.abc import Mapping
from typing import Any

# 1 had no name of the condition; 2 no digest, id, card, nor what was left out or is private; 3 no clusters, items,
# origin, choice of a recipe, nor four counts of pre-training; 4 neither device, plateau,
# parameters nor FLOPs of pre-training.
SCHEMA = 5
READ_SCHEMAS = (3, 4, 5)

# The fields that came with a schema, by the part of a record that they are of; "" is the record itself.
_SINCE: dict[int, dict[str, tuple[str, ...]]] = {
    4: {
        "": ("ids_sha256", "items_sha256", "origin"),
        "pretraining": ("maskable_tokens", "special_tokens", "unique_tokens", "in_range_tokens"),
        "finetuning": ("selection",),
    },
    5: {"pretraining": ("device", "plateau", "parameters", "flops")},
}


def as_today(data: Any) -> Any:
    """Return the JSON values of a record with the fields that its schema did not have, None; `schema` stays.

    Values that are no record of an older schema stay as they are.
    """
    if not isinstance(data, Mapping) or data.get("schema") not in READ_SCHEMAS:
        return data
    for schema, parts in _SINCE.items():
        if schema > data["schema"]:
            blocks = {name: _with(data.get(name), names) for name, names in parts.items() if name}
            data = {**dict.fromkeys(parts.get("", ())), **data, **blocks}
    return data


def _with(block: Any, names: tuple[str, ...]) -> Any:
    """Return a part of a record with the fields that it lacks, None."""
    return {**dict.fromkeys(names), **block} if isinstance(block, Mapping) else block
