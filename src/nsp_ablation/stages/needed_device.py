"""Whether this machine has the device that cells train on, asked before anything is prepared. Loads torch only where a
trainer names another device than the CPU."""

import sys

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.process import heavy_imports
from nsp_ablation.config.schema import Config
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.reporting.records.sweep_cell import read_cell
from nsp_ablation.stages.cell import MAKING_STAGES, results_folder

_TRAINING_STAGES = (*MAKING_STAGES, "pretrain", "export")


def check_devices(configs: list[Config]) -> None:
    """Raise InputError, once for all cells, where some that are not done need what this machine lacks."""
    training = [config for config in configs if config.stage in _TRAINING_STAGES and not config.trainer.dry_run]
    trainers = {repr(config.trainer): config.trainer for config in training}  # a sweep has one or two
    problems = {name: _problem(trainer) for name, trainer in trainers.items()}
    lacking = [config for config in training if problems[repr(config.trainer)] and not _is_done(config)]
    if lacking:
        cells = f" ({len(lacking)} of {len(configs)} cells)" if len(configs) > 1 else ""
        raise InputError(f"{problems[repr(lacking[0].trainer)]}{cells}")


def check_device_of(config: Config) -> None:
    """Raise InputError where this machine lacks the device of a cell that is to train."""
    if (problem := _problem(config.trainer)) is not None:
        raise InputError(problem)


def _problem(trainer: TrainerOptions) -> str | None:
    if trainer.num_workers and sys.platform != "linux":
        reason = "processes that assemble batches are forked, which is safe on Linux alone"
        return f"trainer.num_workers={trainer.num_workers}: {reason}; set trainer.num_workers=0"
    if trainer.accelerator == "cpu":
        return None
    with heavy_imports():
        from nsp_ablation.learning.engine.training_device import device_problem

    return device_problem(trainer)


def _is_done(config: Config) -> bool:
    if config.stage in MAKING_STAGES:
        cell = read_cell(results_folder(config), cell_key(config))
        return cell is not None and cell.status == "done"
    from nsp_ablation.pipeline.encoders import trained_encoder

    return trained_encoder(config).is_made
