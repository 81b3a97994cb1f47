"""One cell of a sweep: the stages of one configuration, and how they ended, on disk for whoever joins the sweep."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.interrupts import Stopped, stops_at_once
from nsp_ablation.base.mistakes import log_mistake
from nsp_ablation.base.orphans import end_with
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.base.process import (
    is_torchruns,
    job_rank,
    keep_caches_out_of_home,
    keep_kernels_by_source,
    set_up_cpu,
)
from nsp_ablation.base.slurm_queue import requeue
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.cell_life import CellLife, Hear, cell_key, hears_nothing
from nsp_ablation.pipeline.console import say_error
from nsp_ablation.stages.neighbours import ALONE, Neighbours

MAKING_STAGES = ("all", "finetune")


@dataclass(frozen=True)
class CellRun:
    """A cell that runs: its configuration, what was typed for it, and the ids of its records, which its stage adds.

    `hear` is told how far it is; `neighbours` are cells that run at the same time.
    """

    config: Config
    overrides: list[str]
    record_ids: list[str]
    hear: Hear = hears_nothing
    neighbours: Neighbours = ALONE


def has_table(config: Config) -> bool:
    """Whether a sweep of this stage ends with its comparison table."""
    return _stage(config) in (*MAKING_STAGES, "report")


def prints_samples(config: Config) -> bool:
    """Whether its stage looks at samples in the terminal."""
    return _stage(config) == "inspect" and config.inspect.shows_samples


def results_folder(config: Config) -> Path:
    """Return the folder of the records, the manifest and the report of a configuration.

    Raises InputError where a part of it below paths.results is a symbolic link.
    """
    return owned(Path(config.paths.results), str(config.name))


def run_cell(config: Config, overrides: list[str], neighbours: Neighbours = ALONE) -> int:
    """Run the configuration's stage and return its exit status, 0 or 1.

    An error becomes one line, and in a stage that ends in a table the cell's status, so that a sweep goes on. Any
    exception but a StatedError is a bug or a machine fault: its traceback goes to a log under the artifacts. Where the
    run is asked to stop, says so and raises SystemExit, which ends a sweep.

    In a job of several processes (torchrun, srun) the first does this, and the others join it in trainings.
    """
    set_up_cpu()
    keep_kernels_by_source()
    keep_caches_out_of_home()
    rank = None if _stage(config) == "cost" else job_rank()
    if rank is None:
        return _run_cell(CellRun(config, overrides, [], neighbours=neighbours))
    if is_torchruns():
        end_with(os.getppid())  # which lets its processes live on where it is killed
    from nsp_ablation.pipeline.ranks import run_first_rank, serve_other_ranks

    try:
        if rank:
            return serve_other_ranks(config)
        return run_first_rank(config, lambda: _run_cell(CellRun(config, overrides, [])))
    except StatedError as error:
        say_error(str(error))
        return 1


def _run_cell(cell: CellRun) -> int:
    run = _run_noted if _stage(cell.config) in MAKING_STAGES else _run_stage
    try:
        with stops_at_once():
            reason = _attempt(cell.config, lambda: run(cell))
    except Stopped as stop:
        say_error(stop.line)
        requeue(stop.signum)
        sys.exit(stop.code)
    return 0 if reason is None else 1


def _run_noted(cell: CellRun) -> str | None:
    """Run a cell that makes records, keep in its sweep's folder how it stands, and return why it failed."""
    config = cell.config
    with CellLife(results_folder(config), cell_key(config), cell.overrides, cell.record_ids) as life:
        try:
            reason = _attempt(config, lambda: _run_stage(replace(cell, hear=life.hear)))
        except Stopped as stop:
            with suppress(StatedError):  # the cell then reads as killed, with the same remedy
                life.end("stopped", str(stop))
            raise
        life.end("done" if reason is None else "failed", reason)
    return reason


def _attempt(config: Config, run: Callable[[], str | None]) -> str | None:
    """Run something of a cell and return why it failed, None if it did not; `run` may return a reason itself."""
    try:
        return run()
    except StatedError as error:
        for line in getattr(error, "lines", [str(error)]):
            say_error(line)
        return str(error)
    except Exception as error:
        log = owned(Path(config.paths.artifacts), "failures", f"{cell_key(config)}.log")
        say_error(f"{cell_key(config)}: {log_mistake(error, log)}")
        return f"{type(error).__name__}: {error}"


def _run_stage(cell: CellRun) -> None:
    """Import and run one stage, the module of this package that it names; each brings its own libraries.

    `finetune` is `all` with an encoder that is given; `report` is the table alone that ends its sweep.
    """
    stage = _stage(cell.config)
    if stage != "report":
        import_module(f"nsp_ablation.stages.{'all' if stage == 'finetune' else stage}").run(cell)


def _stage(config: Config) -> str:
    return "cost" if config.trainer.dry_run else config.stage
