"""Intervals and tests over seeds: arrays in, intervals and p-values out (S pre-training seeds, K comparisons)."""

from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Summary:
    """Scores (S,) of one arm on one task, by pre-training seed. One seed leaves no interval: `low`, `high` None."""

    scores: tuple[float, ...]
    median: float
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Difference:
    """Paired difference a - b of two arms: None without a common seed; `low`, `high` and `p` None with one."""

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    num_seeds: int


NO_DIFFERENCE = Difference(None, None, None, None, 0)


def summarize(scores: np.ndarray) -> Summary:
    """Return median (the paper's statistic), mean, and the 95 % t interval of the mean.

    scores (S,) float, one a pre-training seed, S >= 1.
    """
    low, high = t_interval(scores)
    return Summary(tuple(scores.tolist()), float(np.median(scores)), float(np.mean(scores)), low, high)


def t_interval(scores: np.ndarray) -> tuple[float | None, float | None]:
    """Return the 95 % interval of the mean by Student's t with S - 1 degrees of freedom; (None, None) for S = 1.

    scores (S,) float, taken as independent draws over pre-training seeds.
    """
    from scipy.special import stdtrit

    assert scores.ndim == 1, scores.shape
    assert len(scores) >= 1
    if len(scores) == 1:
        return None, None
    mean = float(np.mean(scores))
    half = float(stdtrit(len(scores) - 1, (1 + CONFIDENCE) / 2)) * standard_error(scores)
    return mean - half, mean + half


def standard_error(scores: np.ndarray) -> float:
    """Return the standard error of the mean of scores (S,), S >= 2."""
    return float(np.std(scores, ddof=1) / np.sqrt(len(scores)))


def paired_difference(a: np.ndarray, b: np.ndarray) -> Difference:
    """Return the mean difference a - b, its 95 % t interval and the two-sided p of the paired t test.

    a, b (S,) float, the scores of two arms under the same S pre-training seeds, in the same order. The interval
    excludes 0 exactly where p < .05. An exact sign-flip test cannot go below 2 ** (1 - S), .0625 for five seeds, so
    the t test it is; it supposes that the differences are about normal. Equal differences throughout give p = 0, or
    1 where all are 0.
    """
    from scipy.special import stdtr

    assert a.shape == b.shape, (a.shape, b.shape)
    differences = a - b
    mean = float(np.mean(differences))
    low, high = t_interval(differences)
    if low is None:
        return Difference(mean, None, None, None, len(differences))
    error = standard_error(differences)
    if error == 0.0:
        return Difference(mean, low, high, float(mean == 0.0), len(differences))
    p = 2 * float(stdtr(len(differences) - 1, -abs(mean) / error))
    return Difference(mean, low, high, p, len(differences))


def holm(p_values: np.ndarray) -> np.ndarray:
    """Return p-values (K,) corrected for K comparisons (Holm 1979): family-wise, never below the given ones."""
    num_comparisons = len(p_values)
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate((num_comparisons - np.arange(num_comparisons)) * p_values[order])
    corrected = np.empty(num_comparisons)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected
