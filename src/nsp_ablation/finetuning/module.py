"""The LightningModule of fine-tuning."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from torch import Tensor

from nsp_ablation.finetuning.model import TaskModel
from nsp_ablation.training.optimizer import linear_schedule, parameter_groups

# BERT's (Devlin et al. 2019, A.2), in which section 4 is fine-tuned; RoBERTa's LARGE has .98
BETAS, EPSILON = (0.9, 0.999), 1e-6


@dataclass(frozen=True)
class Optimization:
    """AdamW's settings; `gradient_clip` 0 is none, `warmup_ratio` a share of the `max_steps` updates."""

    learning_rate: float
    weight_decay: float
    warmup_ratio: float
    gradient_clip: float
    max_steps: int


class FinetuningModule(pl.LightningModule):
    """AdamW with linear warm-up and decay; bias and LayerNorm are spared from weight decay.

    `on_progress(step, max_steps, loss)` is called every `progress_every` steps and after the last. Nothing is logged
    on other steps: reading the loss costs more than a small model's step.
    """

    def __init__(
        self,
        model: TaskModel,
        optimization: Optimization,
        metric_prefix: str,
        on_progress: Callable[[int, int, float], None] | None,
        progress_every: int,
    ):
        super().__init__()
        self.model, self.optimization = model, optimization
        self.metric_prefix, self.on_progress, self.progress_every = metric_prefix, on_progress, progress_every

    def training_step(self, batch: dict[str, Tensor], batch_index: int) -> Tensor:
        return self.model.loss(batch)

    def predict_step(self, batch: dict[str, Tensor], batch_index: int) -> dict[str, Tensor]:
        return self.model.outputs(batch)

    def configure_optimizers(self):
        settings = self.optimization
        groups = parameter_groups(self.model, settings.weight_decay, decay_all=False)
        # a gradient scaler cannot unscale for clipping inside a fused step
        fused = self.trainer.precision != "16-mixed"
        optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate, betas=BETAS, eps=EPSILON, fused=fused)
        schedule = linear_schedule(optimizer, round(settings.warmup_ratio * settings.max_steps), settings.max_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None) -> None:
        if self.optimization.gradient_clip > 0:
            # the optimizer's lists: walking a small model's modules each step costs as much as a tenth of the step
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, self.optimization.gradient_clip)

    def on_train_batch_end(self, outputs, batch, batch_index: int) -> None:
        step, max_steps = batch_index + 1, self.optimization.max_steps
        if step % self.progress_every and step != max_steps:
            return
        loss = float(outputs["loss"])
        if not math.isfinite(loss):
            raise ValueError(
                f"{self.metric_prefix}: the loss is {loss} at step {step}; lower the learning rate "
                f"({self.optimization.learning_rate}) or raise warmup_ratio"
            )
        if self.on_progress is not None:
            self.on_progress(step, max_steps, loss)
        if self.logger is not None:
            self.logger.log_metrics({f"{self.metric_prefix}/loss": loss}, step=step)
