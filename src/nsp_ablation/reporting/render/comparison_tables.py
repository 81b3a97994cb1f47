"""Comparisons as text: the planned family, and what is exploratory, each a table of its own."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.contrasts import Contrast
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.seeds_needed import MAX_SEEDS, SeedsNeeded
from nsp_ablation.reporting.analysis.study_arms import StudyArm

_PLANNED = (
    *("", "mean", "95 % interval", "simultaneous", "p", "p (Holm)", "p equal (Holm)", "seeds"),
    *("correlation", "seeds needed", "verdict"),
)
_EXPLORATORY = ("", "measure", "mean", "95 % interval", "multi-bootstrap", "p", "seeds", "correlation")
_CONTRASTS = ("", "arms", "mean", "95 % interval", "p", "p (Holm)", "seeds", "verdict")


def planned_table(comparisons: Iterable[Comparison]) -> FactsTable:
    """Return the planned family, a row per comparison."""
    return FactsTable([*_PLANNED], [_planned_row(one) for one in comparisons if one.is_primary])


def exploratory_table(comparisons: Iterable[Comparison]) -> FactsTable:
    """Return every other comparison: no correction, no verdict."""
    return FactsTable([*_EXPLORATORY], [_exploratory_row(one) for one in comparisons if not one.is_primary])


def contrast_table(contrasts: Iterable[Contrast]) -> FactsTable:
    """Return the contrasts, a row each: what it says, of which arms, and what is told."""
    return FactsTable([*_CONTRASTS], [_contrast_row(one) for one in contrasts])


def with_labels(one: Comparison, labels: Mapping[StudyArm, str]) -> Comparison:
    """Return a comparison whose sides are called as rows of the table are; of one arm under two sets of seeds, as it
    was planned."""
    if one.arms is None or one.arms[0] == one.arms[1] or not set(one.arms) <= labels.keys():
        return one
    return replace(one, a=labels[one.arms[0]], b=labels[one.arms[1]])


def verdict_words(one: Comparison) -> str:
    """Return a verdict with the names of its sides for a and b, and that the pair layout says otherwise."""
    names = {"a above b": f"{one.a} above {one.b}", "b above a": f"{one.b} above {one.a}"}
    words = re.sub("a above b|b above a", lambda found: names[found[0]], one.verdict or "–")
    return f"{words}, not in the pair layout" if one.is_withheld else words


def planned_sentence(one: Comparison) -> str:
    """Return a member of the planned family as a sentence, its verdict first."""
    numbers = (
        f"{signed(one.column, one.result.difference)} {interval_text(one.column, one.result.low, one.result.high)}"
    )
    tests = f"p (Holm) {p_text(one.p_holm)}"
    tests += f", p equal (Holm) {p_text(one.p_equal_holm)}" if one.margin is not None else ""
    needed = f"; seeds needed {needed_text(one.seeds_needed)}" if one.seeds_needed else ""
    return f"planned: {one.a} − {one.b}: {verdict_words(one)}; {numbers}, {tests}, seeds {_seeds(one)}{needed}"


def _planned_row(one: Comparison) -> list[str]:
    result, column = one.result, one.column
    return [
        f"{one.a} − {one.b}",
        signed(column, result.difference),
        interval_text(column, result.low, result.high),
        interval_text(column, one.low_simultaneous, one.high_simultaneous),
        p_text(result.p),
        p_text(one.p_holm),
        p_text(one.p_equal_holm),
        _seeds(one),
        _correlation(one),
        needed_text(one.seeds_needed),
        verdict_words(one),
    ]


def _exploratory_row(one: Comparison) -> list[str]:
    result, column = one.result, one.column
    return [
        f"{one.a} − {one.b}",
        column.measure,
        signed(column, result.difference),
        interval_text(column, result.low, result.high),
        interval_text(column, *(result.bootstrap or (None, None))),
        p_text(result.p),
        _seeds(one),
        _correlation(one),
    ]


def contrast_sentence(one: Contrast) -> str:
    """Return a contrast as a sentence, its verdict first."""
    numbers = (
        f"{signed(one.column, one.result.difference)} {interval_text(one.column, one.result.low, one.result.high)}"
    )
    tests = f"p (Holm) {p_text(one.p_holm)}, seeds {one.result.num_seeds}"
    return f"contrast: {one.what}, {one.arms}: {one.verdict}; {numbers}, {tests}"


def _contrast_row(one: Contrast) -> list[str]:
    interval = interval_text(one.column, one.result.low, one.result.high)
    tests = [p_text(one.result.p), p_text(one.p_holm), str(one.result.num_seeds), one.verdict]
    return [one.what, one.arms, signed(one.column, one.result.difference), interval, *tests]


def signed(column: Column, value: float | None) -> str:
    """Return a difference with its sign, as printed: with two decimals at least, since it is smaller than scores."""
    decimals = max(column.decimals, 2)
    return "–" if value is None else f"{column.scaled(value):+.{decimals}f}".replace("-", "−")


def interval_text(column: Column, low: float | None, high: float | None) -> str:
    """Return an interval in brackets, a dash where there is none."""
    return "–" if low is None or high is None else f"[{signed(column, low)}, {signed(column, high)}]"


def number_and_interval(text: str) -> tuple[str, str]:
    """Return the number and the interval of "2.150 (1.515 to 2.785)"; any other text and nothing."""
    found = re.fullmatch(r"([−+]?[\d.,]+) (\(.* to .*\))", text)
    return (found[1], found[2]) if found else (text, "")


def p_text(p: float | None) -> str:
    """Return a p-value with three digits, a dash where there is none."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")


def needed_text(needed: SeedsNeeded | None) -> str:
    """Return the seeds needed and their range: "8 (5–31)"."""
    if needed is None:
        return "–"
    number, low, high = (
        f"over {MAX_SEEDS:,}" if one is None else str(one) for one in (needed.number, needed.low, needed.high)
    )
    return f"{number} ({low}–{high})"


def _seeds(one: Comparison) -> str:
    kind = {"examples": " (over examples alone)"}.get(one.result.interval, "")
    return f"{one.result.num_seeds}{'' if one.result.is_paired else ' + unpaired'}{kind}"


def _correlation(one: Comparison) -> str:
    found = one.result.correlation
    return "–" if found is None else f"{found:.2f}".replace("-", "−")
