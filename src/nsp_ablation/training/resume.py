"""Resuming: a checkpoint now and then at the end of an update, and a stream of batches that starts where it was left.

A whole run is one Lightning epoch, and batch k is a pure function of k. So model, optimizer and schedule in a
checkpoint, and the number of updates done, are all that an exact continuation needs.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl

from nsp_ablation.base.artifact import atomic_path

_DISTRIBUTED_EVERY = 10  # updates between two looks at the first rank's clock, which all ranks must follow

Batch = TypeVar("Batch")


class Stream(Generic[Batch]):
    """Batches read once, opened when reading begins.

    Has no length: Lightning would take that of the rest of a resumed run for that of the whole, and stop early.
    """

    def __init__(self, open_stream: Callable[[], Iterable[Batch]]) -> None:
        self._open_stream = open_stream

    def __iter__(self) -> Iterator[Batch]:
        return iter(self._open_stream())


class TimedCheckpoint(pl.Callback):
    """Save the whole training state to `path` (one file, never half-written) `seconds` of work apart, and after the
    last update.

    Within an update, weights and optimizer are those of its beginning, where a resumed run then starts.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self._saved_step, self._saved_at = 0, time.monotonic()

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._saved_step, self._saved_at = trainer.global_step, time.monotonic()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        is_new = trainer.global_step != self._saved_step
        if is_new and (trainer.global_step == trainer.max_steps or self._is_due(trainer)):
            self._save(trainer)

    def _is_due(self, trainer: pl.Trainer) -> bool:
        if trainer.world_size > 1 and trainer.global_step % _DISTRIBUTED_EVERY:
            return False
        is_due = time.monotonic() - self._saved_at >= self.seconds
        return trainer.strategy.broadcast(is_due) if trainer.world_size > 1 else is_due

    def _save(self, trainer: pl.Trainer) -> None:
        if trainer.is_global_zero:
            with atomic_path(self.path) as temporary:
                trainer.save_checkpoint(temporary)
        else:
            trainer.save_checkpoint(self.path)  # takes part, writes nothing
        self._saved_step, self._saved_at = trainer.global_step, time.monotonic()


def ends_update(trainer: pl.Trainer) -> bool:
    """Whether the batch at hand is the last of its update."""
    return (trainer.fit_loop.epoch_loop.batch_idx + 1) % trainer.accumulate_grad_batches == 0


def place_after(checkpoint: dict[str, Any], accumulation: int) -> None:
    """Set the batches that a checkpoint says are done to those of its updates, of `accumulation` batches each.

    Accumulation is a machine setting: it may have changed since the checkpoint was made.
    """
    num_batches = checkpoint["global_step"] * accumulation
    progress = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]
    for counts in (progress["total"], progress["current"]):
        # as Lightning's counts stand in `on_train_batch_end`, where the checkpoint was made
        counts.update(ready=num_batches, started=num_batches, processed=num_batches, completed=num_batches - 1)
