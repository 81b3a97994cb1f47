"""The head of classification: one layer on the first token (GLUE: MNLI, SST-2)."""

# B samples, L positions, D hidden, C classes

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.tasks.examples import TextExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "ClassificationHead":
    """Return the head of a task, its weights not yet drawn."""
    return ClassificationHead(hidden_size, len(task.labels))


def decode(examples: list[TextExample], features: Features, outputs: dict[str, np.ndarray]) -> list[int]:
    """Return each example's class number."""
    return outputs["label"].tolist()


class ClassificationHead(nn.Module):
    """One linear layer on the pooled first token."""

    def __init__(self, hidden_size: int, num_labels: int):
        super().__init__()
        self.classes = nn.Linear(hidden_size, num_labels)

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(self.classes(first_BD).float(), batch["labels"])

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the predicted class `label` (B,)."""
        return {"label": self.classes(first_BD).argmax(dim=1)}
