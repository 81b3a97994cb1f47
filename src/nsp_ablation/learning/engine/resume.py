"""Resuming: a checkpoint now and then at the end of an update, and a stream of batches that starts where it was left.

A whole run is one Lightning epoch, and batch k is a pure function of k. So model, optimizer and schedule in a
checkpoint, and the number of updates done, are all that an exact continuation needs.
"""

import time
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import pytorch_lightning as pl

from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.interrupts import Stopped
from nsp_ablation.learning.engine.signals import StopRequests

# Several ranks act together, so they look at the first one's clock and signals: about once a second, at most every
# so many updates.
_LOOK_SECONDS, _MAX_STRIDE = 1.0, 100

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
    """Save the whole training state to `path` at the end of an update: `seconds` of work apart, after the updates
    `also_at`, when the run is asked to stop (which then raises Stopped), and after the last update if `saves_last`.
    `on_resume(update)` hears on the first rank where a run goes on.

    ModelCheckpoint saves within an update as well, asks all ranks at every batch, and knows no request to stop.
    """

    def __init__(
        self,
        path: Path,
        seconds: float,
        stop: StopRequests,
        *,
        saves_last: bool,
        on_resume: Callable[[int], None],
        also_at: Container[int] = (),
    ) -> None:
        self.path, self.seconds, self.stop, self.saves_last = path, seconds, stop, saves_last
        self.also_at = also_at
        self.on_resume = on_resume
        self._saved_at = self._looked_at = time.monotonic()
        self._looked_step = self._look_step = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.stop.install()
        if trainer.global_step and trainer.is_global_zero:
            self.on_resume(trainer.global_step)
        self._saved_at = self._looked_at = time.monotonic()
        self._looked_step, self._look_step = trainer.global_step, trainer.global_step + 1

    def on_train_batch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        self.stop.waits = True

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        if not ends_update(trainer):
            return
        is_due, signum = self._decide(trainer)
        is_last = self.saves_last and trainer.global_step == trainer.max_steps
        if is_due or is_last or trainer.global_step in self.also_at or signum is not None:
            trainer.save_checkpoint(self.path)
            self._saved_at = time.monotonic()
        if signum is not None:
            trainer.strategy.checkpoint_io.teardown()  # the file is whole before anyone is told
            raise Stopped(signum, f"at update {trainer.global_step}")

    def _decide(self, trainer: pl.Trainer) -> tuple[bool, int | None]:
        """Return whether a checkpoint is due, and the signal that asks to stop; the same on every rank."""
        if trainer.world_size == 1:
            return time.monotonic() - self._saved_at >= self.seconds, self.stop.signum
        step = trainer.global_step
        if step < self._look_step:
            return False, None
        now = time.monotonic()
        update_seconds = (now - self._looked_at) / max(step - self._looked_step, 1)
        stride = min(max(int(_LOOK_SECONDS / max(update_seconds, 1e-9)), 1), _MAX_STRIDE)
        mine = now - self._saved_at >= self.seconds, self.stop.signum, stride
        is_due, signum, stride = trainer.strategy.broadcast(mine)
        self._looked_at, self._looked_step, self._look_step = now, step, step + stride
        return is_due, signum


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


def readable(checkpoint: Path) -> Path | None:
    """Return the checkpoint's path, None where there is none. Raises DamageError for a damaged one.

    Every byte of its tensors is held against the CRC-32 that torch.save wrote beside them.
    """
    if not checkpoint.exists():
        return None
    try:
        with zipfile.ZipFile(checkpoint) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError) as error:
        damaged = str(error)
    if damaged is not None:
        raise DamageError(f"{checkpoint} is damaged ({damaged}); delete it, and its training starts anew")
    return checkpoint
