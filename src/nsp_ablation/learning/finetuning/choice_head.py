"""The head of multiple choice: one layer on the first token of each option (RACE; Liu et al. 2019, section 5)."""

# B samples, C options, L positions, D hidden

import numpy as np
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.tasks.examples import ChoiceExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "MultipleChoiceHead":
    """Return the head of a task, its weights not yet drawn."""
    return MultipleChoiceHead(hidden_size)


def decode(examples: list[ChoiceExample], features: Features, outputs: dict[str, np.ndarray]) -> list[int]:
    """Return the number of each example's chosen option."""
    return outputs["label"].tolist()


class MultipleChoiceHead(nn.Module):
    """A score per option from its pooled first token; the options of a question compete."""

    def __init__(self, hidden_size: int):
        super().__init__()
        self.option = nn.Linear(hidden_size, 1)

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean cross-entropy over options."""
        return functional.cross_entropy(self._scores_BC(first_BD, batch), batch["labels"])

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return the chosen option `label` (B,)."""
        return {"label": self._scores_BC(first_BD, batch).argmax(dim=1)}

    def _scores_BC(self, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        return self.option(first_BD).float().view(len(batch["labels"]), -1)
