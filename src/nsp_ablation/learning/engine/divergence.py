"""A training that diverged: said by every rank at once, so that all of them end alike."""

import math

import pytorch_lightning as pl
import torch
from torch import Tensor


class DivergedError(ValueError):
    """A loss or a weight that is no finite number, or a loss far above that of a model that knows nothing."""


def has_diverged(loss: float, limit: float) -> bool:
    """Whether a mean loss is not finite or above `limit`."""
    return not math.isfinite(loss) or loss > limit


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
