"""What the cells of a sweep must have in common, and what each must have for itself."""

from collections.abc import Iterator
from operator import attrgetter

from nsp_ablation.config.identity import condition
from nsp_ablation.config.plan_checks import shown_pair
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config


def unequal_settings(configs: list[Config]) -> Iterator[Problem]:
    """Yield each setting that must be the same in all cells of a sweep and is not."""
    for field in ("stage", "name", "paths.results", "paths.artifacts", "launcher.max_cells"):
        values = dict.fromkeys(map(attrgetter(field), configs))
        if len(values) > 1:
            yield Problem(field, ",".join(map(str, values)), "must be the same in all cells of a sweep")


def shared_outputs(configs: list[Config]) -> Iterator[Problem]:
    """Yield each output that two cells of a sweep would write."""
    for field in ("inspect.output", "inspect.figure", "export.output"):
        outputs = list(map(attrgetter(field), configs))
        is_written = field.startswith(f"{configs[0].stage}.") and outputs[0] is not None
        if is_written and len(set(outputs)) < len(outputs):
            yield Problem(field, outputs[0], "two cells of the sweep would write it; sweep it too, or run one by one")


def equal_arms(repeated: list[tuple[Config, Config]]) -> Iterator[Problem]:
    """Yield each planned comparison of two names that stand for one cell; `repeated` are pairs of equal cells."""
    equal = {frozenset(condition(config)["name"] for config in pair) for pair in repeated}
    for pair in repeated[0][0].report.comparisons if repeated else ():
        if frozenset((pair.a, pair.b)) in equal and not pair.seeds_a:
            reason = "are one cell under two names; an arm is not compared with itself"
            yield Problem("report.comparisons", shown_pair(pair), reason)
