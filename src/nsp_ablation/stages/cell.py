"""One cell of a sweep: the stages of one configuration, and how they ended, on disk for whoever joins the sweep."""

import traceback
from collections.abc import Callable
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.heavy_imports import heavy_imports
from nsp_ablation.base.kernels import keep_kernels_by_source
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import condition_name, science_settings
from nsp_ablation.learning.engine.cpu import set_up_cpu
from nsp_ablation.learning.engine.job import job_rank
from nsp_ablation.learning.engine.signals import Stopped, stops_at_once
from nsp_ablation.reporting.records.manifest import Cell, write_cell
from nsp_ablation.stages.console import say_error

MAKING_STAGES = ("all", "finetune")
TABLE_STAGES = (*MAKING_STAGES, "report")


def cell_key(config: Config) -> str:
    """Return the name of a cell within its sweep: readable, and unique by all that its results depend on."""
    if config.encoder is not None:
        name = "random" if config.encoder == "random" else "external"
    else:
        name = condition_name(config)
    places = [(task.name, task.path) for task in config.tasks.values()]
    content = [science_settings(config), config.corpus.path, config.encoder, config.finetuning.seeds, places]
    return f"{name}-p{config.seed}-{fingerprint(content)[:8]}"


def run_cell(config: Config, overrides: list[str]) -> int:
    """Run the configuration's stage and return its exit status, 0 or 1.

    An error becomes one line, and in a stage that ends in a table the cell's status, so that a sweep goes on. What is
    no ValueError is a mistake of ours or of the machine: its traceback goes to a log under the artifacts. Where the
    run is asked to stop, says so and raises SystemExit, which ends a sweep.

    In a job of several processes (torchrun, srun) the first does this, and the others follow it.
    """
    set_up_cpu(config.trainer.num_threads)
    keep_kernels_by_source()
    if config.stage == "cost" or config.trainer.dry_run:
        return _show_cost(config, overrides)
    rank = job_rank()
    if rank is None:
        return _run_cell(config, overrides)
    from nsp_ablation.pipeline.encoder_artifact import take_part
    from nsp_ablation.stages.ranks import run_first_rank, serve_other_ranks

    try:
        if rank:
            return serve_other_ranks(config, take_part)
        return run_first_rank(config, lambda: _run_cell(config, overrides))
    except ValueError as error:
        say_error(str(error))
        return 1


def _run_cell(config: Config, overrides: list[str]) -> int:
    record_ids: list[str] = []
    try:
        with stops_at_once():
            reason = _attempt(config, lambda: _run_stage(config, record_ids))
            if config.stage in MAKING_STAGES:
                reason = _attempt(config, lambda: _note_end(config, overrides, record_ids, reason)) or reason
    except Stopped as stop:
        say_error(f"{stop}; the same command goes on from there")
        raise
    return 0 if reason is None else 1


def _note_end(config: Config, overrides: list[str], record_ids: list[str], reason: str | None) -> None:
    folder = Path(config.paths.results) / str(config.name)
    status = "done" if reason is None else "failed"
    write_cell(folder, Cell(cell_key(config), overrides, record_ids, status, reason))


def _show_cost(config: Config, overrides: list[str]) -> int:
    from nsp_ablation.stages.cost import show_cost

    try:
        show_cost(config, overrides)
    except ValueError as error:
        say_error(str(error))
        return 1
    return 0


def _attempt(config: Config, run: Callable[[], None]) -> str | None:
    """Run something of a cell and return why it failed, None if it did not."""
    try:
        run()
    except ValueError as error:
        say_error(str(error))
        return str(error)
    except Exception as error:
        message, log = f"{type(error).__name__}: {error}", traceback.format_exc()
        log_path = Path(config.paths.artifacts) / "failures" / f"{cell_key(config)}.log"
        try:
            write_text(log_path, log)
            say_error(f"{cell_key(config)}: {message} (traceback in {log_path})")
        except (OSError, ValueError) as unwritten:
            say_error(f"{cell_key(config)}: {message} (no traceback: {unwritten})")
        return message
    return None


def _run_stage(config: Config, record_ids: list[str]) -> None:
    """Import and run one stage; each brings its own libraries."""
    if config.stage in MAKING_STAGES:
        with heavy_imports():
            from nsp_ablation.pipeline.results import finetune_cell

        finetune_cell(config, record_ids)
    elif config.stage == "prepare":
        from nsp_ablation.pipeline.stores import prepare

        prepare(config)
    elif config.stage == "inspect":
        from nsp_ablation.stages.inspect import inspect

        inspect(config)
    elif config.stage == "pretrain":
        with heavy_imports():
            from nsp_ablation.pipeline.encoder_artifact import pretrain

        pretrain(config)
    elif config.stage == "export":
        from nsp_ablation.stages.export import export

        export(config)
