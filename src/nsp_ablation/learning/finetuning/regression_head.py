"""The head of regression: one number from the first token, fitted by squared error (GLUE: STS-B)."""

# B samples of one sequence, L tokens of them, D hidden

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.finetuning.task_batches import TaskBatch, at_least_single
from nsp_ablation.learning.tasks.examples import RatedExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "RegressionHead":
    """Return the head of a task, its weights not yet drawn."""
    return RegressionHead(hidden_size, task.max_label)


def decode(examples: list[RatedExample], features: Features, outputs: dict[str, np.ndarray]) -> list[float]:
    """Return each example's number."""
    return outputs["number"].tolist()


class RegressionHead(nn.Module):
    """One linear layer on the pooled first token, which tells the share of `max_label`."""

    def __init__(self, hidden_size: int, max_label: float):
        super().__init__()
        self.max_label = max_label
        self.number = nn.Linear(hidden_size, 1)

    def loss(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> Tensor:
        """Return the batch's share of the mean squared error."""
        squares = functional.mse_loss(self._shares(first_SD), batch.targets["labels"], reduction="sum")
        return batch.share(squares, "labels")

    def outputs(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> dict[str, Tensor]:
        """Return the predicted `number` (B,), on the labels' scale; it may lie outside of it."""
        return {"number": self._shares(first_SD) * self.max_label}

    def _shares(self, first_SD: Tensor) -> Tensor:
        return at_least_single(self.number(first_SD)[:, 0])
