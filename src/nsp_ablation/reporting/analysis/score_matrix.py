"""Score matrices: one arm's scores in one metric, pre-training seeds x clusters of examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from nsp_ablation.base.prediction_metrics import metric_value
from nsp_ablation.options.metric_source import MetricSource, metric_source
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores, means_of_sums
from nsp_ablation.reporting.analysis.jackknife import cluster_numbers, grouped, sums_by_cluster, without_each
from nsp_ablation.reporting.records.example_scores import ExampleScores


@dataclass(frozen=True, eq=False)
class ScoreMatrix:
    """What intervals and comparisons of one arm in one metric are made of.

    seeds (S,): the pre-training seeds. scores: (S,), the official metric over all examples, mean over fine-tuning
    seeds, and the same without each cluster. sizes (C,): examples of each cluster that count. sums (S, C): of a mean,
    the sums of its examples' scores, else None. ids (N,): the examples, which arms that are compared have in common.
    """

    seeds: tuple[int | None, ...]
    scores: SeedScores
    sizes: np.ndarray
    sums: np.ndarray | None
    ids: tuple[str, ...]

    def of_seeds(self, seeds: Sequence[int | None]) -> "ScoreMatrix":
        """Return the matrix of these seeds, in their order."""
        rows = [self.seeds.index(seed) for seed in seeds]
        scores = SeedScores(self.scores.scores[rows], self.scores.without[rows])
        return ScoreMatrix(tuple(seeds), scores, self.sizes, None if self.sums is None else self.sums[rows], self.ids)


def score_matrix(results: Mapping[int | None, Sequence[ExampleScores]], metric: str) -> ScoreMatrix | None:
    """Return the matrix of a metric, from the results of each pre-training seed's fine-tuning seeds.

    All results are of the same examples. None where the metric does not come from their items, or is a count.
    """
    every = [result for group in results.values() for result in group]
    sources = {metric_source(metric, result.items) for result in every}
    source = next(iter(sources)) if len(sources) == 1 else None
    if source is None or source.function == "total":
        return None
    arrays = {id(result): [result.items[name] for name in source.arrays] for result in every}
    counting = [np.isfinite(np.sum(arrays[id(result)], axis=0)) for result in every]
    counts = counting[0]
    if not counts.any():
        return None
    ids = every[0].ids
    clusters = cluster_numbers(ids if every[0].clusters is None else every[0].clusters)
    groups = [[arrays[id(result)] for result in group] for group in results.values()]
    is_mean = source.function is None and all((each == counts).all() for each in counting)
    build = _of_mean if is_mean else _of_function
    scores, sizes, sums = build(source, groups, clusters, counts)
    return ScoreMatrix(tuple(results), scores, sizes, sums, tuple(ids))


_Built = tuple[SeedScores, np.ndarray, np.ndarray | None]


def _of_mean(
    source: MetricSource, groups: list[list[list[np.ndarray]]], clusters: np.ndarray, counts: np.ndarray
) -> _Built:
    """Return scores, sizes and sums of a mean: fine-tuning seeds are averaged example by example first."""
    values = np.stack([np.mean([arrays[0] for arrays in group], axis=0) for group in groups])
    numbers = np.unique(clusters[counts], return_inverse=True)[1]
    by_cluster = [sums_by_cluster(row[counts], numbers) for row in values]
    sums, sizes = np.stack([row for row, _ in by_cluster]), by_cluster[0][1]
    return means_of_sums(sums, sizes), sizes, sums


def _of_function(
    source: MetricSource, groups: list[list[list[np.ndarray]]], clusters: np.ndarray, counts: np.ndarray
) -> _Built:
    """Return scores and sizes of a metric of predictions, by leaving groups of clusters out of each result."""
    numbers = np.zeros_like(clusters)
    numbers[counts] = grouped(np.unique(clusters[counts], return_inverse=True)[1])
    sizes = np.bincount(numbers[counts]).astype(np.float64)

    def metric(*arrays: np.ndarray) -> float:
        return metric_value(source.function, arrays)

    scores = [np.mean([metric(*arrays) for arrays in group]) for group in groups]
    without = [
        np.mean([without_each(metric, arrays, numbers, len(sizes)) for arrays in group], axis=0) for group in groups
    ]
    return SeedScores(np.array(scores), np.stack(without)), sizes, None
