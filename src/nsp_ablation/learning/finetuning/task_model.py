"""An encoder with a task's head on it; the head of a kind is a module of this package, named in `TASK_KINDS`."""

# B sequences, L positions, D hidden

from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions


class Head(Protocol):
    """What stands on the encoder: hidden_BLD of every token and first_BD, pooled from the first, of a padded batch."""

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the loss of the batch, a scalar."""

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
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

    def __init__(self, encoder: PreTrainedModel, head: nn.Module):
        super().__init__()
        config: Any = encoder.config
        self.encoder: nn.Module = encoder
        self.head: Any = head  # a `Head`
        has_pooler = getattr(encoder, "pooler", None) is not None
        self.pooler = None if has_pooler else nn.Linear(config.hidden_size, config.hidden_size)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        for module in (head, self.pooler):
            for layer in module.modules() if module is not None else ():
                if isinstance(layer, nn.Linear):
                    nn.init.normal_(layer.weight, std=config.initializer_range)
                    nn.init.zeros_(layer.bias)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Return the task's loss on one batch."""
        return self.head.loss(*self._encode(batch), batch)

    def outputs(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the head's predictions on one batch."""
        return self.head.outputs(*self._encode(batch), batch)

    def _encode(self, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        names = ("input_ids", "attention_mask", "token_type_ids")
        encoded = self.encoder(**{name: batch[name] for name in names if name in batch})
        hidden_BLD = encoded.last_hidden_state
        if self.pooler is None:
            first_BD = encoded.pooler_output
        else:
            first_BD = torch.tanh(self.pooler(self.dropout(hidden_BLD[:, 0])))
        return hidden_BLD, self.dropout(first_BD)
