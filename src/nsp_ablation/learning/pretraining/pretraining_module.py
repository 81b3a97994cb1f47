"""The LightningModule of pre-training."""

import math
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.cost.training_cost import EncoderSize, Work, training_flops
from nsp_ablation.learning.engine.attention import LENGTH_GROUPS, AttentionLayout
from nsp_ablation.learning.engine.resume import Stream, ends_update, place_after
from nsp_ablation.learning.engine.step_seed import seed_step
from nsp_ablation.learning.engine.training import (
    DivergedError,
    TrainingModule,
    is_finite_state,
    learning_rate_factor,
    parameter_groups,
)
from nsp_ablation.learning.engine.training_progress import ProgressLine, SpeedMeter
from nsp_ablation.learning.pretraining.objective import Losses, update_share
from nsp_ablation.learning.pretraining.plateau import LossBlocks
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.samples.batches.loader import MicroBatch

# of ln V, the loss of a model that knows nothing; small ones with wide initial weights begin at a few times that
_DIVERGED_FACTOR = 10

# (first update, rank, number of ranks) -> that rank's micro-batches, from the update on
MakeLoader = Callable[[int, int, int], Iterable[MicroBatch]]
DeviceBatch = tuple[MicroBatch, AttentionLayout, float]  # on the device, with its attention layout and model FLOPs


class _Window:
    """This rank's losses since curves were last logged."""

    def __init__(self) -> None:
        self.mlm: Tensor | float = 0.0
        self.pair: Tensor | float = 0.0
        self.num_updates = 0

    def add(self, losses: Losses) -> None:
        self.mlm = self.mlm + losses.mlm.detach()
        if losses.pair is not None:
            self.pair = self.pair + losses.pair.detach()


class PretrainingModule(TrainingModule):
    """AdamW on the sums of an update's losses, that of pairs times `pair_loss_weight`; what is logged is not weighted.
    Dropout is drawn by (seed, micro-batch), so that no state is needed.

    Losses are read every `log_every` updates, or when the progress line is due: never on every one. `peak_flops` is the
    FLOP/s of one device, None leaves the MFU out of the log. `on_progress(update, loss, tokens per second)` is
    called on the first rank wherever losses are logged.
    """

    options: PretrainingOptions

    def __init__(
        self,
        model: PretrainingModel,
        make_loader: MakeLoader,
        options: PretrainingOptions,
        *,
        seed: int,
        log_every: int,
        say: Callable[[str], None] | None,
        peak_flops: float | None,
    ):
        super().__init__()
        self.model, self.make_loader, self.options = model, make_loader, options
        self.log_every, self.say, self.peak_flops = log_every, say, peak_flops
        self.on_progress: Callable[[int, float, float], None] | None = None
        self.num_predictions, self.mlm_losses = 0, LossBlocks(options.max_steps)
        self._earlier_seconds = self._started = 0.0
        config = model.hf.config
        has_dropout = config.hidden_dropout_prob > 0 or config.attention_probs_dropout_prob > 0
        self._dropout_key = np.full(1, epoch_key(seed, stream("dropout"), 0)) if has_dropout else None
        self._progress: ProgressLine | None = None
        self._window = _Window()
        self._size = EncoderSize.of(config)
        self._since_log = self._since_line = SpeedMeter(1, peak_flops)
        self._attention_backend = LENGTH_GROUPS

    @property
    def seconds(self) -> float:
        """Seconds of the training loop, over all parts of an interrupted run."""
        return self._earlier_seconds + (time.monotonic() - self._started if self._started else 0.0)

    def pause(self, seconds: float) -> None:
        """Leave a time out in which nothing was trained: of the seconds of the training loop, rates and time left."""
        self._started += seconds
        for clock in (self._since_log, self._since_line, self._progress):
            if clock is not None:
                clock.pause(seconds)

    def train_dataloader(self) -> Stream[MicroBatch]:
        trainer = self.trainer
        return Stream(lambda: self.make_loader(trainer.global_step, trainer.global_rank, trainer.world_size))

    def transfer_batch_to_device(self, batch: MicroBatch, device: torch.device, dataloader_idx: int) -> DeviceBatch:
        layout = self.model.layout_of(batch, self._attention_backend)
        flops = training_flops(self._size, _work(batch, self.model))
        if device.type == "cpu":
            return batch, layout, flops
        return batch.to(device, non_blocking=True), layout.to(device), flops

    def on_train_start(self) -> None:
        self._started = time.monotonic()
        if self.say is not None and self.trainer.is_global_zero:
            first_step = self.trainer.global_step
            self._progress = ProgressLine(self.say, max_steps=self.options.max_steps, first_step=first_step)
        self._attention_backend = self.model.attention_backend(self.device, str(self.trainer.precision))
        self._since_log, self._since_line = self._new_meter(), self._new_meter()

    def training_step(self, batch: DeviceBatch, batch_index: int) -> Tensor:
        micro_batch, layout, flops = batch
        if self._dropout_key is not None:
            number = batch_index * self.trainer.world_size + self.trainer.global_rank
            seed_step(self.device, int(draw64(self._dropout_key, np.full(1, number, np.uint64))[0]))
        losses = update_share(self.model.loss_sums(micro_batch, layout), micro_batch)
        self._window.add(losses)
        self.mlm_losses.add(losses.mlm)
        for meter in (self._since_log, self._since_line):
            meter.add(micro_batch.num_tokens, len(micro_batch.input_ids), flops)
        if ends_update(self.trainer):
            self._window.num_updates += 1
            self.num_predictions += micro_batch.num_update_predictions
        # Lightning divides by the accumulation, and averages gradients over ranks; the share is a sum's already
        loss = losses.weighted(self.options.pair_loss_weight)
        return loss * (self.trainer.accumulate_grad_batches * self.trainer.world_size)

    def configure_optimizers(self):
        options = self.options
        groups = parameter_groups(self.model, options.weight_decay, options.decay_all)
        return self.adamw(groups, options.learning_rate, options.warmup_steps, options.scheduled_steps)

    def on_train_batch_end(self, outputs: Any, batch: DeviceBatch, batch_index: int) -> None:
        if not ends_update(self.trainer):
            return
        step, window = self.trainer.global_step, self._window
        self._close_block(step)
        if self._progress is not None and self._progress.is_due(step):
            # other ranks' losses are not waited for: this rank's share stands for theirs
            loss = float(window.mlm + window.pair) / window.num_updates * self.trainer.world_size
            self._progress.show(step, loss, self._since_line.speed())
            self._since_line = self._new_meter()
        if step % self.log_every == 0 or step == self.options.max_steps:
            self._log(step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if self._window.num_updates:  # none where the curves were logged just now
            self._stop_if_diverged(sum(self._mean_losses()))
        if not is_finite_state(self.trainer):
            self._stop_if_diverged(math.nan)
        self._close_block(self.trainer.global_step)  # saved before the hook that ends an update here
        (open_sum,) = self._over_ranks(self.mlm_losses.sum)
        checkpoint["pretraining"] = {
            "num_predictions": self.num_predictions,
            "seconds": self.seconds,
            "mlm_losses": self.mlm_losses.state(open_sum),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        saved = checkpoint["pretraining"]
        self.num_predictions, self._earlier_seconds = saved["num_predictions"], saved["seconds"]
        self.mlm_losses.load(saved["mlm_losses"], is_first_rank=self.trainer.is_global_zero)
        place_after(checkpoint, self.trainer.accumulate_grad_batches)

    def on_train_end(self) -> None:
        self._earlier_seconds, self._started = self.seconds, 0.0

    def _close_block(self, step: int) -> None:
        if self.mlm_losses.is_due(step):
            (total,) = self._over_ranks(self.mlm_losses.sum)
            self.mlm_losses.close(total, step)

    def _mean_losses(self) -> tuple[float, float]:
        """Return the mean losses of the window, MLM and pairs, over all ranks."""
        window = self._window
        mlm_loss, pair_loss = self._over_ranks(window.mlm, window.pair)
        return mlm_loss / window.num_updates, pair_loss / window.num_updates

    def _over_ranks(self, *values: Tensor | float) -> list[float]:
        """Return the sums of this rank's values with those of all others."""
        device = "cpu" if self.device.type == "mps" else self.device  # mps has no float64, and is one device
        sums = torch.tensor([float(value) for value in values], dtype=torch.float64, device=device)
        summed: list[float] = self.trainer.strategy.reduce(sums, reduce_op="sum").tolist()
        return summed

    def _log(self, step: int) -> None:
        """Log the means over the updates since the last time; raise DivergedError if they say so."""
        mlm_loss, pair_loss = self._mean_losses()
        self._stop_if_diverged(mlm_loss + pair_loss)
        self._window = _Window()
        speed, self._since_log = self._since_log.speed(), self._new_meter()
        if self.on_progress is not None and self.trainer.is_global_zero:
            self.on_progress(step, mlm_loss + pair_loss, speed.tokens_per_second)
        if self.logger is None:
            return
        options = self.options
        metrics = {
            "mlm_loss": mlm_loss,
            "learning_rate": options.learning_rate
            * learning_rate_factor(step - 1, options.warmup_steps, options.scheduled_steps),
            "tokens_per_second": speed.tokens_per_second,
            "padding_share": speed.padding,
        }
        if speed.mfu is not None:
            metrics["mfu"] = speed.mfu
        if self.model.predicts_pairs:
            metrics["pair_loss"] = pair_loss
        self.logger.log_metrics({f"pretraining/{name}": value for name, value in metrics.items()}, step=step)

    def _new_meter(self) -> SpeedMeter:
        return SpeedMeter(self.trainer.world_size, self.peak_flops)

    def _stop_if_diverged(self, loss: float) -> None:
        if not loss <= _DIVERGED_FACTOR * math.log(self.model.hf.config.vocab_size):  # NaN is not
            options = self.options
            raise DivergedError(
                f"pretraining: the loss is {loss:.4g} by update {self.trainer.global_step}, diverged; lower "
                f"pretraining.learning_rate={options.learning_rate} or raise "
                f"pretraining.warmup_ratio={options.warmup_ratio} (the same command ends here again)"
            )


def _work(batch: MicroBatch, model: PretrainingModel) -> Work:
    """Return what the model does for the real tokens of a micro-batch on CPU: padding comes after them, and is not
    predicted."""
    offsets = batch.piece_offsets.numpy() if model.confines_attention else batch.sequence_offsets.numpy()
    attended = np.diff(offsets[offsets <= batch.num_tokens])
    num_pairs = len(attended) if model.predicts_pairs else 0  # pairs are never confined
    num_masked = int((batch.masked_positions < batch.num_tokens).sum())
    return Work(batch.num_tokens, float(attended @ attended), num_masked, num_pairs)
