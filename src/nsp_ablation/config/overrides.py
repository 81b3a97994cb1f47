"""What is typed on the command line, looked at before anything is composed.

`override` is Hydra's `Override`; this package does not import Hydra and uses its attributes alone.
"""

import re
from collections.abc import Iterator
from typing import Any

from nsp_ablation.config.problem import Problem
from nsp_ablation.config.translate import Options, option_problem


def quote_numbers(argument: str) -> str:
    """Return `batch=256,2k` with its numbers in quotes, without which Hydra takes them for no option's name."""
    if not argument.startswith("batch="):
        return argument
    return re.sub(r"(?<=[=,])(\d+)(?=,|$)", r"'\1'", argument)


def override_problems(parsed: list[Any], options: Options) -> Iterator[Problem]:
    """Yield each option that does not exist, also inside a sweep, and each deletion of a setting."""
    for override in parsed:
        allowed = options(override.key_or_group)
        if not override.key_or_group:
            yield Problem(override.input_line, ..., "is no setting; write key=value")
        elif override.is_delete() and not override.is_hydra_override():
            yield Problem(override.input_line, ..., "a setting cannot be deleted; give it another value")
        elif override.is_sweep_override() and not override.is_discrete_sweep():
            yield Problem(override.input_line, ..., "is no list of values; a sweep is a grid: key=a,b,c")
        elif allowed:
            for value in _values(override.value()):
                if value not in allowed:
                    yield option_problem(override.key_or_group, "null" if value is None else str(value), allowed)


def is_plain(override: Any, options: Options) -> bool:
    """Whether an override gives one existing setting one plain value (`seed=3`), so that its order does not matter."""
    is_value = isinstance(override.value(), str | int | float | None)
    is_change = override.type.name == "CHANGE" and override.package is None and not override.is_hydra_override()
    return is_value and is_change and not options(override.key_or_group)


def _values(value: Any) -> Iterator[Any]:
    """Yield the single values of lists and choice sweeps; nothing of globs, ranges and mappings."""
    if type(value).__name__ == "ChoiceSweep":
        value = value.list
    if isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif type(value).__name__ == "QuotedString":
        yield value.text
    elif isinstance(value, str | int | float | None):
        yield value
