"""Learning curves of a study: each arm's seeds and their mean, by real tokens, from files beside the records."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, setting
from nsp_ablation.reporting.records.curve_file import CurvePoint, kept_curve
from nsp_ablation.reporting.records.training_facts import PretrainingFacts

# what is measured in an arm's own inputs, beside the probes
_OWN = (
    Column("", "mlm_loss", "Held-out MLM loss, own inputs"),
    Column("", "nsp_accuracy", "NSP, own inputs"),
    Column("", "sop_accuracy", "SOP, own inputs"),
)

_NUM_NAMED = 3
Curves = Mapping[str, list[CurvePoint]]  # by the keys of encoders


@dataclass(frozen=True, eq=False)
class CurveLine:
    """Values (P,) float64, as they are printed, after real tokens (P,) float64, ascending."""

    tokens: np.ndarray
    values: np.ndarray


@dataclass(frozen=True, eq=False)
class ArmCurves:
    """The lines of an arm's pre-training seeds, in their order, and their mean."""

    label: str
    seeds: list[CurveLine]
    mean: CurveLine | None


@dataclass(frozen=True, eq=False)
class CurvePanel:
    """One metric of every arm that has it; `title` is that of `column`, or says more."""

    title: str
    column: Column
    arms: dict[StudyArm, ArmCurves]


def read_curves(study: Study) -> Curves:
    """Return the curve of each encoder, without points where there is none.

    Raises DamageError naming a curve that is not what was written.
    """
    keys = (key for arm in study.scores.arms for key in arm_encoders(study, arm))
    return {key: kept_curve(_home(study, key), key).points for key in keys}


def learning_curves(study: Study, curves: Curves) -> list[CurvePanel]:
    """Return a panel per metric that was measured on the way of any arm; arms in the order of the table."""
    points = {arm: [curves.get(key, []) for key in arm_encoders(study, arm)] for arm in study.scores.arms}
    panels = [_panel(study, column, points) for column in (*_OWN, *study.columns)]
    return [panel for panel in panels if panel.arms]


def lost_curves(study: Study) -> list[str]:
    """Return a line on the curves that records of finished cells were asked for (`pretraining.evaluate_at`) and that no
    folder of the study holds. A record that was taken over from another study has its curve there."""
    unfinished = {key for cell in study.cells if cell.status != "done" for key in cell.records}
    asked = {
        PurePosixPath(record.encoder.path).name
        for key, record in study.records.items()
        if key not in unfinished and record.arm == "trained" and record.encoder is not None and record.origin is None
        if setting(record.config, "pretraining.evaluate_at")
    }
    files = {f"curves/{key}.csv": _home(study, key) for key in sorted(asked)}
    lost = [name for name, home in files.items() if not os.path.lexists(home / name)]
    if not lost:
        return []
    more = f" and {len(lost) - _NUM_NAMED} more" if len(lost) > _NUM_NAMED else ""
    remedy = "run the command of its sweep again, which writes it anew"
    return [f"learning curve missing: {', '.join(lost[:_NUM_NAMED])}{more}; {remedy}"]


def _home(study: Study, encoder: str) -> Path:
    return study.folders.holding("curves", f"{encoder}.csv")


def mean_line(lines: list[CurveLine]) -> CurveLine | None:
    """Return the mean of lines over the tokens that all of them span, at every point of any, linear between points.

    None where no number of tokens is common to all.
    """
    if not lines:
        return None
    first, last = max(line.tokens[0] for line in lines), min(line.tokens[-1] for line in lines)
    tokens = np.unique(np.concatenate([line.tokens for line in lines]))
    tokens = tokens[(tokens >= first) & (tokens <= last)]
    if not len(tokens):
        return None
    return CurveLine(tokens, np.mean([np.interp(tokens, line.tokens, line.values) for line in lines], axis=0))


def arm_encoders(study: Study, arm: StudyArm) -> dict[str, PretrainingFacts | None]:
    """Return the keys of an arm's trained encoders, one per pre-training seed, by seed, each with its facts."""
    records = [record for record in study.of_arm(arm) if record.arm == "trained" and record.encoder is not None]
    found = {record.pretraining_seed: record for record in records}
    in_order = [record for _, record in sorted(found.items(), key=lambda item: item[0] or 0)]
    return {PurePosixPath(one.encoder.path).name: one.pretraining for one in in_order if one.encoder is not None}


def _panel(study: Study, column: Column, points: dict[StudyArm, list[list[CurvePoint]]]) -> CurvePanel:
    arms = {}
    for arm, curves in points.items():
        seeds = [line for curve in curves if (line := curve_line(curve, column)) is not None]
        if seeds:
            arms[arm] = ArmCurves(study.labels[arm], seeds, mean_line(seeds))
    return CurvePanel(column.title, column, arms)


def metric_name(column: Column) -> str:
    """Return the name of a column's metric in the files of curves."""
    return f"{column.task}.{column.metric}" if column.task else column.metric


def curve_line(points: list[CurvePoint], column: Column) -> CurveLine | None:
    """Return the finite values of a column's metric, as they are printed; None where it was not measured."""
    metric = metric_name(column)
    found = [(point.tokens, column.scaled(point.metrics[metric])) for point in points if metric in point.metrics]
    finite = np.array([one for one in found if np.isfinite(one[1])], np.float64).reshape(-1, 2)
    return CurveLine(finite[:, 0], finite[:, 1]) if len(finite) else None
