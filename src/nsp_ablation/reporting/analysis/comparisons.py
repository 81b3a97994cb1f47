"""Comparisons between arms: the planned family on the primary measure, and the same pairs on everything else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from nsp_ablation.options.output_options import ComparisonOptions
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.compared_arms import ComparedArms, arms_compared
from nsp_ablation.reporting.analysis.differences import Difference, difference
from nsp_ablation.reporting.analysis.intervals import ALPHA
from nsp_ablation.reporting.analysis.layout_signs import LayoutSign, layout_signs
from nsp_ablation.reporting.analysis.planned_family import NOT_TOLD, corrected_together, known, num_tests, verdict
from nsp_ablation.reporting.analysis.seeds_needed import SeedsNeeded, seeds_needed
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, science_of

COMPARISON_COLUMNS = (
    *("experiment", "a", "b", "task", "metric", "primary", "difference", "low", "high"),
    *("low_simultaneous", "high_simultaneous", "p", "p_holm", "margin", "p_equal", "p_equal_holm", "seeds_needed"),
    *("verdict", "num_pretraining_seeds"),
)


@dataclass(frozen=True, eq=False)
class Comparison:
    """a - b in a metric of a task, as a fraction where the metric is one.

    `is_primary`: it belongs to the planned family, which alone has simultaneous limits, corrected p-values, seeds
    needed and a verdict; all others are exploratory. None where nothing is known. `layout_signs`: of a told difference
    between kinds of inputs, what it is in the pair layout; None of any other.
    """

    experiment: str
    a: str
    b: str
    arms: tuple[StudyArm, StudyArm] | None
    column: Column
    is_primary: bool
    result: Difference
    low_simultaneous: float | None = None
    high_simultaneous: float | None = None
    p_holm: float | None = None
    margin: float | None = None
    p_equal: float | None = None
    p_equal_holm: float | None = None
    seeds_needed: SeedsNeeded | None = None
    verdict: str | None = None
    layout_signs: tuple[LayoutSign, ...] | None = None

    @property
    def is_told(self) -> bool:
        """Whether the verdict tells a difference, or equality."""
        return self.verdict not in (None, NOT_TOLD)

    @property
    def is_withheld(self) -> bool:
        """Whether a told difference is not claimed as an effect of the inputs: the pair layout says otherwise."""
        return not all(sign.agrees for sign in self.layout_signs or ())

    @property
    def better_arm(self) -> StudyArm | None:
        """The arm that the verdict says is the better one, None where it says so of neither."""
        if self.arms is None or self.p_holm is None or self.p_holm >= ALPHA or not self.result.difference:
            return None
        return self.arms[int((self.result.difference < 0) != self.column.is_lower_better)]

    def csv_row(self) -> dict[str, Any]:
        """Return the row of `comparisons.csv`: percent where the metric is a fraction, None where nothing is known."""
        found, needed = self.result, self.seeds_needed
        limits = (found.difference, found.low, found.high, self.low_simultaneous, self.high_simultaneous)
        numbers = [self.column.rounded(value) for value in limits]
        tests = (found.p, self.p_holm, self.column.rounded(self.margin), self.p_equal, self.p_equal_holm)
        names = (self.experiment, self.a, self.b, self.column.task, self.column.metric, self.is_primary)
        cells = (*names, *numbers, *tests, needed.number if needed else None, self.verdict, found.num_seeds)
        return dict(zip(COMPARISON_COLUMNS, cells, strict=True))


def compare(study: Study) -> list[Comparison]:
    """Return the comparisons of a study: the planned family on the primary measure, the same on all other measures,
    and the explored pairs on all.

    A comparison that lacks an arm, or scores, stays in the list without a result, and its tests count for Holm.
    """
    pairs = _pairs(study, study.options.comparisons)
    primary = primary_column(study)
    family = [_compared(study, plan, compared, primary, True) for plan, compared in pairs] if primary else []
    others = [column for column in study.columns if primary is None or column != primary]
    explored = [_compared(study, plan, compared, column, False) for plan, compared in pairs for column in others]
    explored += [
        _compared(study, plan, compared, column, False)
        for plan, compared in _pairs(study, study.options.explored)
        for column in study.columns
    ]
    tested = _tested(family, [plan for plan, _ in pairs], study) if family else []
    return [*(_beside_layouts(one, study) for one in tested), *explored]


def refusals(results: Sequence[Difference]) -> list[str]:
    """Return why planned pairs, and contrasts, were not compared, each reason once."""
    return list(dict.fromkeys(one.refusal for one in results if one.refusal))


def primary_column(study: Study) -> Column | None:
    """Return the column of the primary measure: the plan's, or the first of the table; None where nothing is there."""
    if (asked := study.options.primary_measure) is None or not study.columns:
        return next(iter(study.columns), None)
    task, _, metric = asked.partition(".")
    own = next((column for column in study.columns if column.task == task), Column(task, metric, task))
    same = [column for column in study.columns if (column.task, column.metric) == (task, metric or own.metric)]
    return next(iter(same), replace(own, metric=metric or own.metric))


def _pairs(study: Study, plans: Sequence[ComparisonOptions]) -> list[tuple[ComparisonOptions, ComparedArms]]:
    return [(plan, compared) for plan in plans for compared in arms_compared(study, plan)]


def _compared(
    study: Study, plan: ComparisonOptions, compared: ComparedArms, column: Column, is_primary: bool
) -> Comparison:
    result = difference(study, compared.arms, column, (plan.seeds_a, plan.seeds_b))
    return Comparison(study.name, *compared.names, compared.arms, column, is_primary, result)


def _tested(family: list[Comparison], plans: Sequence[ComparisonOptions], study: Study) -> list[Comparison]:
    """Return the members of the family with what all their tests say together."""
    options, column = study.options, family[0].column
    margins = [column.unscaled(options.margin) if plan.equality else None for plan in plans]
    members = corrected_together([one.result.estimate for one in family], margins)
    tested = []
    for one, member, margin in zip(family, members, margins, strict=True):
        p_holm, p_equal_holm = known(member.p_holm), known(member.p_equal_holm)
        text = None if margin is None else f"{options.margin:g}"
        tested.append(
            replace(
                one,
                low_simultaneous=known(member.low_simultaneous),
                high_simultaneous=known(member.high_simultaneous),
                p_holm=p_holm,
                margin=margin,
                p_equal=known(member.p_equal),
                p_equal_holm=p_equal_holm,
                seeds_needed=_needed(one.result, column.unscaled(options.smallest_effect), num_tests(margins)),
                verdict=verdict(one.result.difference, p_holm, p_equal_holm, text),
            )
        )
    return tested


def _beside_layouts(one: Comparison, study: Study) -> Comparison:
    """Return a comparison with the signs of the pair layout, where its verdict tells one kind of inputs better than
    another: of two formats, or of one whose settings differ (where B comes from)."""
    if one.arms is None or (better := one.better_arm) is None:
        return one
    a, b = (_inputs(study, arm) for arm in one.arms)
    return replace(one, layout_signs=layout_signs(study, one.arms, better)) if a != b else one


def _inputs(study: Study, arm: StudyArm) -> dict[str, Any]:
    """Return an arm's format and its settings."""
    records = study.of_arm(arm)
    settings = science_of(records[0].config, study.not_science) if records else {}
    own = {key: value for key, value in settings.items() if key.startswith("format.")}
    return own | {"name": arm.condition.format}


def _needed(result: Difference, effect: float | None, count: int) -> SeedsNeeded | None:
    if effect is None or result.estimate is None:
        return None
    return seeds_needed(result.estimate, effect, ALPHA / count)
