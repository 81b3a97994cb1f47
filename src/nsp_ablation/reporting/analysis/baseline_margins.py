"""Encoders beside their baselines: which of them are not clearly better than the best one."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from nsp_ablation.options.metric_source import metric_facts
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.study import Study

NUM_ERRORS = 2  # standard errors by which an encoder has to be above its baselines


@dataclass(frozen=True)
class Margin:
    """A score with its standard error over clusters of examples, and the best baseline, all in the metric's unit."""

    score: float
    standard_error: float
    baseline: str
    baseline_score: float

    @property
    def is_clear(self) -> bool:
        """Whether the encoder is above the baseline by two standard errors."""
        return self.score - self.baseline_score > NUM_ERRORS * self.standard_error


def baseline_sentences(study: Study) -> list[str]:
    """Return the sentence of the caption that names encoders which do not beat their best baseline; none, if all do.

    Baselines are majority, bag of words, the untrained encoder and, where there are contexts, the same encoder on
    foreign ones. Measures of which less is better have none of these but the untrained encoder, and are not read.
    """
    texts = [text for pool in study.scores.all_pools() if pool.arm.kind != "random" for text in _told(study, pool)]
    if not texts:
        return []
    return [f"Not {NUM_ERRORS} standard errors (over examples) above the best of its baselines: {'; '.join(texts)}."]


def _told(study: Study, pool: Pool) -> Iterator[str]:
    margin = _margin(study, pool)
    column = next((one for one in study.columns if (one.task, one.metric) == (pool.task, pool.primary_metric)), None)
    if margin is None or column is None or margin.is_clear:
        return
    score, other, error = (column.text(value) for value in (margin.score, margin.baseline_score, margin.standard_error))
    yield f"{study.labels[pool.arm]} on {column.title} ({score}, standard error {error}; {margin.baseline} {other})"


def _margin(study: Study, pool: Pool) -> Margin | None:
    """Return the margin of an arm on a task, None where less is better or no error can be told."""
    metric = pool.primary_metric
    if metric is None or metric_facts(metric).is_lower_better:
        return None
    found = baselines_of(study, pool)
    matrix = study.matrices.of(pool, metric)
    error = standard_error(matrix.scores) if matrix else None
    if not found or error is None:
        return None
    best = max(found, key=found.__getitem__)
    return Margin(fmean(pool.by_seed(metric).values()), error, best, found[best])


def baselines_of(study: Study, pool: Pool) -> dict[str, float]:
    """Return what stands beside an arm's score, by its name."""
    metric, records = pool.primary_metric or "", pool.records
    untrained = [other for other in study.scores.all_pools() if other.arm.kind == "random" and other.task == pool.task]
    values: dict[str, list[float | None]] = {
        "majority": [record.majority for record in records],
        "bag of words": [record.bag_of_words for record in records],
        "foreign contexts": [(record.metrics or {}).get("foreign_contexts") for record in records],
        "untrained encoder": [value for other in untrained for value in other.by_seed(metric).values()],
    }
    known = {name: [value for value in found if value is not None] for name, found in values.items()}
    return {name: fmean(found) for name, found in known.items() if found}


def standard_error(scores: SeedScores) -> float | None:
    """Return the jackknife standard error, over clusters of examples alone, of the mean over seeds; None for a single
    cluster."""
    without = scores.without.mean(axis=0)
    number = len(without)
    if number < 2:
        return None
    return float(np.sqrt((number - 1) / number * np.sum((without - without.mean()) ** 2)))
