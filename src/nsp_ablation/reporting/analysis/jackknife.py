"""Scores without each cluster of examples: what an interval over examples needs, of any metric."""

from collections.abc import Callable, Sequence

import numpy as np

MAX_GROUPS = 200  # 199 degrees of freedom are enough for an interval; more only cost time


def cluster_numbers(clusters: Sequence[str]) -> np.ndarray:
    """Return the number (N,) int64 of each example's cluster, 0 .. C-1 in the order in which they first appear."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(clusters))}
    return np.array([numbers[name] for name in clusters], dtype=np.int64)


def grouped(clusters: np.ndarray, max_groups: int = MAX_GROUPS) -> np.ndarray:
    """Return numbers (N,) of at most `max_groups` groups of whole clusters (N,), of sizes as equal as may be.

    Clusters are dealt out from the largest to the smallest, each to the next group, forth and back.
    """
    sizes = np.bincount(clusters)
    if len(sizes) <= max_groups:
        return clusters
    dealt = np.arange(len(sizes)) % (2 * max_groups)
    group = np.empty(len(sizes), dtype=np.int64)
    group[np.argsort(-sizes, kind="stable")] = np.minimum(dealt, 2 * max_groups - 1 - dealt)
    return group[clusters]


def sums_by_cluster(values: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the sums (C,) float64 of values (N,) by cluster (N,), and how many values each has."""
    return np.bincount(clusters, weights=values), np.bincount(clusters).astype(np.float64)


def without_each(
    metric: Callable[..., float], arrays: Sequence[np.ndarray], clusters: np.ndarray, num_clusters: int
) -> np.ndarray:
    """Return a metric of arrays (N,) without the examples of each cluster (C,) (jackknife: Quenouille, Tukey)."""
    found = np.empty(num_clusters)
    for cluster in range(num_clusters):
        kept = clusters != cluster
        found[cluster] = metric(*(array[kept] for array in arrays))
    return found
