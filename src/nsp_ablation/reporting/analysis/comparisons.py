"""Planned comparisons: paired differences between arms, corrected for their number."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.intervals import NO_DIFFERENCE, Difference, holm, paired_difference
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, masking_name

COMPARISON_COLUMNS = (
    *("experiment", "a", "b", "task"),
    *("difference", "low", "high", "p", "p_holm", "num_pretraining_seeds"),
)


@dataclass(frozen=True)
class Comparison:
    """a - b in a task's primary metric, as fractions."""

    experiment: str
    a: str
    b: str
    column: Column
    result: Difference
    p_holm: float | None = None

    def csv_row(self) -> dict[str, Any]:
        """Return the row of `comparisons.csv`: percent where the metric is a fraction, None where nothing is known."""
        found = self.result
        numbers = [self.column.rounded(value) for value in (found.difference, found.low, found.high)]
        cells = (self.experiment, self.a, self.b, self.column.task, *numbers, found.p, self.p_holm, found.num_seeds)
        return dict(zip(COMPARISON_COLUMNS, cells, strict=True))


def compare(study: Study) -> list[Comparison]:
    """Return the planned comparisons of a study, for every task.

    Scores are paired by pre-training seed, over the seeds that both arms have; Holm's correction is over all of them
    that have a p. A comparison that lacks an arm, or scores, stays in the list without a result.
    """
    found = []
    columns = list({column.task: column for column in reversed(study.columns)}.values())[::-1]  # a task's first one
    for planned in study.options.comparisons:
        names = (planned.a, planned.b)
        pairs = _pairs(study, *names)
        for first, second in pairs:
            shown = names if len(pairs) == 1 else (study.labels[first], study.labels[second])
            found += [Comparison(study.name, *shown, one, _difference(study, first, second, one)) for one in columns]
        if not pairs:
            found += [Comparison(study.name, *names, column, NO_DIFFERENCE) for column in columns]
    p_values = [(i, one.result.p) for i, one in enumerate(found) if one.result.p is not None]
    corrected = holm(np.array([p for _, p in p_values], dtype=np.float64))
    for (i, _), p_holm in zip(p_values, corrected, strict=True):
        found[i] = replace(found[i], p_holm=float(p_holm))
    return found


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


def _difference(study: Study, a: StudyArm, b: StudyArm, column: Column) -> Difference:
    pools = [study.scores.pools.get((arm, column.task)) for arm in (a, b)]
    first, second = (pool.by_seed(column.metric) if pool else {} for pool in pools)
    seeds = [seed for seed in first if seed in second]
    if not seeds:
        return NO_DIFFERENCE
    return paired_difference(np.array([first[seed] for seed in seeds]), np.array([second[seed] for seed in seeds]))
