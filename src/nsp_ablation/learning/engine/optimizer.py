"""Optimization: which parameters decay, and how the learning rate moves."""

from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


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
