"""The answer of a study in words: what the rules of the planned family tell, what they do not, and nothing else."""

from dataclasses import dataclass

from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.contrasts import Contrast
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.comparison_tables import (
    interval_text,
    needed_text,
    p_text,
    signed,
    verdict_words,
    with_labels,
)

_NO_PLAN = "No comparison was planned, so nothing is claimed: the table shows what was measured."
_MICROWORLD = (
    "The corpus is the embedded micro-world, which tests the software: this is no answer to the paper's question."
)
_NOT_IN_PAIRS = (
    "Nothing that both arms have was measured in the pair layout, so no effect of the format is claimed: the test may "
    "favour the layout that an arm was trained on."
)


@dataclass(frozen=True)
class AnswerLine:
    """What is told of one planned comparison or contrast: its verdict, and the numbers that it stands on."""

    verdict: str
    numbers: str
    is_told: bool


def headline(report: Report) -> str:
    """Return the answer in a sentence or two: how many planned comparisons are told."""
    family = [one for one in report.comparisons if one.is_primary]
    if not family:
        return _with_limits(report, report.plan.unshown or _NO_PLAN)
    told, withheld = sum(one.is_told for one in family), sum(one.is_withheld for one in family)
    measure = family[0].column.measure
    if len(family) == 1:
        first = f"The planned comparison on {measure} is {'told' if told else 'not told'}"
        first += ", but not in the pair layout." if withheld else "."
    else:
        number = {0: "None", len(family): "All"}.get(told, str(told))
        first = f"{number} of the {len(family)} planned comparisons on {measure} {'is' if told == 1 else 'are'} told"
        first += f", {withheld} of them not in the pair layout." if withheld else "."
    return _with_limits(report, first)


def answer_lines(report: Report) -> list[AnswerLine]:
    """Return a line per planned comparison, in the order of the plan, then one per contrast."""
    family = [with_labels(one, report.labels) for one in report.comparisons if one.is_primary]
    lines = [AnswerLine(_verdict(one), _numbers(one, report.plan.smallest_effect), one.is_told) for one in family]
    return [*lines, *(_contrast_line(one) for one in report.contrasts)]


def _with_limits(report: Report, sentence: str) -> str:
    corpora = {arm.condition.corpus for arm in report.labels}
    return f"{sentence} {_MICROWORLD}" if "microworld" in corpora else sentence


def _verdict(one: Comparison) -> str:
    if (one.verdict or "").startswith("equal") and one.margin is not None:
        return f"{one.a} and {one.b} are equal within {one.column.scaled(one.margin):g} {one.column.difference_unit}."
    if one.is_told:
        worse = ", which is the worse one" if one.better_arm and one.column.is_lower_better else ""
        return f"{verdict_words(one)}{worse}."
    return f"Not told: {one.a} against {one.b}."


def _numbers(one: Comparison, effect: float | None) -> str:
    result, column = one.result, one.column
    if result.difference is None:
        return "One side has no result, or they must not be compared."
    sentences = [
        f"{one.a} − {one.b} is {signed(column, result.difference)} {column.difference_unit}, 95 % interval "
        f"{interval_text(column, result.low, result.high)}, p (Holm) {p_text(one.p_holm)}, {_seeds(one)}."
    ]
    if one.margin is not None:
        shown = f"{column.scaled(one.margin):g} {column.difference_unit}"
        planned = "" if (one.verdict or "").startswith("equal") else " is planned, too"
        sentences.append(f"Equality within {shown}{planned}: p (Holm) {p_text(one.p_equal_holm)}.")
    if not one.is_told and one.seeds_needed is not None and effect is not None:
        needed = needed_text(one.seeds_needed)
        sentences.append(f"A difference of {effect:g} {column.difference_unit} would need {needed} seeds per arm.")
    return " ".join([*sentences, *_pair_layout(one)])


def _contrast_line(one: Contrast) -> AnswerLine:
    verdict = f"{one.verdict[0].upper()}{one.verdict[1:]}: {one.what}."
    found = one.result
    if found.difference is None:
        return AnswerLine(verdict, "An arm has no result, or they must not be compared.", False)
    interval = interval_text(one.column, found.low, found.high)
    numbers = (
        f"{one.arms} is {signed(one.column, found.difference)} {one.column.difference_unit}, 95 % interval {interval}, "
        f"p (Holm) {p_text(one.p_holm)}, {_number(found.num_seeds, 'pre-training seed')}."
    )
    return AnswerLine(verdict, numbers, one.is_told)


def _seeds(one: Comparison) -> str:
    pairs = "pre-training seed" if one.result.is_paired else "unpaired pre-training seed"
    alone = ", so the interval is over examples alone" if one.result.interval == "examples" else ""
    return f"{_number(one.result.num_seeds, pairs)}{alone}"


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _pair_layout(one: Comparison) -> list[str]:
    """Say of a told difference between formats what it is in the pair layout (gains and losses are in nats)."""
    if one.layout_signs is None:
        return []
    if not one.layout_signs:
        return [_NOT_IN_PAIRS]
    told = "; ".join(f"{sign.name} {signed(sign.column, sign.difference)} nats" for sign in one.layout_signs)
    if one.is_withheld:
        return [f"It does not hold in the pair layout ({told}), so no effect of the format is claimed."]
    return [f"It holds in the pair layout, too ({told})."]
