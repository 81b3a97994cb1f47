"""Scores per example, metrics from item arrays, and the standard error of a mean over clusters."""

from collections.abc import Iterable, Mapping

import numpy as np

from nsp_ablation.base.prediction_metrics import metric_value, ranks
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


def f1_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64, above 0 where class 1 is told and right: their mean is F1 of class 1.

    A score depends on all examples, so that an interval of F1 needs predictions and labels.
    """
    num_told = float((predicted == 1).sum() + (labels == 1).sum())
    is_found = ((predicted == 1) & (labels == 1)).astype(np.float64)
    return is_found * (2 * len(labels) / num_told) if num_told else is_found


def matthews_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64, whose mean is Matthews' correlation: right or wrong above what two draws of these
    classes have in common, in units of their deviations. They depend on all examples, as those of F1 do."""
    told, labelled = (
        np.array([(array == number).mean() for number in np.union1d(predicted, labels)])
        for array in (predicted, labels)
    )
    deviation = np.sqrt((1 - told @ told) * (1 - labelled @ labelled))
    above_chance = accuracy_scores(predicted, labels) - told @ labelled
    return above_chance / deviation if deviation > 0 else np.zeros(len(labels))


def pearson_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64, products of standardized values, whose mean is Pearson's correlation.

    Neither may be constant. A score depends on all examples.
    """
    first, second = predicted - predicted.mean(), labels - labels.mean()
    return len(labels) * (first / np.linalg.norm(first)) * (second / np.linalg.norm(second))


def spearman_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64, products of standardized ranks, whose mean is Spearman's correlation."""
    return pearson_scores(ranks(predicted), ranks(labels))


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
