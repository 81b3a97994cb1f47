"""The difference of two arms in one metric: paired by pre-training seed, or of seeds that have nothing in common."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.crossed_variance import Estimate, estimate, unpaired_difference
from nsp_ablation.reporting.analysis.intervals import limits, p_difference
from nsp_ablation.reporting.analysis.multi_bootstrap import bootstrap_limits
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.score_basis import unequal
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm

_MIN_FOR_CORRELATION = 3


@dataclass(frozen=True, eq=False)
class Difference:
    """a - b of two arms, its 95 % limits and two-sided p, uncorrected; None where nothing is known.

    `interval` as in `Summary`; one over examples alone has no p, since it says nothing of other seeds. `num_seeds`: on
    each side (of the smaller one). `correlation`: of the arms' scores over paired seeds. `bootstrap`: the limits of the
    multi-bootstrap, a check. `refusal`: why the two must not be compared.
    """

    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    num_seeds: int = 0
    interval: str = "none"
    is_paired: bool = True
    correlation: float | None = None
    bootstrap: tuple[float, float] | None = None
    estimate: Estimate | None = None
    refusal: str | None = None


NO_DIFFERENCE = Difference()


def difference(
    study: Study,
    arms: tuple[StudyArm, StudyArm] | None,
    column: Column,
    seeds: tuple[Sequence[int], Sequence[int]] = ((), ()),
) -> Difference:
    """Return the difference of two arms over the pre-training seeds that both have, or over the named ones of each.

    Arms whose scores do not stand on the same examples and settings have none, and `refusal` names these.
    """
    pools = [pool for arm in arms or () if (pool := study.scores.pools.get((arm, column.task))) and pool.records]
    if len(pools) < len(seeds):
        return NO_DIFFERENCE
    if reasons := _unequal(*pools):
        names = " and ".join(study.labels[arm] for arm in arms or ())
        return Difference(refusal=f"{column.task}: {names} are not compared, since unequal: {'; '.join(reasons)}")
    is_paired = not seeds[0]
    scores = [pool.by_seed(column.metric) for pool in pools]
    common = [seed for seed in scores[0] if seed in scores[1]]
    named = [[seed for seed in own if seed in of_seed] for own, of_seed in zip(seeds, scores, strict=True)]
    chosen: list[list[int | None]] = [common, common] if is_paired else [[*own] for own in named]
    if not all(chosen):
        return NO_DIFFERENCE
    matrices = [study.matrices.of(pool, column.metric) for pool in pools]
    sides = [matrix.of_seeds(own) for matrix, own in zip(matrices, chosen, strict=True) if matrix]
    if len(sides) == len(pools):
        return _of_matrices(*sides, is_paired=is_paired)
    means = [np.mean([of_seed[seed] for seed in own]) for of_seed, own in zip(scores, chosen, strict=True)]
    return Difference(float(means[0] - means[1]), num_seeds=min(map(len, chosen)), is_paired=is_paired)


def _unequal(a: Pool, b: Pool) -> list[str]:
    assert a.basis is not None
    assert b.basis is not None
    return unequal(a.basis, b.basis)


def _of_matrices(a: ScoreMatrix, b: ScoreMatrix, *, is_paired: bool) -> Difference:
    if is_paired:
        found = estimate(a.scores.paired_with(b.scores), a.sizes)
    else:
        found = unpaired_difference(a.scores, b.scores, a.sizes)
    return replace(
        difference_of(found),
        is_paired=is_paired,
        correlation=_correlation(a.scores.scores, b.scores.scores) if is_paired else None,
        bootstrap=bootstrap_limits(a, b, is_paired) if found.over_seeds else None,
    )


def difference_of(found: Estimate) -> Difference:
    """Return an estimated difference, or weighted sum, with what is known of it."""
    low, high, p = (float(value) for value in (*limits(found), p_difference(found)))
    has_interval = bool(np.isfinite([low, high]).all())
    over = ("seeds_examples" if found.over_seeds else "examples") if has_interval else "none"
    return Difference(
        difference=float(found.value),
        low=low if has_interval else None,
        high=high if has_interval else None,
        p=p if has_interval and found.over_seeds else None,
        num_seeds=min(found.num_seeds),
        interval=over,
        estimate=found if has_interval else None,
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    """Return the correlation of scores (S,) and (S,), None of fewer than three seeds or where one side is constant."""
    if len(a) < _MIN_FOR_CORRELATION or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(np.corrcoef(a, b)[0, 1])
