"""The head of classification and multiple choice: one layer on the first token (Liu et al. 2019, section 5)."""

# B samples, S sequences, L tokens of them, D hidden, C classes of a text, or options of the question that has most

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.finetuning.task_batches import TaskBatch, at_least_single
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

    Of multiple choice, a sequence is one option, question by question. An option that a question lacks scores -inf.
    """

    def __init__(self, hidden_size: int, num_scores: int):
        super().__init__()
        self.classes = nn.Linear(hidden_size, num_scores)

    def loss(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> Tensor:
        """Return the batch's share of the mean cross-entropy."""
        scores_BC, labels_B = self._scores_BC(first_SD, batch), batch.targets["labels"]
        return batch.share(functional.cross_entropy(scores_BC, labels_B, reduction="sum"), "labels")

    def outputs(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> dict[str, Tensor]:
        """Return the predicted class or option `label` (B,)."""
        return {"label": self._scores_BC(first_SD, batch).argmax(dim=1)}

    def _scores_BC(self, first_SD: Tensor, batch: TaskBatch) -> Tensor:
        scores = at_least_single(self.classes(first_SD))
        if (options := batch.options) is None:
            return scores
        shape = len(batch.targets["labels"]), options.num_columns
        if options.slots is None:
            return scores.view(shape)
        # An option that a question lacks has no sequence: neither dropout nor the encoder know how many others have.
        filled = scores.new_full((shape[0] * shape[1],), -torch.inf).index_copy(0, options.slots, scores[:, 0])
        return filled.view(shape)
