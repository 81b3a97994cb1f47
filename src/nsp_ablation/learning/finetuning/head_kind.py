"""What the head of a kind of task is: a module of this package, named in `TASK_KINDS`."""

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
from torch import Tensor, nn

from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

# B sequences, L positions, D hidden


class Head(Protocol):
    """What stands on the encoder: hidden_BLD of every token and first_BD, pooled from the first, of a padded batch."""

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the loss of the batch, a scalar."""

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return what `decode` needs, each (number of samples,)."""


class HeadKind(Protocol):
    """The module of a kind's head."""

    def make_head(self, hidden_size: int, task: TaskOptions) -> nn.Module:
        """Return a new `Head`."""

    def decode(self, examples: list[Any], features: Features, outputs: dict[str, np.ndarray]) -> list[Any]:
        """Return one prediction per example from the head's outputs over all samples, as the kind scores them."""


def head_kind(task: TaskOptions) -> HeadKind:
    """Return the head of a fine-tuned task's kind."""
    module = TASK_KINDS[task.kind].head_module
    assert module is not None, f"tasks.{task.name}.kind={task.kind} is not fine-tuned"
    return cast(HeadKind, import_module(module))
