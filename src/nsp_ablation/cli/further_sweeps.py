"""The sweeps of one command: its own grid, and those that an experiment makes beside it."""

import shlex
from collections.abc import Callable
from typing import Any

from omegaconf import OmegaConf

from nsp_ablation.cli.composition import Composition
from nsp_ablation.cli.overrides import for_hydra
from nsp_ablation.config.problem import ConfigurationError, Problem

FURTHER = "launcher.further_sweeps"


def all_sweeps(typed: list[Any], master: Composition, parsed: Callable[[list[str]], list[Any]]) -> list[list[Any]]:
    """Return the overrides of each sweep of a command: what is typed, with the grid of its experiment, then the same
    changed by each line of `launcher.further_sweeps`.

    A line is left out where one of its keys is typed. `parsed` parses and checks overrides. Raises ConfigurationError
    for one that is wrong.
    """
    swept = parsed([for_hydra(f"{key}={value}") for key, value in master.sweep.items()])
    hydras = [each for each in typed if each.is_hydra_override()]
    own = {each.key_or_group: each for each in [*hydras, *swept, *typed]}
    sweeps = [list(own.values())]
    for line in OmegaConf.select(master.settings({}), FURTHER):
        changed = {each.key_or_group: each for each in _overrides(line, parsed)}
        if not changed.keys() & {each.key_or_group for each in typed}:
            sweeps.append(list((own | changed).values()))
    return sweeps


def _overrides(line: str, parsed: Callable[[list[str]], list[Any]]) -> list[Any]:
    try:
        words = shlex.split(line)
    except ValueError as error:  # quotes that are not closed
        raise ConfigurationError([Problem(FURTHER, line, f"cannot be read: {error}").line()]) from error
    try:
        return parsed([for_hydra(word) for word in words])
    except ConfigurationError as error:
        raise ConfigurationError([f"{FURTHER}: {problem}" for problem in error.lines]) from error
