"""Every check of a configuration that needs no heavy library: a wrong value answers in a second, before any job."""

from collections.abc import Iterator
from typing import Any

from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.path_checks import NeededPath, needed_paths, path_problems
from nsp_ablation.config.problem import Problem, refuse
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import tree_problems
from nsp_ablation.config.values import value_problems


def check_tree(settings: dict[str, Any]) -> None:
    """Refuse unknown keys (`+key=` too) and missing values, at any depth, of a composed plain container.

    Raises ConfigurationError.
    """
    refuse(tree_problems(settings))


def check(config: Config) -> None:
    """Refuse values outside their choices or bounds, then values that do not go together, then paths.

    Raises ConfigurationError, with one line per problem.
    """
    refuse(value_problems(config))
    check_together(config, set())


def check_together(config: Config, known: set[NeededPath]) -> None:
    """Refuse values that do not go together, then paths, of a configuration each of whose values is allowed.

    `known` holds the paths that were found in order before, which are not looked at again, and receives this one's.
    Raises ConfigurationError.
    """
    refuse(combination_problems(config))
    paths = dict.fromkeys(path for path in needed_paths(config) if path not in known)
    refuse(problem for path in paths for problem in path_problems(path))
    known.update(paths)


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
