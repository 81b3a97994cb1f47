"""The plan of a study's statistics: comparisons and contrasts that can be made, on a measure that is measured."""

from collections.abc import Iterator
from typing import Any

from nsp_ablation.config.problem import Problem, suggestion
from nsp_ablation.config.schema import Config
from nsp_ablation.options.contrast_terms import contrast_terms
from nsp_ablation.options.output_options import MAX_COMPARISONS, ComparisonOptions, ContrastOptions, ReportOptions
from nsp_ablation.options.planned_pairs import NARROWING, narrowed
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

FIELD, CONTRASTS, EXPLORED = "report.comparisons", "report.contrasts", "report.explored"
REPORTED = ("all", "finetune", "report")  # the stages that end with a report


def plan_problems(config: Config) -> Iterator[Problem]:
    """Yield each planned comparison that cannot be made or tested."""
    report = config.report
    if len(report.comparisons) > MAX_COMPARISONS:
        count = f"{len(report.comparisons)} are planned, at most {MAX_COMPARISONS} may be"
        yield Problem(FIELD, ..., f"{count}, since each test makes all the others weaker; leave out the rest")
    for pair in report.comparisons:
        yield from _pair_problems(FIELD, pair)
        if pair.equality and report.margin is None:
            yield Problem(FIELD, shown_pair(pair), "equality is tested within a margin; set report.margin")
    for pair in report.explored:
        yield from _explored_problems(pair, report)
    for contrast in report.contrasts:
        yield from _contrast_problems(contrast)
    if (report.comparisons or report.contrasts) and report.primary_measure is not None and config.stage in REPORTED:
        yield from _measure_problems(report.primary_measure, config.tasks)


def shown_pair(pair: ComparisonOptions) -> dict[str, Any]:
    """Return a comparison as one types it: without what it leaves open."""
    seeds = {"seeds_a": pair.seeds_a, "seeds_b": pair.seeds_b} if pair.seeds_a or pair.seeds_b else {}
    return {"a": pair.a, "b": pair.b, **seeds, **({"equality": True} if pair.equality else {})}


def shown_contrast(contrast: ContrastOptions) -> dict[str, Any]:
    """Return a contrast as one types it."""
    return {"what": contrast.what, "arms": contrast.arms}


def _pair_problems(place: str, pair: ComparisonOptions) -> Iterator[Problem]:
    typed = shown_pair(pair)
    for side in (pair.a, pair.b):
        yield from _narrowing_problems(place, typed, side)
    if bool(pair.seeds_a) != bool(pair.seeds_b):
        yield Problem(place, typed, "names seeds on one side; name them on both, or on none for pairs of equal seeds")
    elif pair.a == pair.b and not pair.seeds_a:
        yield Problem(place, typed, "compares an arm with itself; name two conditions, or other seeds on each side")
    elif pair.a == pair.b and (both := sorted({*pair.seeds_a} & {*pair.seeds_b})):
        yield Problem(place, typed, f"compares an arm with itself at seed {both[0]}; name other seeds on each side")
    for field in ("seeds_a", "seeds_b"):
        seeds = getattr(pair, field)
        if len(set(seeds)) < len(seeds):
            yield Problem(place, typed, f"{field} names a seed twice")


def _explored_problems(pair: ComparisonOptions, report: ReportOptions) -> Iterator[Problem]:
    yield from _pair_problems(EXPLORED, pair)
    typed = shown_pair(pair)
    if pair.equality:
        yield Problem(EXPLORED, typed, "tests no equality, since it has no verdict; plan it in report.comparisons")
    if any(
        (pair.a, pair.b, pair.seeds_a, pair.seeds_b) == (p.a, p.b, p.seeds_a, p.seeds_b) for p in report.comparisons
    ):
        yield Problem(EXPLORED, typed, "is planned in report.comparisons; leave it out here")


def _contrast_problems(contrast: ContrastOptions) -> Iterator[Problem]:
    typed = shown_contrast(contrast)
    try:
        terms = contrast_terms(contrast.arms)
    except ValueError as error:
        yield Problem(CONTRASTS, typed, str(error))
        return
    for term in terms:
        yield from _narrowing_problems(CONTRASTS, typed, term.name)


def _narrowing_problems(field: str, typed: dict[str, Any], name: str) -> Iterator[Problem]:
    for key, value in narrowed(name)[1].items():
        if key not in NARROWING or not value:
            reason = f"{name} is narrowed by {key or 'nothing'}{suggestion(key, NARROWING)}; NAME@SETTING=VALUE"
            yield Problem(field, typed, reason, NARROWING)


def _measure_problems(measure: str, tasks: dict[str, TaskOptions]) -> Iterator[Problem]:
    name, dot, metric = measure.partition(".")
    if name not in tasks:
        reason = "names no task of tasks=; null is the first of them"
        yield Problem("report.primary_measure", measure, reason, tuple(tasks))
    elif dot and not (kind := TASK_KINDS[tasks[name].kind]).has_metric(metric):
        known = (*kind.metrics, *kind.beside)
        reason = f"{name} has no metric {metric}{suggestion(metric, known)}"
        yield Problem("report.primary_measure", measure, reason, known)
