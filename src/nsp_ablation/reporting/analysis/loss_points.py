"""Scores beside losses, by arm and pre-training seed: whether what lowers the held-out loss raises the score."""

from dataclasses import dataclass

from nsp_ablation.options.probe_options import LAYOUTS, measured_name
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm

_LAYOUT = "pair"  # the layout that a claim on formats has to hold in (fidelity row 18)
_COMMON = f"mlm_loss_{measured_name(_LAYOUT, '')}"
_COMMON_NAME = f"held-out MLM loss, {LAYOUTS[_LAYOUT].title} layout, nats"
_OWN_NAME = "held-out MLM loss in the arm's own inputs, nats"


@dataclass(frozen=True, eq=False)
class LossPanel:
    """One column of the table: what the losses are, and (loss in nats, score as printed) of every pre-training seed of
    each arm that has both; untrained encoders, whose losses are far from all others, only where nothing else is."""

    column: Column
    loss_name: str
    points: dict[StudyArm, list[tuple[float, float]]]


def loss_panels(study: Study) -> list[LossPanel]:
    """Return a panel per column that is no loss itself and that two points at least have.

    The loss is that of the same held-out documents in one layout where some arm has it, for all arms alike; else each
    arm's in its own inputs, which do not compare between formats.
    """
    common = {arm: found for arm in study.scores.arms if (found := _common(study, arm))}
    losses = common or {arm: _own(study, arm) for arm in study.scores.arms}
    name = _COMMON_NAME if common else _OWN_NAME
    panels = []
    for column in study.columns:
        if column.is_lower_better:
            continue
        points = {arm: _points(study, column, arm, of_seed) for arm, of_seed in losses.items()}
        points = {arm: pairs for arm, pairs in points.items() if pairs}
        trained = {arm: pairs for arm, pairs in points.items() if arm.kind != "random"}
        points = trained or points
        if sum(map(len, points.values())) > 1:
            panels.append(LossPanel(column, name, points))
    return panels


def _points(study: Study, column: Column, arm: StudyArm, losses: dict[int | None, float]) -> list[tuple[float, float]]:
    pool = study.scores.pools.get((arm, column.task))
    scores = pool.by_seed(column.metric) if pool else {}
    return [(losses[seed], column.scaled(score)) for seed, score in scores.items() if seed in losses]


def _common(study: Study, arm: StudyArm) -> dict[int | None, float]:
    """Return {pre-training seed: loss} in the layout that all arms are tested in."""
    return next((found for pool in _pools(study, arm) if (found := pool.by_seed(_COMMON))), {})


def _own(study: Study, arm: StudyArm) -> dict[int | None, float]:
    """Return {pre-training seed: loss} in the arm's own inputs."""
    facts = {record.pretraining_seed: record.pretraining for record in study.of_arm(arm)}
    return {seed: one.mlm_loss for seed, one in facts.items() if one is not None and one.mlm_loss is not None}


def _pools(study: Study, arm: StudyArm) -> list[Pool]:
    return [pool for (other, _), pool in study.scores.pools.items() if other == arm]
