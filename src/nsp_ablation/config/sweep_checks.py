"""What the cells of a sweep must have in common, and what each must have for itself."""

import json
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from nsp_ablation.config.identity import condition, results_identities, science_settings
from nsp_ablation.config.plan_checks import CONTRASTS, EXPLORED, FIELD, REPORTED, shown_contrast, shown_pair
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import leaves
from nsp_ablation.options.contrast_terms import contrast_terms
from nsp_ablation.options.output_options import MAX_COMPARISONS, ReportOptions
from nsp_ablation.options.planned_pairs import NamedArm, called, compared_pairs, narrowed, other_names


def unequal_settings(configs: list[Config]) -> Iterator[Problem]:
    """Yield each setting that must be the same in all cells of a sweep and is not."""
    places = ("name", "paths.results", "paths.artifacts") if configs[0].stage != "status" else ()  # which looks at all
    for field in ("stage", *places, "launcher.max_cells"):
        values = dict.fromkeys(map(attrgetter(field), configs))
        if len(values) > 1:
            yield Problem(field, ",".join(map(str, values)), "must be the same in all cells of a sweep")


def shared_outputs(configs: list[Config]) -> Iterator[Problem]:
    """Yield each output that two cells of a sweep would write."""
    for field in ("inspect.output", "inspect.figure", "inspect.documents", "export.output"):
        outputs = list(map(attrgetter(field), configs))
        is_written = field.startswith(f"{configs[0].stage}.") and outputs[0] is not None
        if is_written and len(set(outputs)) < len(outputs):
            yield Problem(field, outputs[0], "two cells of the sweep would write it; sweep it too, or run one by one")


def equal_arms(repeated: list[tuple[Config, Config]]) -> Iterator[Problem]:
    """Yield each comparison of two names that stand for one cell; `repeated` are pairs of equal cells."""
    equal = {frozenset(condition(config)["name"] for config in pair) for pair in repeated}
    report = repeated[0][0].report if repeated else ReportOptions()
    for place, pairs in ((FIELD, report.comparisons), (EXPLORED, report.explored)):
        for pair in pairs:
            names = frozenset((narrowed(pair.a)[0], narrowed(pair.b)[0]))
            if len(names) > 1 and names in equal and not pair.seeds_a:
                reason = "are one cell under two names; an arm is not compared with itself"
                yield Problem(place, shown_pair(pair), reason)


def unclear_plans(configs: list[Config]) -> Iterator[Problem]:
    """Yield the comparison and each contrast whose names stand for too many of the arms that the sweep makes."""
    first = configs[0]
    if first.stage in REPORTED and (first.report.comparisons or first.report.contrasts):
        arms = _arms([config for config in configs if config.seed == first.seed])
        if first.report.comparisons and len(configs) > 1:
            yield from _large_family(first, arms)
        yield from _unclear_contrasts(first, arms)


def _large_family(first: Config, arms: list[NamedArm]) -> Iterator[Problem]:
    """Yield the comparison whose names stand for so many pairs that more are planned than may be; `plan_problems`
    counts what is typed."""
    counts = [max(1, len(compared_pairs(pair, arms))) for pair in first.report.comparisons]
    if sum(counts) > MAX_COMPARISONS:
        most = max(counts)
        others = f", with the others {sum(counts)}" if len(counts) > 1 else ""
        reason = (
            f"stands for {most} pairs of arms{others}, and at most {MAX_COMPARISONS} may be planned, since each test "
            "makes all the others weaker; narrow the names (a:'full@learning_rate=3e-3'), or plan fewer of them"
        )
        yield Problem(FIELD, shown_pair(first.report.comparisons[counts.index(most)]), reason)


def _unclear_contrasts(first: Config, arms: list[NamedArm]) -> Iterator[Problem]:
    """Yield each contrast one of whose names stands for several arms: a weight is one arm's."""
    for contrast in first.report.contrasts:
        for name in (term.name for term in contrast_terms(contrast.arms)):
            if (number := len(called(name, arms))) > 1:
                reason = f"{name} stands for {number} arms, a weight is one arm's; narrow it ({name}@SETTING=VALUE)"
                yield Problem(CONTRASTS, shown_contrast(contrast), reason)


def _arms(configs: list[Config]) -> list[NamedArm]:
    """Return the arms that cells of one seed will make."""
    found: dict[str, NamedArm] = {}
    settings = [{path: value for path, _, value in leaves(science_settings(config))} for config in configs]
    keys = {key for each in settings for key in each}
    varying = [key for key in keys if len({json.dumps(each.get(key)) for each in settings}) > 1]
    for config, values in zip(configs, settings, strict=True):
        for kind, identity in results_identities(config).items():
            before = found[identity].names if identity in found else frozenset()
            found[identity] = _arm(kind, config, {key: values.get(key) for key in varying}, before)
    return list(found.values())


def _arm(kind: str, config: Config, settings: dict[str, Any], names: frozenset[str | None]) -> NamedArm:
    own = condition(config)
    if kind != "trained":
        return NamedArm(frozenset(), frozenset((kind, config.encoder)), dict.fromkeys(own), {})
    return NamedArm(names | {own["name"]}, other_names(own), own, settings)
