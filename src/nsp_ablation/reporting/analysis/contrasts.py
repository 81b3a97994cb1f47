"""Contrasts: weighted sums of three or more arms on the primary measure, beside the planned comparisons of two."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nsp_ablation.options.contrast_terms import Term, contrast_terms, shown_terms
from nsp_ablation.options.output_options import ContrastOptions
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.compared_arms import arms_called
from nsp_ablation.reporting.analysis.comparisons import Comparison, primary_column
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores, estimate
from nsp_ablation.reporting.analysis.differences import NO_DIFFERENCE, Difference, difference_of
from nsp_ablation.reporting.analysis.intervals import ALPHA
from nsp_ablation.reporting.analysis.planned_family import NOT_TOLD, corrected_together, known
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.score_basis import unequal
from nsp_ablation.reporting.analysis.study import Study

CONTRAST_COLUMNS = (
    *("experiment", "what", "arms", "task", "metric", "value", "low", "high", "p", "p_holm", "verdict"),
    "num_pretraining_seeds",
)
ABOVE, BELOW = "above 0", "below 0"


@dataclass(frozen=True, eq=False)
class Contrast:
    """A weighted sum of arms in the primary measure, as a fraction where the metric is one.

    `p_holm`: corrected as if it belonged to the planned family; None where nothing is known, or there is one seed.
    """

    experiment: str
    what: str
    arms: str
    column: Column
    result: Difference = NO_DIFFERENCE
    p_holm: float | None = None

    @property
    def verdict(self) -> str:
        """What is told of its sign."""
        if self.p_holm is None or self.p_holm >= ALPHA or not self.result.difference:
            return NOT_TOLD
        return ABOVE if self.result.difference > 0 else BELOW

    @property
    def is_told(self) -> bool:
        """Whether the verdict tells a sign."""
        return self.verdict != NOT_TOLD

    def csv_row(self) -> dict[str, Any]:
        """Return the row of `contrasts.csv`: percent where the metric is a fraction, None where nothing is known."""
        found = self.result
        names = (self.experiment, self.what, self.arms, self.column.task, self.column.metric)
        numbers = [self.column.rounded(value) for value in (found.difference, found.low, found.high)]
        cells = (*names, *numbers, found.p, self.p_holm, self.verdict, found.num_seeds)
        return dict(zip(CONTRAST_COLUMNS, cells, strict=True))


def contrasts(study: Study, comparisons: Sequence[Comparison]) -> list[Contrast]:
    """Return the contrasts of a study's plan, in its order.

    One that lacks an arm, or scores, stays in the list without a result, and its test counts for Holm, as a planned
    comparison's does. The planned family is not corrected for contrasts.
    """
    column = primary_column(study)
    if column is None or not study.options.contrasts:
        return []
    found = [_contrast(study, plan, column) for plan in study.options.contrasts]
    family = [one for one in comparisons if one.is_primary]
    tests = [*(one.result.estimate for one in family), *(one.result.estimate for one in found)]
    members = corrected_together(tests, [*(one.margin for one in family), *(None for _ in found)])
    own = zip(found, members[len(family) :], strict=True)
    return [replace(one, p_holm=known(member.p_holm)) for one, member in own]


def _contrast(study: Study, plan: ContrastOptions, column: Column) -> Contrast:
    terms = contrast_terms(plan.arms)
    nothing = Contrast(study.name, plan.what, shown_terms(terms), column)
    arms = arms_called(study, [term.name for term in terms])
    if unclear := [term.name for term, each in zip(terms, arms, strict=True) if len(each) > 1]:
        return _refused(nothing, f"{unclear[0]} stands for several arms; narrow it with @")
    pools = [study.scores.pools.get((each[0], column.task)) for each in arms if each]
    measured = [pool for pool in pools if pool and pool.records]
    if len(measured) < len(terms):
        return nothing
    if reasons := _unequal(measured):
        return _refused(nothing, f"not computed, since unequal: {'; '.join(reasons)}")
    return _summed(study, nothing, terms, measured)


def _refused(nothing: Contrast, reason: str) -> Contrast:
    return replace(nothing, result=Difference(refusal=f"{nothing.arms}: {reason}"))


def _unequal(pools: Sequence[Pool]) -> list[str]:
    bases = [pool.basis for pool in pools]
    assert bases[0] is not None
    return [reason for other in bases[1:] if other is not None for reason in unequal(bases[0], other)]


def _summed(study: Study, nothing: Contrast, terms: Sequence[Term], pools: Sequence[Pool]) -> Contrast:
    """Return the estimate of the weighted sum, seed by seed and cluster by cluster, over the seeds that all have."""
    matrices = [study.matrices.of(pool, nothing.column.metric) for pool in pools]
    there = [matrix for matrix in matrices if matrix is not None]
    common = [seed for seed in there[0].seeds if all(seed in one.seeds for one in there)] if there else []
    if len(there) < len(terms) or not common:
        return nothing
    chosen = [(term.weight, matrix.of_seeds(common)) for term, matrix in zip(terms, there, strict=True)]
    scores = np.sum([weight * one.scores.scores for weight, one in chosen], axis=0)
    without = np.sum([weight * one.scores.without for weight, one in chosen], axis=0)
    found = estimate(SeedScores(scores, without), there[0].sizes)
    return replace(nothing, result=difference_of(found))
