"""The cells of a command: each composed and checked once, before the first one runs, without any heavy library."""

import itertools
import math
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from nsp_ablation.cli.hydra_bridge import Composer, Composition, make_composer
from nsp_ablation.cli.overrides import MAX_CELLS, Assignment, Options, assignments, for_hydra, override_problems
from nsp_ablation.cli.translate import translate
from nsp_ablation.config.combinations import combination_problems, sweep_problems
from nsp_ablation.config.path_checks import NeededPath, needed_paths
from nsp_ablation.config.problem import ConfigurationError, Problem, refuse
from nsp_ablation.config.schema import Config
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
    """The cells of a command. `launcher_words` are Hydra's overrides where its launcher starts them, else None."""

    cells: list[PlannedCell]
    launcher_words: list[str] | None


def open_composer(arguments: Namespace, root: Path) -> Composer:
    """Return what composes configurations. Raises ConfigurationError for a directory or file that is none."""
    own = arguments.config_dir
    if own is not None and not os.path.isdir(own):
        raise ConfigurationError([f"--config-dir={own}: no such directory"])
    searchpath = [] if own is None else [f"hydra.searchpath=['file://{os.path.abspath(own)}']"]
    with translated(lambda group: []):
        return make_composer(root, arguments.config_path, arguments.config_name, searchpath)


def plan(arguments: Namespace, composer: Composer) -> Plan:
    """Compose and check every cell of a command.

    Raises ConfigurationError for what was typed wrongly, else for the first cell that is refused.
    """
    words = [for_hydra(word) for word in arguments.overrides]
    is_sweep = bool(arguments.multirun)
    typed = _assignments(composer, words, is_sweep)
    shared = [word for word, values in zip(words, typed, strict=True) if not all(each.is_plain for each in values)]
    launcher = "basic"
    if is_sweep:
        with translated(composer.options):
            master = composer.compose(tuple(shared), is_sweep=True)
        launcher = master.choices["hydra/launcher"]
        swept = _assignments(composer, [for_hydra(f"{key}={value}") for key, value in master.sweep.items()], is_sweep)
        hydras = [values for values in typed if values[0].is_hydras]
        typed = list({values[0].key: values for values in [*hydras, *swept, *typed]}.values())
    _refuse_too_many(typed)
    cells = list(_checked(composer, [list(job) for job in itertools.product(*typed)]))
    if not is_sweep:
        refuse(_single_run_problems(composer, words, shared, cells[0].config.stage))
    refuse(sweep_problems([cell.config for cell in cells]))
    ours = ("hydra/launcher", "hydra.sweeper", "hydra.searchpath")  # keys that do not change how Hydra runs jobs
    if launcher == "basic" and all(not each.is_hydras or each.key.startswith(ours) for each, *_ in typed):
        return Plan(cells, None)
    return Plan(cells, [word for word in shared if is_sweep or not word.startswith("hydra/launcher")])


@contextmanager
def translated(options: Options) -> Iterator[None]:
    """Turn whatever Hydra and OmegaConf raise into a ConfigurationError of one line."""
    try:
        yield
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError([translate(error, options)]) from error


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
        refuse(combination_problems(config))
        paths = dict.fromkeys(path for path in needed_paths(config) if path not in self.paths)
        refuse(problem for path in paths for problem in path.check(path))
        self.paths.update(paths)
        return config


def _composed(composition: Composition, plain: dict[str, Assignment]) -> Config:
    settings = composition.settings({key: each.value for key, each in plain.items()})
    refuse(_unselected(settings, plain))
    refuse(value_problems("", OmegaConf.to_container(settings, resolve=True)))
    config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    return config


def _checked(composer: Composer, jobs: list[list[Assignment]]) -> Iterator[PlannedCell]:
    checker = _Checker(composer)
    said = time.monotonic()
    for number, job in enumerate(jobs, start=1):
        config = checker.checked(job)
        own = [each for each in job if not each.is_hydras]
        yield PlannedCell([each.typed for each in own], config, [each.word for each in own])
        if sys.stderr.isatty() and time.monotonic() - said > _QUIET_SECONDS and number < len(jobs):
            said = time.monotonic()
            print(f"checking | {number} of {len(jobs)} cells", file=sys.stderr, flush=True)


def _assignments(composer: Composer, words: list[str], is_sweep: bool) -> list[list[Assignment]]:
    """Return the values of each override. Raises ConfigurationError for those that are wrong by themselves."""
    with translated(composer.options):
        parsed = composer.parse(words)
        refuse(problem for override in parsed for problem in override_problems(override, composer.options, is_sweep))
        found = [assignments(override, composer.options) for override in parsed]
    empty = [word for word, each in zip(words, found, strict=True) if not each]
    refuse(Problem(word, ..., "expected a value; the sweep is empty") for word in empty)
    return found


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


def _refuse_too_many(typed: list[list[Assignment]]) -> None:
    """Refuse a sweep of too many cells. Raises ConfigurationError."""
    number = math.prod(len(values) for values in typed)
    if number > MAX_CELLS:
        most = max(typed, key=len)
        count = f"{number:,}" if len(most) <= MAX_CELLS else f"more than {MAX_CELLS:,}"
        raise ConfigurationError([f"{most[0].key}: the sweep has {count} cells; expected at most {MAX_CELLS:,}"])


def _single_run_problems(composer: Composer, words: list[str], shared: list[str], stage: str) -> Iterator[Problem]:
    """Yield the problem of an experiment without -m: its sweep would silently shrink to one cell of the defaults."""
    typed = dict(word.partition("=")[::2] for word in words)
    if "experiment" in typed and stage not in ("inspect", "report"):
        sweep = composer.compose(tuple(shared), is_sweep=True).sweep
        if missing := [key for key in sweep if key not in typed]:
            yield Problem("experiment", typed["experiment"], f"sweeps {', '.join(missing)}: add -m, or give one value")
