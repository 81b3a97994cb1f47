"""Planned comparisons: paired differences between arms, corrected for their number."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.statistics import Difference, holm, paired_difference
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, masking_name

COMPARISON_COLUMNS = (
    "experiment",
    "a",
    "b",
    "task",
    "difference",
    "low",
    "high",
    "p",
    "p_holm",
    "num_pretraining_seeds",
)


@dataclass(frozen=True)
class Comparison:
    """a - b in a task's primary metric, as fractions. `result` is None where an arm or a common seed is missing."""

    experiment: str
    a: str
    b: str
    column: Column
    result: Difference | None
    p_holm: float | None = None

    def csv_row(self) -> dict[str, Any]:
        """Return the row of `comparisons.csv`: percent where the metric is a fraction, None where nothing is known."""
        values = asdict(self.result) if self.result else {}
        scaled = {name: values.get(name) for name in ("difference", "low", "high")}
        return {
            "experiment": self.experiment,
            "a": self.a,
            "b": self.b,
            "task": self.column.task,
            **{name: None if v is None else round(self.column.scaled(v), 6) for name, v in scaled.items()},
            "p": values.get("p"),
            "p_holm": self.p_holm,
            "num_pretraining_seeds": values.get("num_seeds", 0),
        }


def compare(study: Study) -> list[Comparison]:
    """Return the planned comparisons of a study, for every task.

    Scores are paired by pre-training seed, over the seeds that both arms have; Holm's correction is over all of them
    that have a p. A comparison that lacks an arm, or scores, stays in the list without a result.
    """
    found = []
    for a, b in study.info.comparisons:
        pairs = _pairs(study, a, b)
        for first, second in pairs:
            names = (a, b) if len(pairs) == 1 else (study.labels[first], study.labels[second])
            for column in _primary_columns(study):
                found.append(Comparison(study.info.name, *names, column, _difference(study, first, second, column)))
        if not pairs:
            found += [Comparison(study.info.name, a, b, column, None) for column in _primary_columns(study)]
    p_values = [(i, one.result.p) for i, one in enumerate(found) if one.result and one.result.p is not None]
    corrected = holm(np.array([p for _, p in p_values], dtype=np.float64))
    for (i, _), p_holm in zip(p_values, corrected, strict=True):
        found[i] = replace(found[i], p_holm=float(p_holm))
    return found


def _primary_columns(study: Study) -> list[Column]:
    first: dict[str, Column] = {}
    for column in study.columns:
        first.setdefault(column.task, column)
    return list(first.values())


def _pairs(study: Study, a: str, b: str) -> list[tuple[StudyArm, StudyArm]]:
    """Return the pairs of arms that two names stand for: of all, those that differ in the fewest settings.

    So `full` and `doc` in a sweep over formats and maskings are compared under each masking, never across.
    """
    pairs = [(x, y) for x in _named(study, a) for y in _named(study, b) if x != y]
    fewest = min((_num_differences(x, y) for x, y in pairs), default=0)
    return [(x, y) for x, y in pairs if _num_differences(x, y) == fewest]


def _num_differences(a: StudyArm, b: StudyArm) -> int:
    ours, theirs = asdict(a.condition), asdict(b.condition)
    return sum(ours[name] != theirs[name] for name in ours if name != "name")


def _named(study: Study, name: str) -> list[StudyArm]:
    """Return the arms of a name: that of a condition, else of a format, a masking, an encoder, a kind of arm."""
    arms = study.scores.arms
    by_condition = [arm for arm in arms if any(record.condition.name == name for record in study.of_arm(arm))]
    return by_condition or [arm for arm in arms if name in _names(arm)]


def _names(arm: StudyArm) -> set[str | None]:
    masking = (masking_name(arm.condition) or "").replace(" ×", "_x")
    return {arm.condition.format, arm.condition.masking, masking, arm.encoder, arm.kind}


def _difference(study: Study, a: StudyArm, b: StudyArm, column: Column) -> Difference | None:
    pools = [study.scores.pools.get((arm, column.task)) for arm in (a, b)]
    first, second = (pool.by_seed(column.metric) if pool else {} for pool in pools)
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return None
    return paired_difference(np.array([first[seed] for seed in seeds]), np.array([second[seed] for seed in seeds]))
