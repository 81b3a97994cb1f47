"""Pre-train a model: from where an earlier run of the same directory was stopped, if it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.environments import ClusterEnvironment
from pytorch_lightning.strategies import DDPStrategy

from nsp_ablation.base.owned_paths import make_directory
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.quiet import quiet_lightning
from nsp_ablation.learning.engine.resume import TimedCheckpoint, ends_update, readable
from nsp_ablation.learning.engine.signals import StopRequests
from nsp_ablation.learning.engine.training import one_epoch_trainer
from nsp_ablation.learning.engine.training_device import generators_kept, torch_device
from nsp_ablation.learning.engine.training_processes import threads_kept
from nsp_ablation.learning.pretraining.evaluations import NO_EVALUATIONS, EvaluateAt, Evaluations, Measured
from nsp_ablation.learning.pretraining.plateau import SmoothedLosses
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.learning.pretraining.pretraining_module import MakeLoader, PretrainingModule
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.options.trainer_options import TrainerOptions


@dataclass(frozen=True)
class PretrainOutcome:
    """What a run did: masked tokens predicted, seconds of the training loop, what was measured on the way, by update
    and metric, and its MLM losses, smoothed; all parts of an interrupted run together."""

    num_predictions: int
    seconds: float
    evaluations: Measured
    mlm_losses: SmoothedLosses


def pretrain(
    model: PretrainingModel,
    make_loader: MakeLoader,
    options: PretrainingOptions,
    trainer: TrainerOptions,
    environment: ClusterEnvironment,
    directory: Path,
    *,
    seed: int,
    accumulation: int,
    peak_flops: float | None,
    export: Callable[[int], None],
    evaluations: Evaluations = NO_EVALUATIONS,
    logger: Logger | None,
    log_every: int,
    say: Callable[[str], None] | None,
    on_progress: Callable[[int, float, float], None] | None = None,
) -> PretrainOutcome:
    """Train `model` in place for `options.max_steps` updates, as one of the ranks that `environment` connects.

    `make_loader(first_step, rank, world_size)` opens one rank's micro-batches from an update on, `accumulation` of them
    per update. `peak_flops` is the FLOP/s of one device, for the MFU; None leaves that out. The state is saved in
    `directory`/last.ckpt, also after the last update; where it lies there already, training goes on from it, and on
    the same kind of device with the same accumulation and number of devices ends in the weights of an uninterrupted
    run: on CPU in the very ones, on CUDA up to the order in which kernels add (FlashAttention-2 sums dQ by atomics),
    unless `trainer.deterministic`, which the caller switches on (`repeatable`). `export(update)` is called after each
    update of `options.export_at`, on the first rank, and `evaluations` measure there while the others wait. `say` takes
    lines of progress; None is silence.
    `on_progress(update, loss, tokens per second)` is called on the first rank wherever losses are logged. `seed` draws
    dropout; torch's global generators are left as they were.
    Raises DivergedError where a loss or weight is not finite (never saved), DamageError where the checkpoint cannot be
    read, and Stopped, after saving, where a signal asks to stop.
    """
    checkpoint, evaluating = make_directory(directory) / "last.ckpt", EvaluateAt(evaluations)
    shown: dict[str, Any] = {"log_every": log_every, "say": say, "peak_flops": peak_flops}
    module = PretrainingModule(model, make_loader, options, seed=seed, **shown)
    module.on_progress = on_progress
    with StopRequests(waits=environment.world_size() > 1) as stop, quiet_lightning(), _surroundings_kept(trainer):
        saving = _saving(checkpoint, options.checkpoint_seconds, stop, say, evaluations)
        lightning = one_epoch_trainer(
            trainer,
            devices=trainer.devices,
            num_nodes=trainer.num_nodes,
            strategy=_strategy(trainer),
            use_distributed_sampler=False,
            plugins=[environment, BackgroundCheckpointIO()],
            max_steps=options.max_steps,
            accumulate_grad_batches=accumulation,
            callbacks=[_ExportAt(options.export_at, export), evaluating, saving],
            logger=logger or False,
            log_every_n_steps=log_every,
            default_root_dir=directory,
        )
        lightning.fit(module, ckpt_path=readable(checkpoint), weights_only=True)
    return PretrainOutcome(module.num_predictions, module.seconds, evaluating.found, module.mlm_losses.smoothed())


def _strategy(trainer: TrainerOptions) -> str | DDPStrategy:
    """Return how ranks train together: gradients lie in the buckets that are summed, and are not copied into them.

    Buffers are constants, the same on every rank. The graph is not declared static: torch then wants a sum in each
    backward pass, and accumulation leaves it out of all but the last.
    """
    if trainer.devices == trainer.num_nodes == 1:
        return "auto"
    return DDPStrategy(broadcast_buffers=False, gradient_as_bucket_view=True)


@contextmanager
def _surroundings_kept(trainer: TrainerOptions) -> Iterator[None]:
    with generators_kept(torch_device(trainer)), threads_kept():
        yield


def _saving(
    path: Path, seconds: float, stop: StopRequests, say: Callable[[str], None] | None, evaluations: Evaluations
) -> TimedCheckpoint:
    """Return what saves; what was measured is saved at once, and so never measured again."""

    def on_resume(update: int) -> None:
        if say is not None:
            say(f"resumed at update {update}")

    return TimedCheckpoint(path, seconds, stop, saves_last=True, on_resume=on_resume, also_at=evaluations.updates)


class _ExportAt(pl.Callback):
    """Call `export(update)` after each of some updates, before the checkpoint that would skip it."""

    def __init__(self, updates: list[int], export: Callable[[int], None]) -> None:
        self.updates, self.export = set(updates), export

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if self.updates and trainer.global_step in self.updates and ends_update(trainer) and trainer.is_global_zero:
            self.export(trainer.global_step)
