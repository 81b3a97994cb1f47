"""The command line: `python run.py [-m] key=value ...`. Every cell is composed and checked before the first one runs.

Exit status: 0 if every cell succeeded, 1 if one failed, 2 if the configuration is refused (one line a problem), 130 or
143 if Ctrl-C or SIGTERM stopped it.
"""

import argparse
import functools
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import CompactHydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

ROOT = Path(__file__).resolve().parent
if (ROOT / "src").is_dir():  # a checkout runs its own code, whatever is installed
    sys.path.insert(0, str(ROOT / "src"))

from nsp_ablation.config.checks import check, check_sweep, check_tree  # noqa: E402
from nsp_ablation.config.overrides import is_plain, override_problems, quote_numbers  # noqa: E402
from nsp_ablation.config.problem import ConfigurationError, Problem, refuse  # noqa: E402
from nsp_ablation.config.schema import Config  # noqa: E402
from nsp_ablation.config.translate import Options, translate  # noqa: E402

CONF = ROOT / "conf"
EXPERIMENTS = ROOT / "experiments"
STOPPED = 128  # a status above it is 128 + the number of the signal that asked to stop

_statuses: list[int] = []


@dataclass(frozen=True)
class Cell:
    """One job: what was typed or swept for it, and the checked configuration that comes of it."""

    overrides: list[str]
    config: Config


def main() -> None:
    """Check every cell, run them through Hydra, end with the table and the exit status."""
    command = shlex.join(["python", *sys.argv] if sys.argv[0].endswith(".py") else sys.argv)
    sys.argv[1:] = [quote_numbers(argument) for argument in sys.argv[1:]]
    try:
        arguments = parse_arguments(sys.argv[1:])
        register()
        cells = [] if _only_shows(arguments) else preflight(arguments)
    except ConfigurationError as error:
        for line in error.lines:
            print(f"error: {line}", file=sys.stderr)
        sys.exit(2)
    if (ROOT / "src").is_dir():  # other processes of a launcher unpickle our types
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        sys.exit(run_cells(cells, command) if cells else run_through_hydra())
    except KeyboardInterrupt:  # between two cells, or in the report
        print("error: stopped by SIGINT; the same command goes on from there", file=sys.stderr)
        sys.exit(STOPPED + 2)


def run_cells(cells: list[Cell], command: str) -> int:
    """Run the checked cells and return the exit status; stages that make records end with their sweep's table."""
    from nsp_ablation.stages.cell import TABLE_STAGES

    if cells[0].config.stage not in TABLE_STAGES or cells[0].config.trainer.dry_run:
        return run_through_hydra()
    from nsp_ablation.stages.report import finish_sweep, sweep

    configs = [cell.config for cell in cells]
    with sweep(configs, [cell.overrides for cell in cells], command):
        status = run_through_hydra()
        return status if status > STOPPED else max(status, finish_sweep(configs))


def run_through_hydra() -> int:
    """Let Hydra do what `sys.argv` says, and return the exit status as far as this process knows it."""
    _statuses.clear()
    try:
        run_one()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) and stop.code > STOPPED else int(bool(stop.code))
    return max(_statuses, default=0)


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def run_one(settings: DictConfig) -> int:
    """Run one cell and return its status, 0 or 1.

    A stage with a table leaves its status on disk, so the others of a sweep go on. Other stages have nowhere to leave
    it: in a sweep, whose launcher may run this in another process, they raise, which Hydra turns into exit status 1.
    """
    from nsp_ablation.stages.cell import TABLE_STAGES, run_cell

    config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    overrides = list(HydraConfig.get().overrides.task)
    _statuses.append(run_cell(config, overrides))
    has_table = config.stage in TABLE_STAGES and not config.trainer.dry_run
    if _statuses[-1] and not has_table and HydraConfig.get().mode == RunMode.MULTIRUN:
        raise CompactHydraException(f"error: failed: {' '.join(overrides)}")
    return _statuses[-1]


def register() -> None:
    """Give Hydra the schema, and the files of `experiments/` as the group `experiment`.

    Raises ConfigurationError for an experiment that is no YAML.
    """
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for path in sorted(EXPERIMENTS.glob("*.yaml")):
        with _translated(lambda group: []):
            store.store(group="experiment", name=path.stem, node=OmegaConf.load(path), package="_global_")


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    """Parse Hydra's own flags. Raises ConfigurationError for an unknown one."""
    parser = get_args_parser()

    def refuse_flag(message: str) -> NoReturn:
        raise ConfigurationError([f"{message}; see --help"])

    parser.error = refuse_flag  # type: ignore[method-assign]
    return parser.parse_args(arguments)


def preflight(arguments: argparse.Namespace) -> list[Cell]:
    """Compose and check every cell of a run, without any heavy library.

    Raises ConfigurationError for the first cell that is refused, and for what Hydra cannot parse or compose.
    """
    name = arguments.config_name or "config"
    searchpath = _searchpath(arguments.config_dir)
    overrides = [*searchpath, *arguments.overrides]
    directory = str(ROOT / (arguments.config_path or CONF))
    register()
    initialized = hydra.initialize_config_dir(directory, job_name="run", version_base="1.3")
    with initialized:
        loader = GlobalHydra.instance().config_loader()
        options = functools.cache(lambda group: loader.get_group_options(group, config_name=name, overrides=searchpath))
        with _translated(options):
            parsed = OverridesParser.create(config_loader=loader).parse_overrides(overrides)
        refuse(override_problems(parsed, options))
        with _translated(options):
            jobs = _jobs(loader, name, overrides) if arguments.multirun else [overrides]
        cells = [_checked_cell(job, settings, options) for job, settings in _compose(loader, name, jobs, options)]
        if not arguments.multirun:
            refuse(_single_run_problems(loader, name, overrides, cells[0].config.stage))
        check_sweep([cell.config for cell in cells])
        return cells


def _only_shows(arguments: argparse.Namespace) -> bool:
    shown = (arguments.help, arguments.hydra_help, arguments.cfg, arguments.info, arguments.shell_completion)
    return any(shown) or arguments.experimental_rerun is not None


@contextmanager
def _translated(options: Options) -> Iterator[None]:
    """Turn whatever Hydra and OmegaConf raise into a ConfigurationError of one line."""
    try:
        yield
    except Exception as error:
        raise ConfigurationError([translate(error, options)]) from error


def _searchpath(config_dir: str | None) -> list[str]:
    """Return `--config-dir` as an override. Raises ConfigurationError where there is no such directory."""
    if config_dir is None:
        return []
    if not os.path.isdir(config_dir):
        raise ConfigurationError([f"--config-dir={config_dir}: no such directory"])
    return [f"hydra.searchpath=['file://{os.path.abspath(config_dir)}']"]


def _jobs(loader: ConfigLoader, name: str, overrides: list[str]) -> list[list[str]]:
    """Return each job's overrides as Hydra's own sweeper makes them, an experiment's `params` included."""
    master = loader.load_configuration(name, overrides, RunMode.MULTIRUN)
    params = [f"{key}={value}" for key, value in (master.hydra.sweeper.get("params") or {}).items()]
    parsed = OverridesParser.create(config_loader=loader).parse_overrides([*params, *master.hydra.overrides.task])
    (jobs,) = BasicSweeper.split_arguments(parsed, None)
    return [[*master.hydra.overrides.hydra, *job] for job in jobs]


def _compose(
    loader: ConfigLoader, name: str, jobs: list[list[str]], options: Options
) -> Iterator[tuple[list[str], DictConfig]]:
    """Yield each job's composed settings without Hydra's own, valid until the next one is asked for.

    Jobs that differ in plain values alone (seeds) are composed once, 0.1 s, and then given their values, 5 ms.
    """
    composed: dict[tuple[str, ...], DictConfig] = {}
    parser = OverridesParser.create(config_loader=loader)
    for job in jobs:
        with _translated(options):
            parsed = parser.parse_overrides(job)
            plain = [override for override in parsed if is_plain(override, options)]
            others = tuple(str(override.input_line) for override in parsed if override not in plain)
            key = (*others, *(override.key_or_group for override in plain))
            if key not in composed:
                settings = loader.load_configuration(name, job, RunMode.RUN)
                with open_dict(settings):
                    del settings["hydra"]
                composed[key] = settings
            for override in plain:
                OmegaConf.update(composed[key], override.key_or_group, override.value(), merge=True)
        yield job, composed[key]


def _checked_cell(job: list[str], settings: DictConfig, options: Options) -> Cell:
    with _translated(options):
        plain: Any = OmegaConf.to_container(settings, resolve=True)
    check_tree(plain)
    with _translated(options):
        config = OmegaConf.to_object(settings)
    assert isinstance(config, Config)
    check(config)
    return Cell([override for override in job if not override.startswith("hydra")], config)


def _single_run_problems(loader: ConfigLoader, name: str, overrides: list[str], stage: str) -> Iterator[Problem]:
    """Yield the problem of an experiment without -m: its sweep would silently shrink to one cell of the defaults."""
    typed = dict(override.partition("=")[::2] for override in overrides)
    if "experiment" in typed and stage not in ("inspect", "report"):
        params = loader.load_configuration(name, overrides, RunMode.MULTIRUN).hydra.sweeper.get("params") or {}
        if missing := [key for key in params if key not in typed]:
            yield Problem("experiment", typed["experiment"], f"sweeps {', '.join(missing)}: add -m, or give one value")


if __name__ == "__main__":
    main()
