"""How a setting is declared: its kind, what values it takes, and what it means.

A *science* setting changes the result and is fingerprinted, a *machine* setting changes the speed or the place of
outputs alone, an *identity* setting (seed, task) says which run it is: fingerprints that pool runs leave it out.
"""

import dataclasses
from dataclasses import field
from functools import partial
from typing import Any

# A text or a list of texts: OmegaConf has no type for it, so the annotation is this, which `config.values` checks.
TextOrTexts = Any
REQUIRED: Any = "???"  # a setting without a default; OmegaConf's mark of a missing value
MAX_SEED = 2**32 - 1
# Bytes of each part of a path between slashes: what file systems take, and what leaves room for our temporary names.
READ_PATH, WRITTEN_PATH = 255, 200


def setting(
    kind: str,
    default: Any,
    help: str,
    *choices: str,
    low: float | None = None,
    high: float | None = None,
    path: int | None = None,
) -> Any:
    """Declare a setting; `choices` are the allowed strings, `low` and `high` the inclusive bounds that a number has.

    `path` says that it names a file or directory, each part of whose path has at most so many bytes.
    """
    metadata = {"kind": kind, "help": help, "choices": choices, "low": low, "high": high, "path": path}
    if isinstance(default, list | dict):
        return field(default_factory=lambda: type(default)(default), metadata=metadata)
    if dataclasses.is_dataclass(default):
        return field(default_factory=type(default), metadata=metadata)
    return field(default=default, metadata=metadata)


science, machine, identity = partial(setting, "science"), partial(setting, "machine"), partial(setting, "identity")


def group(options: type, kind: str = "science") -> Any:
    """Declare a group of settings with its own defaults."""
    return field(default_factory=options, metadata={"kind": kind, "help": options.__doc__})
