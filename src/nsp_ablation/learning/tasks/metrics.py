"""Accuracy per example, and the standard error of a mean over clusters."""

import numpy as np


def accuracy_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64: 1 where the predicted class is the labelled one."""
    return (predicted == labels).astype(np.float64)


def standard_error(values: np.ndarray, clusters: np.ndarray) -> float | None:
    """Return the standard error of the mean of values (N,) that depend on each other within clusters (N,) int.

    The cluster-robust one (Liang and Zeger 1986): targets of one input share its text. None for a single cluster.
    """
    _, members = np.unique(clusters, return_inverse=True)
    sums = np.bincount(members, weights=values - values.mean())
    num_clusters = len(sums)
    if num_clusters < 2:
        return None
    return float(np.sqrt((sums**2).sum() * num_clusters / (num_clusters - 1)) / len(values))
