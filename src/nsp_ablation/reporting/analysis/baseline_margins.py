"""Encoders beside their baselines: which of them are not clearly better than the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from nsp_ablation.options.metric_source import metric_facts
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores, estimate
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix
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

    A task on which no encoder of several does is named once. Baselines are majority, bag of words, the untrained
    encoder and, where there are contexts, the same encoder on foreign ones. Measures of which less is better have none
    of these but the untrained encoder, and are not read.
    """
    judged = [(pool, margin) for pool in study.scores.all_pools() if (margin := _margin(study, pool))]
    told = [(pool, margin) for pool, margin in judged if not margin.is_clear]
    tasks = [task for task in study.scores.tasks if _is_at_floor([one for pool, one in judged if pool.task == task])]
    texts = [_of_all(_column(study, task), [one for pool, one in told if pool.task == task]) for task in tasks]
    texts += [_of_one(study, pool, margin) for pool, margin in told if pool.task not in tasks]
    if not texts:
        return []
    return [f"Not {NUM_ERRORS} standard errors (over examples) above the best of its baselines: {'; '.join(texts)}."]


def _is_at_floor(margins: Sequence[Margin]) -> bool:
    """Whether none of several encoders is clear of a baseline that is one for all."""
    one_baseline = len({(margin.baseline, margin.baseline_score) for margin in margins}) == 1
    return len(margins) > 1 and one_baseline and not any(margin.is_clear for margin in margins)


def _of_all(column: Column, margins: Sequence[Margin]) -> str:
    low, *_, high = sorted(margin.score for margin in margins)
    error, baseline = max(margin.standard_error for margin in margins), margins[0]
    between = " to ".join(dict.fromkeys((column.text(low), column.text(high))))
    other = f"{baseline.baseline} {column.text(baseline.baseline_score)}"
    return f"every encoder on {column.title} ({between}, standard error at most {column.text(error)}; {other})"


def _of_one(study: Study, pool: Pool, margin: Margin) -> str:
    column = _column(study, pool.task)
    score, other, error = (column.text(value) for value in (margin.score, margin.baseline_score, margin.standard_error))
    return f"{study.labels[pool.arm]} on {column.title} ({score}, standard error {error}; {margin.baseline} {other})"


def _column(study: Study, task: str) -> Column:
    """Return the column of a task's own metric, which is its first."""
    return next(one for one in study.columns if one.task == task)


def _margin(study: Study, pool: Pool) -> Margin | None:
    """Return the margin of an encoder that was trained on a task, None where less is better or no error can be told."""
    metric = pool.primary_metric
    if pool.arm.kind == "random" or metric is None or metric_facts(metric).is_lower_better:
        return None
    if not any((one.task, one.metric) == (pool.task, metric) for one in study.columns):
        return None
    found = baselines_of(study, pool)
    matrix = study.matrices.of(pool, metric)
    error = standard_error(matrix) if matrix else None
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


def standard_error(matrix: ScoreMatrix) -> float | None:
    """Return the standard error of the mean over seeds, over clusters of examples alone, as the interval of one seed
    has it; None for a single cluster."""
    scores = matrix.scores
    mean = SeedScores(scores.scores.mean(keepdims=True), scores.without.mean(axis=0, keepdims=True))
    error = float(estimate(mean, matrix.sizes).error)
    return None if np.isnan(error) else error
