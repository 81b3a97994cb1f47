"""An encoder with a task's head on it; the head of a kind is a module of this package, named in `TASK_KINDS`."""

# S sequences, L tokens of them, D hidden

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn

from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.finetuning.task_batches import TaskBatch
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions


class Head(Protocol):
    """What stands on the encoder: hidden_LD of every token of a batch and first_SD, pooled from each sequence's first.

    A batch may be a part of its update, or hold no sequence at all.
    """

    def loss(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> Tensor:
        """Return the batch's share (`batch.share`) of the update's mean loss, a scalar."""

    def outputs(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> dict[str, Tensor]:
        """Return what `decode` needs, each (number of samples,)."""


class HeadKind(Protocol):
    """The module of a kind's head, a `Head`."""

    def make_head(self, hidden_size: int, task: TaskOptions) -> nn.Module:
        """Return a new `Head`."""

    def decode(self, examples: list[Any], features: Features, outputs: dict[str, np.ndarray]) -> list[Any]:
        """Return one prediction per example from the head's outputs over all samples, as the kind scores them."""


def head_kind(task: TaskOptions) -> HeadKind:
    """Return the head of a fine-tuned task's kind."""
    module = TASK_KINDS[task.kind].head_module
    assert module is not None, f"tasks.{task.name}.kind={task.kind} is not fine-tuned"
    return cast(HeadKind, import_module(module))


class TaskModel(nn.Module):
    """Encoder, pooler of the first token and head (a `Head`).

    The pooler is the encoder's own where it has kept one (`finetuning.pooler=pretrained`), else a new dense tanh
    layer in every arm, as RoBERTa's classification heads have (fidelity row 19). New layers are drawn from torch's
    global generator: normal with the encoder's standard deviation, zero bias.
    """

    def __init__(self, encoder: FlatEncoder, head: nn.Module):
        super().__init__()
        config: Any = encoder.hf.config
        self.encoder = encoder
        self.head: Any = head  # a `Head`
        self.pooler = None if encoder.has_pooler else nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        for module in (head, self.pooler):
            for layer in module.modules() if module is not None else ():
                if isinstance(layer, nn.Linear):
                    nn.init.normal_(layer.weight, std=config.initializer_range)
                    nn.init.zeros_(layer.bias)

    def loss(self, batch: TaskBatch) -> Tensor:
        """Return the batch's share of its update's mean loss."""
        return self.head.loss(*self._pooled(batch, *self.encoder(batch.inputs, batch.layout)), batch)

    def outputs(self, batch: TaskBatch) -> dict[str, Tensor]:
        """Return the head's predictions on one batch."""
        # `forward` itself: a compiled encoder would be compiled anew without gradients
        return self.head.outputs(*self._pooled(batch, *self.encoder.forward(batch.inputs, batch.layout)), batch)

    def _pooled(self, batch: TaskBatch, hidden_LD: Tensor, first_SD: Tensor | None) -> tuple[Tensor, Tensor]:
        if first_SD is None:
            assert self.pooler is not None
            first_SD = hidden_LD.index_select(0, batch.inputs.sequence_offsets[:-1])
            first_SD = torch.tanh(self.pooler(self.dropout(first_SD)))
        return hidden_LD, self.dropout(first_SD)
