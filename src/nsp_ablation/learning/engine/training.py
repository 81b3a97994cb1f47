"""What both trainings share: the Trainer's settings, the optimizer, its schedule and clipping, and divergence."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.options.finetuning_options import FinetuningOptions
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.options.trainer_options import TrainerOptions


class DivergedError(InputError):
    """A loss or a weight that is no finite number, or a loss far above that of a model that knows nothing.

    Raised by every rank at once, so that all of them end alike.
    """


def one_epoch_trainer(trainer: TrainerOptions, **parts: Any) -> pl.Trainer:
    """Return a silent trainer of one epoch, which saves nothing by itself; `parts` are further keywords.

    `devices=1` is this process' own device, which another rank's need not be. Raises InputError for a device that is
    not there.
    """
    device = torch_device(trainer)
    if device.type == "cuda":
        _drop_as_asked()
        if parts["devices"] == 1:
            parts["devices"] = [torch.cuda.current_device()]
    return pl.Trainer(
        accelerator=device.type,
        precision=trainer.precision,  # type: ignore[arg-type]
        max_epochs=1,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        **parts,
    )


def _drop_as_asked() -> None:
    """Keep attention from cuDNN where that rounds dropout to sixteenths, silently: before torch 2.12 (pytorch#174245).

    Torch chooses it by itself on Hopper for padded batches; the operators for sequences end to end do not end there.
    """
    if torch.__version__ < "2.12":
        torch.backends.cuda.enable_cudnn_sdp(False)


def parameter_groups(model: nn.Module, weight_decay: float, decay_all: bool) -> list[dict[str, Any]]:
    """Return AdamW's groups of the parameters that train.

    Biases and LayerNorm weights (all that has fewer than two dimensions) are spared from weight decay, as in BERT's
    code, unless `decay_all` (fidelity row 21). An empty group is left out.
    """
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in parameters if decay_all or parameter.ndim > 1]
    spared = [parameter for parameter in parameters if not decay_all and parameter.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": spared, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def learning_rate_factor(step: int, warmup_steps: int, max_steps: int) -> float:
    """Return the share of the peak learning rate that update `step` (from 0) of `max_steps` takes.

    Rises linearly to 1, reached by the last of `warmup_steps` updates, then falls linearly towards 0, which would be
    reached one update after the last. No update is spent at 0 (BERT's code spends its first so).
    """
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return max(0, max_steps - step) / max(1, max_steps - warmup_steps)


def linear_schedule(optimizer: Optimizer, warmup_steps: int, max_steps: int) -> LambdaLR:
    """Return the schedule of `learning_rate_factor`, to be stepped once an update."""
    return LambdaLR(optimizer, lambda step: learning_rate_factor(step, warmup_steps, max_steps))


class TrainingModule(pl.LightningModule):
    """AdamW under the linear schedule, with the norm of gradients clipped."""

    options: PretrainingOptions | FinetuningOptions

    def adamw(self, groups: list[dict[str, Any]], learning_rate: float, warmup_steps: int, max_steps: int) -> Any:
        """Return what `configure_optimizers` returns."""
        options, fused = self.options, self.trainer.precision != "16-mixed"
        betas = options.beta1, options.beta2
        # a gradient scaler cannot unscale for clipping inside a fused step
        optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=betas, eps=options.epsilon, fused=fused)
        schedule = linear_schedule(optimizer, warmup_steps, max_steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None) -> None:
        if self.options.gradient_clip > 0:
            # the optimizer's lists: walking a small model's modules each step costs as much as a tenth of the step
            parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, self.options.gradient_clip)


@torch.no_grad()
def is_finite_state(trainer: pl.Trainer) -> bool:
    """Whether all weights and all moments of the optimizers are finite numbers."""
    module = trainer.lightning_module
    tensors: list[Tensor] = [parameter for parameter in module.parameters() if parameter.numel()]
    for optimizer in trainer.optimizers:
        states = optimizer.state.values()
        tensors += [value for state in states for value in state.values() if torch.is_tensor(value) and value.numel()]
    # one number a tensor, put together before it is looked at: on a GPU one wait instead of hundreds
    sums = [tensor.sum(dtype=torch.float32).to(module.device) for tensor in tensors]
    return bool(torch.isfinite(torch.stack(sums)).all())
