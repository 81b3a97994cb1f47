"""Intervals and tests of an `Estimate`, corrections for their number: arrays in, limits and p-values out.

`...` are any axes, K the tests of a family.
"""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.reporting.analysis.crossed_variance import Estimate

ALPHA = 0.05


@dataclass(frozen=True)
class Summary:
    """Scores (S,) of one arm in one metric, by pre-training seed, and the 95 % interval of their mean.

    `interval` says what it is over: "seeds_examples"; "examples" where one seed leaves none over seeds; "none" where
    `low` and `high` are None.
    """

    scores: tuple[float, ...]
    median: float
    mean: float
    low: float | None = None
    high: float | None = None
    interval: str = "none"


def summarize(scores: np.ndarray, found: Estimate | None = None) -> Summary:
    """Return median (the paper's statistic), mean and interval of scores (S,), S >= 1; none without an estimate."""
    assert scores.ndim == 1, scores.shape
    assert len(scores) >= 1
    values = tuple(scores.tolist())
    median, mean = float(np.median(scores)), float(np.mean(scores))
    if found is None or not np.isfinite(found.error):
        return Summary(values, median, mean)
    low, high = limits(found)
    kind = "seeds_examples" if found.over_seeds else "examples"
    return Summary(values, median, mean, float(low), float(high), kind)


def limits(found: Estimate, alpha: float = ALPHA) -> tuple[np.ndarray, np.ndarray]:
    """Return low and high (...) of the 1 - alpha interval by Student's t; NaN where there is no error."""
    from scipy.special import stdtrit

    half = np.where(found.error == 0, 0.0, stdtrit(found.dof, 1 - alpha / 2) * found.error)
    return found.value - half, found.value + half


def p_difference(found: Estimate) -> np.ndarray:
    """Return the two-sided p-values (...) of no difference: below alpha exactly where the interval excludes 0."""
    return 2 * _upper_tail(np.abs(found.value), found)


def p_equal(found: Estimate, margin: float) -> np.ndarray:
    """Return the p-values (...) of two one-sided tests (Schuirmann 1987): small where |difference| < margin is shown.

    Below alpha exactly where the 1 - 2 alpha interval lies within the margin.
    """
    return _upper_tail(margin - np.abs(found.value), found)


def _upper_tail(distance: np.ndarray, found: Estimate) -> np.ndarray:
    """Return P(T >= distance / error); without any spread 0 or 1, a half where the distance is 0."""
    from scipy.special import stdtr

    with np.errstate(invalid="ignore", divide="ignore"):
        tail = stdtr(found.dof, -distance / found.error)
    return np.where(found.error == 0, (1 - np.sign(distance)) / 2, tail)


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values (..., K) corrected for K tests (Holm 1979): family-wise, never below the given ones.

    A NaN is a test that was planned and could not be made: it stays NaN, and counts among the K.
    """
    num_tests = p_values.shape[-1]
    order = np.argsort(p_values, axis=-1, kind="stable")  # NaN comes last
    in_order = np.take_along_axis(p_values, order, axis=-1)
    steps = np.fmax.accumulate((num_tests - np.arange(num_tests)) * in_order, axis=-1)
    steps = np.where(np.isnan(in_order), np.nan, np.minimum(steps, 1.0))
    corrected = np.empty_like(p_values)
    np.put_along_axis(corrected, order, steps, axis=-1)
    return corrected
