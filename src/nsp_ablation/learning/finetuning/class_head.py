"""The head of classification and multiple choice: one layer on the first token (Liu et al. 2019, section 5)."""

# B samples, R sequences, L positions, D hidden, C classes of a text, or options of the question that has most

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.tasks.examples import ChoiceExample, TextExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "ClassificationHead":
    """Return the head of a task, its weights not yet drawn: a score for each class, or one for an option."""
    return ClassificationHead(hidden_size, len(task.labels) or 1)


def decode(
    examples: list[TextExample] | list[ChoiceExample], features: Features, outputs: dict[str, np.ndarray]
) -> list[int]:
    """Return the number of each example's class or chosen option."""
    return outputs["label"].tolist()


class ClassificationHead(nn.Module):
    """One linear layer on the pooled first token; the classes of a text compete, or the options of a question.

    Of multiple choice, `first_BD` is (R, D): a row per option, question by question. An option that a question lacks
    scores -inf.
    """

    def __init__(self, hidden_size: int, num_scores: int):
        super().__init__()
        self.classes = nn.Linear(hidden_size, num_scores)

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy."""
        return functional.cross_entropy(self._scores_BC(first_BD, batch), batch["labels"])

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the predicted class or option `label` (B,)."""
        return {"label": self._scores_BC(first_BD, batch).argmax(dim=1)}

    def _scores_BC(self, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        scores = self.classes(first_BD).float()
        if (num_options_B := batch.get("num_options")) is None:
            return scores
        # An option that a question lacks has no sequence: neither dropout nor the encoder know how many others have.
        is_option_BC = torch.arange(int(num_options_B.max()), device=scores.device) < num_options_B[:, None]
        padded_BC = scores.new_full(is_option_BC.shape, -torch.inf)
        return padded_BC.masked_scatter(is_option_BC, scores)
