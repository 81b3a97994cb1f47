"""The kinds of settings, and what a field says of its values.

A field is a *science* setting (it changes the result and is fingerprinted), a *machine* setting (it changes the speed
or the place alone) or a *label* (a name, a seed, a task).
"""

from dataclasses import field
from typing import Any

MAX_SEED = 2**32 - 1


def science(*choices: str, low: float | None = None, high: float | None = None) -> Any:
    """A field that changes the result; `choices` are the allowed strings, `low` and `high` inclusive borders."""
    return field(metadata={"kind": "science", "choices": choices, "low": low, "high": high})


def machine(*choices: str, low: float | None = None, high: float | None = None) -> Any:
    """A field that changes the speed or the place of outputs alone; never fingerprinted."""
    return field(metadata={"kind": "machine", "choices": choices, "low": low, "high": high})


def label(*choices: str, low: float | None = None, high: float | None = None) -> Any:
    """A field that names a run (stage, seed, task): kept out of the science fingerprint, which pools over it."""
    return field(metadata={"kind": "label", "choices": choices, "low": low, "high": high})
