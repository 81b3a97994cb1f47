"""How many values an override of a sweep has, which of them say whether all are right, and whether there are too many.

Nothing is expanded: a range is counted.

`override` is Hydra's `Override`; its public attributes and methods alone are used.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from omegaconf import OmegaConf

from nsp_ablation.cli.composition import Composition
from nsp_ablation.cli.hydra_bridge import words_of
from nsp_ablation.config.problem import ConfigurationError, Problem

_MAX_CELLS = "launcher.max_cells"


def num_values(override: Any) -> int:
    """Return how many values an override has; a range, however long, is not expanded.

    Raises ValueError for a range that has no end.
    """
    if not override.is_sweep_override():
        return 1
    return _range_length(override.value()) if override.is_range_sweep() else sum(1 for _ in words_of(override))


def checked_values(override: Any) -> Iterator[tuple[Any, str]]:
    """Yield (value, override that gives it alone) of each value that must be checked: of a range its ends.

    The second value of a range stands for the kind of all: whole numbers or not.
    """
    if not override.is_range_sweep():
        yield from words_of(override)
        return
    swept, length = override.value(), _range_length(override.value())
    for number in sorted({0, min(1, length - 1), length - 1} if length else ()):
        value = swept.start + number * swept.step
        yield value, f"{override.get_key_element()}={value}"


def max_cells(typed: list[Any], master: Composition) -> int:
    """Return launcher.max_cells, as typed or as composed."""
    values = [each.value() for each in typed if each.key_or_group == _MAX_CELLS and not each.is_sweep_override()]
    return int(values[-1] if values else OmegaConf.select(master.settings({}), _MAX_CELLS))


def refuse_too_many(sweeps: list[list[Any]], most: int) -> None:
    """Refuse sweeps of too many cells together, before any is composed. Raises ConfigurationError."""
    sizes = [{each.key_or_group: num_values(each) for each in sweep} for sweep in sweeps]
    if (number := sum(math.prod(each.values()) for each in sizes)) > most:
        widest = max(sizes, key=lambda each: math.prod(each.values()))
        largest = max(widest, key=lambda key: widest[key])
        reason = f"the sweep has {number:,} cells; expected at most {_MAX_CELLS}={most}"
        raise ConfigurationError([Problem(largest, ..., reason).line()])


def _range_length(swept: Any) -> int:
    numbers = (swept.start, swept.stop, swept.step)
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers) or not swept.step:
        raise ValueError("a range is range(start,stop,step) with finite numbers and a step other than 0")
    start, stop, step = map(Fraction, numbers)
    return max(0, math.ceil((stop - start) / step))
