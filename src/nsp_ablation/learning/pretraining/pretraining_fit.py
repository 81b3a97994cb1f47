"""Pre-train a model: from where an earlier run of the same directory was stopped, if it was."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import ClusterEnvironment
from pytorch_lightning.strategies import DDPStrategy

from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.resume import TimedCheckpoint, ends_update, readable
from nsp_ablation.learning.engine.signals import StopRequests
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.learning.pretraining.pretraining_module import MakeLoader, PretrainingModule, Recipe


@dataclass(frozen=True)
class PretrainOutcome:
    """What a run did: masked tokens predicted, seconds of the training loop (all parts of an interrupted run
    together), and the update at which this part began (0 if it was the first)."""

    num_predictions: int
    seconds: float
    resumed_at: int


@dataclass(frozen=True)
class Machine:
    """Where a run trains; names are the configuration's (group `trainer`). All but `precision` changes speed alone.

    `accumulation` is the micro-batches of an update on each device; every `checkpoint_seconds` the state is saved.
    `peak_flops` is the FLOP/s of one device, the measure of the MFU that is logged; None leaves that out.
    """

    accelerator: str
    devices: int
    num_nodes: int
    precision: str
    accumulation: int
    checkpoint_seconds: float
    peak_flops: float | None = None


def pretrain(
    model: PretrainingModel,
    make_loader: MakeLoader,
    recipe: Recipe,
    machine: Machine,
    environment: ClusterEnvironment,
    directory: Path,
    *,
    seed: int,
    export_at: list[int],
    export: Callable[[int], None],
    logger: Logger | None,
    log_every: int,
    say: Callable[[str], None] | None,
) -> PretrainOutcome:
    """Train `model` in place for `recipe.max_steps` updates, as one of the ranks that `environment` connects.

    `make_loader(first_step, rank, world_size)` opens one rank's micro-batches from an update on. The state is saved in
    `directory`/last.ckpt, also after the last update; where it lies there already, training goes on from it, and on
    the same kind of device with the same accumulation and number of devices ends in the very weights of an
    uninterrupted run. `export(update)` is called after each update of `export_at`, on the first rank. `say` takes
    lines of progress; None is silence. `seed` draws dropout; torch's global generators are left as they were. Raises
    DivergedError where a loss or weight is not finite (never saved), ValueError where the checkpoint cannot be read,
    and Stopped, after saving, where a signal asks to stop.
    """
    directory.mkdir(parents=True, exist_ok=True)
    checkpoint = directory / "last.ckpt"
    module = PretrainingModule(
        model, make_loader, recipe, seed=seed, log_every=log_every, say=say, peak_flops=machine.peak_flops
    )
    with StopRequests() as stop, quiet_lightning(), torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        callbacks = [
            _ExportAt(export_at, export),
            TimedCheckpoint(
                checkpoint,
                machine.checkpoint_seconds,
                stop,
                saves_last=True,
                on_resume=lambda update: say(f"resumed at update {update}") if say is not None else None,
            ),
        ]
        trainer = _trainer(recipe.max_steps, machine, environment, callbacks, logger, log_every, directory)
        trainer.fit(module, ckpt_path=readable(checkpoint), weights_only=True)
    return PretrainOutcome(module.num_predictions, module.seconds, module.resumed_at)


def _trainer(
    max_steps: int,
    machine: Machine,
    environment: ClusterEnvironment,
    callbacks: list[pl.Callback],
    logger: Logger | None,
    log_every: int,
    directory: Path,
) -> pl.Trainer:
    is_single = machine.devices == machine.num_nodes == 1
    return pl.Trainer(
        accelerator=machine.accelerator,
        devices=machine.devices,
        num_nodes=machine.num_nodes,
        strategy="auto" if is_single else DDPStrategy(),
        precision=machine.precision,  # type: ignore[arg-type]
        plugins=[environment, BackgroundCheckpointIO()],
        max_steps=max_steps,
        max_epochs=1,
        accumulate_grad_batches=machine.accumulation,
        use_distributed_sampler=False,
        callbacks=callbacks,
        logger=logger if logger is not None else False,
        log_every_n_steps=log_every,
        default_root_dir=directory,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


class _ExportAt(pl.Callback):
    """Call `export(update)` after each of some updates, before the checkpoint that would skip it."""

    def __init__(self, updates: list[int], export: Callable[[int], None]) -> None:
        self.updates, self.export = set(updates), export

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if self.updates and trainer.global_step in self.updates and ends_update(trainer) and trainer.is_global_zero:
            self.export(trainer.global_step)
