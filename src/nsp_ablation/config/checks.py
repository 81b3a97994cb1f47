"""Every check of a configuration that needs no heavy library: a wrong value answers in a second, before any job."""

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.places import place_problems
from nsp_ablation.config.problem import Problem, refuse, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import leaves, tree_problems


def check_tree(settings: dict[str, Any]) -> None:
    """Refuse unknown keys (`+key=` too) and missing values, at any depth, of a composed plain container.

    Raises ConfigurationError.
    """
    refuse(tree_problems(settings))


def check(config: Config) -> None:
    """Refuse values outside their choices or borders, then values that do not go together, then paths.

    Raises ConfigurationError, with one line a problem.
    """
    refuse(value_problems(config))
    refuse(combination_problems(config))
    refuse(place_problems(config))


def check_sweep(configs: list[Config]) -> None:
    """Refuse cells that do not make one sweep: one stage, one results folder, no output file twice.

    Raises ConfigurationError.
    """
    refuse(sweep_problems(configs))


def sweep_problems(configs: list[Config]) -> Iterator[Problem]:
    """Yield each setting that must be the same in all cells and is not, and each output that two cells share."""
    shared = {
        "stage": [config.stage for config in configs],
        "name": [config.name for config in configs],
        "paths.results": [config.paths.results for config in configs],
        "paths.artifacts": [config.paths.artifacts for config in configs],
    }
    for field, values in shared.items():
        if len(set(values)) > 1:
            yield Problem(field, ",".join(dict.fromkeys(values)), "must be the same in all cells of a sweep")
    written = {
        "inspect.output": [config.inspect.output for config in configs],
        "inspect.figure": [config.inspect.figure for config in configs],
        "export.output": [config.export.output for config in configs],
    }
    for field, outputs in written.items():
        is_written = field.startswith(f"{configs[0].stage}.") and outputs[0] is not None
        if is_written and len(set(outputs)) < len(outputs):
            yield Problem(field, outputs[0], "two cells of the sweep would write it; sweep it too, or run one by one")


def value_problems(config: Config) -> Iterator[Problem]:
    """Yield each value that its own field refuses."""
    for path, field, value in leaves(config):
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                yield from _choice(path, field, item)
            elif isinstance(item, (int, float)) and not isinstance(item, bool):
                yield from _borders(path, field, item)


def _choice(path: str, field: dataclasses.Field, value: str) -> Iterator[Problem]:
    choices = field.metadata["choices"]
    if not value:
        yield Problem(path, value, "is empty; give a value, or null where the setting may be left out")
    elif choices and value not in choices:
        yield unknown_value(path, value, choices)


def _borders(path: str, field: dataclasses.Field, value: float) -> Iterator[Problem]:
    low, high = field.metadata["low"], field.metadata["high"]
    if not math.isfinite(value):
        yield Problem(path, value, "must be a finite number")
    elif (low is not None and value < low) or (high is not None and value > high):
        borders = f"from {low} to {high}" if low is not None and high is not None else f"at least {low}"
        yield Problem(path, value, f"must be {borders}")
