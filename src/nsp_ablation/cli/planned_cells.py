"""The cells of a command: each composed and checked once, before the first one runs, without any heavy library."""

import functools
import itertools
import json
import math
import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nsp_ablation.cli.composition import Composition
from nsp_ablation.cli.further_sweeps import FURTHER, all_sweeps
from nsp_ablation.cli.hydra_bridge import Composer, make_composer
from nsp_ablation.cli.hydra_settings import hydra_problems, unwanted_settings
from nsp_ablation.cli.overrides import (
    Assignment,
    Options,
    as_typed,
    assignments,
    for_hydra,
    override_problems,
    shared_words,
)
from nsp_ablation.cli.sweep_values import max_cells, num_values, refuse_too_many
from nsp_ablation.cli.translate import translate
from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.factors import multiplied
from nsp_ablation.config.identity import cell_identity
from nsp_ablation.config.path_checks import NeededPath, needed_paths
from nsp_ablation.config.problem import ConfigurationError, Problem, refuse, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.config.sweep_checks import equal_arms, shared_outputs, unclear_plans, unequal_settings
from nsp_ablation.config.values import converted, value_problems, with_value

_QUIET_SECONDS = 1.0  # checks that take longer say in a terminal how far they are


@dataclass(frozen=True)
class PlannedCell:
    """One cell of a command: what was typed or swept for it, the checked configuration, and Hydra's overrides."""

    overrides: list[str]
    config: Config
    words: list[str]


@dataclass(frozen=True)
class Plan:
    """The cells of a command, each once.

    `launcher_words` are Hydra's overrides where its launcher starts them, else None. `repeated` are (a cell that is
    left out, the cell that it equals).
    """

    cells: list[PlannedCell]
    launcher_words: list[str] | None
    repeated: list[tuple[PlannedCell, PlannedCell]]


def open_composer(arguments: Namespace, root: Path) -> Composer:
    """Return what composes configurations. Raises ConfigurationError for a directory or file that is none."""
    own, replaced = arguments.config_dir, root / (arguments.config_path or "conf")
    if own is not None and not os.path.isdir(own):
        raise ConfigurationError([f"--config-dir={own}: no such directory"])
    if not os.path.isdir(replaced):
        raise ConfigurationError([f"--config-path={arguments.config_path}: no such directory"])
    searchpath = [] if own is None else [f"hydra.searchpath=['file://{os.path.abspath(own)}']"]
    with translated(lambda group: []):
        composer = make_composer(root, arguments.config_path, arguments.config_name, searchpath)
        names = [name for name in composer.options("") if name not in ("_dummy_empty_config_", "schema")]
    name = arguments.config_name
    if name is not None and name.removesuffix(".yaml") not in names:
        refuse([unknown_value("--config-name", name, tuple(names), f"file in {replaced.name}")])
    return composer


def plan(arguments: Namespace, composer: Composer) -> Plan:
    """Compose and check every cell of a command.

    Raises ConfigurationError for what was typed wrongly, else for the first cell that is refused.
    """
    words = [for_hydra(word) for word in arguments.overrides]
    is_sweep = bool(arguments.multirun)
    typed = checked_overrides(composer, words, is_sweep)
    shared = [word for each in typed for word in shared_words(each, composer.options)]
    with translated(composer.options):
        master = composer.compose(tuple(shared), is_sweep=True) if is_sweep else composer.compose(tuple(shared))
    given = {each.key_or_group: each.get_value_string() for each in typed}
    refuse(hydra_problems(given, master, is_sweep))
    parsed = functools.partial(checked_overrides, composer, is_sweep=is_sweep)
    sweeps = all_sweeps(typed, master, parsed) if is_sweep else [typed]
    refuse_too_many(sweeps, max_cells(typed, master))
    every = [cell for sweep in sweeps for cell in _checked(composer, sweep)]
    refuse(unequal_settings([cell.config for cell in every]))
    cells, repeated = _each_once(every)
    if not is_sweep:
        refuse(_single_run_problems(composer, given, shared, cells[0].config.stage))
    refuse(shared_outputs([cell.config for cell in cells]))
    refuse(equal_arms([(cell.config, equal.config) for cell, equal in repeated]))
    refuse(unclear_plans([cell.config for cell in cells]))
    ours = ("hydra/launcher", "hydra.sweeper")  # keys that do not change how Hydra runs jobs
    is_basic = master.choices["hydra/launcher"] == "basic"
    if is_basic and all(not each.is_hydra_override() or each.key_or_group.startswith(ours) for each in typed):
        return Plan(cells, None, repeated)
    return Plan(cells, shared, repeated)


@contextmanager
def translated(options: Options, word: str | None = None) -> Iterator[None]:
    """Turn whatever Hydra and OmegaConf raise into a ConfigurationError of one line, which names `word` if given."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:
        line = translate(error, options)
        raise ConfigurationError([line if word is None else f"{as_typed(word)}: {line}"]) from error


@dataclass
class _Checker:
    """Composes and checks jobs one by one, and remembers what later ones share with earlier ones."""

    composer: Composer
    first: dict[Any, Config] = field(default_factory=dict)
    paths: set[NeededPath] = field(default_factory=set)

    def checked(self, job: list[Assignment]) -> Config:
        """Return a job's configuration; jobs that differ in plain values alone share composition and most checks."""
        plain = _plain_values(job)
        others = tuple(each.word for each in job if plain.get(each.key) is not each)
        with translated(self.composer.options):
            composition = self.composer.compose_cell(others)
            fixed = tuple((key, each.value) for key, each in plain.items() if composition.is_mentioned(key))
            key = (others, tuple(plain), fixed)
            if key not in self.first:
                self.first[key] = _composed(composition, plain)
        config = self.first[key]
        for name, each in plain.items():
            config = with_value(config, name.split("."), converted(name, each.value))
        config = multiplied(config)
        refuse(combination_problems(config))
        paths = dict.fromkeys(path for path in needed_paths(config) if path not in self.paths)
        refuse(problem for path in paths for problem in path.check(path))
        self.paths.update(paths)
        return config


def _composed(composition: Composition, plain: dict[str, Assignment]) -> Config:
    settings = composition.settings({key: each.value for key, each in plain.items()})
    refuse(_unselected(settings, plain))
    if composition.mentions_environment:
        refuse(value_problems("", OmegaConf.to_container(settings, resolve=False)))
    refuse(value_problems("", OmegaConf.to_container(settings, resolve=True)))
    config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    return config


def _checked(composer: Composer, sweep: list[Any]) -> Iterator[PlannedCell]:
    """Yield the checked cell of each combination of the values of overrides, the last key's changing first."""
    values = [assignments(each, composer.options) for each in sweep]
    checker = _Checker(composer)
    said, total = time.monotonic(), math.prod(map(len, values))
    selected = _selected_tasks([each for key in values for each in key])
    for number, combination in enumerate(itertools.product(*values), start=1):
        job = _of_selected(list(combination), selected)
        config = checker.checked(job)
        own = [each for each in job if not each.is_hydras]
        yield PlannedCell([each.typed for each in own if each.key != FURTHER], config, [each.word for each in own])
        if sys.stderr.isatty() and time.monotonic() - said > _QUIET_SECONDS and number < total:
            said = time.monotonic()
            print(f"checking | {number} of {total} cells", file=sys.stderr, flush=True)


def _selected_tasks(values: list[Assignment]) -> set[str]:
    """Return the tasks that some value of `tasks=` selects."""
    return {str(name) for each in values if each.key == "tasks" and isinstance(each.value, list) for name in each.value}


def _of_selected(job: list[Assignment], selected: set[str]) -> list[Assignment]:
    """Return a cell's assignments without those of tasks that only other cells of the sweep select."""
    others = selected - _selected_tasks(job)
    return [each for each in job if not (each.key.startswith("tasks.") and each.key.split(".")[1] in others)]


def _each_once(cells: list[PlannedCell]) -> tuple[list[PlannedCell], list[tuple[PlannedCell, PlannedCell]]]:
    """Return the cells that differ in what identifies them, and (left out, equal to) for the others."""
    seeds = Counter(cell.config.seed for cell in cells)
    found: dict[Any, PlannedCell] = {}
    repeated = []
    for cell in cells:
        seed = cell.config.seed
        content = json.dumps(cell_identity(cell.config), sort_keys=True) if seeds[seed] > 1 else None
        equal = found.setdefault((seed, content), cell)
        if equal is not cell:
            repeated.append((cell, equal))
    return list(found.values()), repeated


def checked_overrides(composer: Composer, words: list[str], is_sweep: bool) -> list[Any]:
    """Return the overrides of words, parsed. Raises ConfigurationError for those that are wrong by themselves."""
    with translated(composer.options):
        parsed = composer.parse(words)
    problems: list[Problem] = []
    for word, override in zip(words, parsed, strict=True):
        with translated(composer.options, word):
            problems += [*override_problems(override, composer.options, is_sweep), *unwanted_settings(override)]
            if not num_values(override):
                problems.append(Problem(word, ..., "expected a value; the sweep is empty"))
    refuse(problems)
    return parsed


def _plain_values(job: list[Assignment]) -> dict[str, Assignment]:
    """Return the plain values of a job by key, without those whose order among other overrides matters."""
    others = [each.key for each in job if not each.is_plain]
    nested = tuple(f"{key}." for key in others if "." in key)
    plain = [each for each in job if each.is_plain and each.key not in others]
    return {each.key: each for each in plain if not each.key.startswith(nested)}


def _unselected(settings: Any, plain: dict[str, Assignment]) -> Iterator[Problem]:
    """Yield settings of tasks that are not selected, which the assignment alone would have made."""
    selected = [name for name in settings.tasks if not OmegaConf.is_missing(settings.tasks[name], "kind")]
    for key, each in plain.items():
        parts = key.split(".")
        if parts[0] == "tasks" and parts[1] not in selected and parts[2] != "kind":
            yield Problem(key, each.value, f"not selected; add it to tasks=[{','.join([*selected, parts[1]])}]")


def _single_run_problems(composer: Composer, given: dict[str, str], shared: list[str], stage: str) -> Iterator[Problem]:
    """Yield the problem of an experiment without -m: its sweep would silently shrink to one cell of the defaults."""
    if FURTHER in given:
        yield Problem(FURTHER, given[FURTHER], "are sweeps, which need -m")
    if "experiment" in given and stage not in ("inspect", "report", "status"):
        sweep = composer.compose(tuple(shared), is_sweep=True).sweep
        if missing := [key for key in sweep if key not in given]:
            yield Problem("experiment", given["experiment"], f"sweeps {', '.join(missing)}: add -m, or give one value")
