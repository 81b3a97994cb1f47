"""The planned family: all tests of the planned comparisons on the primary measure, corrected together.

K comparisons, `...` any leading axes (simulated studies). A test is of a difference, or of equality within a margin
where the plan has one. Holm's correction runs over all of them. Its verdicts are what is told; beside them stand
simultaneous intervals by Bonferroni, for as many tests: all cover together, and one that excludes 0 (or lies within
the margin) has a test that Holm rejects, too. The reverse does not hold, since Holm rejects more.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nsp_ablation.reporting.analysis.crossed_variance import Estimate
from nsp_ablation.reporting.analysis.intervals import ALPHA, holm, limits, p_difference, p_equal

A_ABOVE, B_ABOVE, NOT_TOLD = "a above b", "b above a", "not told"


@dataclass(frozen=True, eq=False)
class FamilyMember:
    """What the family says of one comparison; arrays (...), NaN where a test was not planned or could not be made."""

    p: np.ndarray
    p_holm: np.ndarray
    p_equal: np.ndarray
    p_equal_holm: np.ndarray
    low_simultaneous: np.ndarray
    high_simultaneous: np.ndarray


def num_tests(margins: Sequence[float | None]) -> int:
    """Return the number of tests of a family: a difference per comparison, an equality where it has a margin."""
    return len(margins) + sum(margin is not None for margin in margins)


def corrected_together(found: Sequence[Estimate | None], margins: Sequence[float | None]) -> list[FamilyMember]:
    """Return what all tests of a family say together, in the order of its comparisons.

    Seeds are what a verdict is about: an estimate over examples alone, or None, has no p; its tests count all the same.
    """
    count = num_tests(margins)
    tested = [one if one is not None and one.over_seeds else None for one in found]
    shape = np.broadcast_shapes(*(one.value.shape for one in found if one is not None))
    missing = np.full(shape, np.nan)
    differences = [missing if one is None else p_difference(one) for one in tested]
    equalities = [
        missing if one is None or margin is None else p_equal(one, margin)
        for one, margin in zip(tested, margins, strict=True)
    ]
    planned = [number for number, margin in enumerate(margins) if margin is not None]
    corrected = holm(np.stack([*differences, *(equalities[number] for number in planned)], axis=-1))
    equal_holm = dict(zip(planned, np.moveaxis(corrected, -1, 0)[len(found) :], strict=True))
    members = []
    for number, one in enumerate(tested):
        low, high = (missing, missing) if one is None else limits(one, ALPHA / count)
        members.append(
            FamilyMember(
                differences[number],
                corrected[..., number],
                equalities[number],
                equal_holm.get(number, missing),
                low,
                high,
            )
        )
    return members


def known(value: np.ndarray) -> float | None:
    """Return one member's number, None where its test was not planned or could not be made."""
    return None if np.isnan(value) else float(value)


def verdict(difference: float | None, p_holm: float | None, p_equal_holm: float | None, margin: str | None) -> str:
    """Return what is told of a comparison, in words; `margin` is the margin as text."""
    is_above = p_holm is not None and p_holm < ALPHA
    is_equal = p_equal_holm is not None and p_equal_holm < ALPHA
    if is_above:
        assert difference is not None
        above = A_ABOVE if difference > 0 else B_ABOVE
        return f"{above}, by less than {margin}" if is_equal else above
    return f"equal within {margin}" if is_equal else NOT_TOLD
