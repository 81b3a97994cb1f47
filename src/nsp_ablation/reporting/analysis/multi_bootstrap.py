"""The multi-bootstrap (Sellam et al. 2022, "The MultiBERTs"): seeds and clusters drawn anew, both at once.

It stands beside the interval as a check. Its own coverage is simulated (docs/statistics.md): with few seeds it is too
narrow, since the spread of S drawn seeds is that of S - 1, and where neither seeds nor clusters differ it is too wide.
"""

import numpy as np

from nsp_ablation.base.randomness import draw64, epoch_key, sample_key, stream
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix

NUM_DRAWS = 1000


def drawn_counts(name: str, num_units: int, num_draws: int = NUM_DRAWS) -> np.ndarray:
    """Return how often each unit is drawn: (num_draws, num_units) float64, each row num_units draws with replacement.

    A pure function of its arguments; `name` tells streams apart ("seeds", "clusters").
    """
    key = np.full(1, epoch_key(0, stream(f"multi-bootstrap {name}"), 0))
    keys = sample_key(key, np.arange(num_draws, dtype=np.uint64))[:, np.newaxis]
    units = draw64(keys, np.arange(num_units, dtype=np.uint64)) % np.uint64(num_units)
    flat = units + np.arange(num_draws, dtype=np.uint64)[:, np.newaxis] * np.uint64(num_units)
    counts = np.bincount(flat.ravel().astype(np.int64), minlength=num_draws * num_units)
    return counts.reshape(num_draws, num_units).astype(np.float64)


def bootstrap_draws(sums: np.ndarray, sizes: np.ndarray, seeds: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Return the mean over examples and seeds in each draw (..., B).

    sums (..., S, C): sums of the examples' scores; sizes (C,): how many they are of; seeds (B, S) and clusters (B, C):
    how often each is drawn.
    """
    by_seed = sums @ clusters.T
    totals = np.einsum("...sb,bs->...b", by_seed, seeds)
    return np.asarray(totals / (seeds.sum(axis=-1) * (clusters @ sizes)))


def percentile_limits(draws: np.ndarray, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits (...) between which the middle 1 - alpha of the draws (..., B) lie."""
    low, high = np.quantile(draws, [alpha / 2, 1 - alpha / 2], axis=-1)
    return low, high


def bootstrap_limits(a: ScoreMatrix, b: ScoreMatrix, is_paired: bool) -> tuple[float, float] | None:
    """Return the 95 % limits of a difference of two arms; None where the metric is no mean.

    Paired seeds are drawn together, others on each side by themselves; clusters always together.
    """
    if a.sums is None or b.sums is None:
        return None
    clusters = drawn_counts("clusters", len(a.sizes))
    seeds = drawn_counts("seeds a", len(a.seeds))
    if is_paired:
        draws = bootstrap_draws(a.sums - b.sums, a.sizes, seeds, clusters)
    else:
        other = bootstrap_draws(b.sums, b.sizes, drawn_counts("seeds b", len(b.seeds)), clusters)
        draws = bootstrap_draws(a.sums, a.sizes, seeds, clusters) - other
    low, high = percentile_limits(draws)
    return float(low), float(high)
