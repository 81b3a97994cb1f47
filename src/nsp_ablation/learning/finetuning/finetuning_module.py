"""The LightningModule of fine-tuning."""

import math
import time
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.engine.resume import ends_update, place_after
from nsp_ablation.learning.engine.step_seed import seed_step
from nsp_ablation.learning.engine.training import DivergedError, TrainingModule, is_finite_state, parameter_groups
from nsp_ablation.learning.finetuning.task_batches import TaskBatch
from nsp_ablation.learning.finetuning.task_model import TaskModel
from nsp_ablation.options.finetuning_options import FinetuningOptions, Recipe


class FinetuningModule(TrainingModule):
    """AdamW with linear warm-up and decay; bias and LayerNorm are spared from weight decay.

    `on_progress(step, max_steps, loss)` is called every `progress_every` steps and after the last. Nothing is logged
    on other steps: reading the loss costs more than a small model's step. Dropout is drawn by (seed, micro-batch), so
    that a checkpoint needs no generator's state.
    """

    options: FinetuningOptions

    def __init__(
        self,
        model: TaskModel,
        finetuning: FinetuningOptions,
        recipe: Recipe,
        task: str,
        max_steps: int,
        seed: int,
        on_progress: Callable[[int, int, float], None] | None,
        progress_every: int,
    ):
        super().__init__()
        self.model, self.options, self.recipe = model, finetuning, recipe
        self.max_steps, self.metric_prefix = max_steps, f"finetuning/{task}"
        self.on_progress, self.progress_every = on_progress, progress_every
        self._dropout_key = np.full(1, epoch_key(seed, stream("finetuning/dropout"), 0))
        self.earlier_seconds, self._started = 0.0, time.perf_counter()
        self._loss: Tensor | float = 0.0  # of the update at hand, so far

    def on_train_start(self) -> None:
        self._started = time.perf_counter()

    def transfer_batch_to_device(self, batch: TaskBatch, device: torch.device, dataloader_idx: int) -> TaskBatch:
        return batch if device.type == "cpu" else batch.to(device)

    def training_step(self, batch: TaskBatch, batch_index: int) -> Tensor:
        seed_step(self.device, int(draw64(self._dropout_key, np.full(1, batch_index, np.uint64))[0]))
        loss, accumulation = self.model.loss(batch), self.trainer.accumulate_grad_batches
        self._loss = self._loss + loss.detach()
        # Lightning divides by the accumulation; the share is a sum's already
        return loss if accumulation == 1 else loss * accumulation

    def predict_step(self, batch: TaskBatch, batch_index: int) -> dict[str, Tensor]:
        return self.model.outputs(batch)

    def configure_optimizers(self):
        groups = parameter_groups(self.model, self.recipe.weight_decay, decay_all=False)
        warmup_steps = round(self.options.warmup_ratio * self.max_steps)
        return self.adamw(groups, self.recipe.learning_rate, warmup_steps, self.max_steps)

    def on_train_batch_end(self, outputs: Any, batch: TaskBatch, batch_index: int) -> None:
        if not ends_update(self.trainer):
            return
        step, max_steps, summed = self.trainer.global_step, self.max_steps, self._loss
        self._loss = 0.0
        if step % self.progress_every and step != max_steps:
            return
        loss = float(summed)
        if not math.isfinite(loss):
            self._refuse(loss, step)
        if self.on_progress is not None:
            self.on_progress(step, max_steps, loss)
        if self.logger is not None:
            self.logger.log_metrics({f"{self.metric_prefix}/loss": loss}, step=step)

    def on_train_end(self) -> None:
        if not is_finite_state(self.trainer):
            self._refuse(math.nan, self.trainer.global_step)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        if not is_finite_state(self.trainer):
            self._refuse(math.nan, self.trainer.global_step)
        checkpoint["finetuning"] = {"seconds": self.earlier_seconds + time.perf_counter() - self._started}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.earlier_seconds = checkpoint["finetuning"]["seconds"]
        place_after(checkpoint, self.trainer.accumulate_grad_batches)

    def _refuse(self, loss: float, step: int) -> NoReturn:
        raise DivergedError(
            f"{self.metric_prefix}: the loss is {loss} at step {step}, diverged; lower the learning rate "
            f"({self.recipe.learning_rate}) or raise warmup_ratio (the same command ends here again)"
        )
