"""Accuracy per example, metrics from item arrays, and the standard error of a mean over clusters."""

from collections.abc import Iterable, Mapping

import numpy as np

from nsp_ablation.base.prediction_metrics import metric_value
from nsp_ablation.options.metric_source import metric_source


def metric_values(metrics: Iterable[str], items: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return metrics by name, computed from item arrays (N,) as the report does it again (`metric_source`)."""
    values = {}
    for metric in metrics:
        source = metric_source(metric, items)
        assert source is not None, f"{metric} does not come from {sorted(items)}"
        values[metric] = metric_value(source.function, [items[name] for name in source.arrays])
    return values


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
