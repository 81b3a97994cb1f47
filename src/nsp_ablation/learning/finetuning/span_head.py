"""The head of span question answering, with an answerability classifier for SQuAD 2.0 (section 5, Liu et al. 2019)."""

# B windows, L positions, D hidden

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.span_qa import IGNORED_LABEL
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "SpanHead":
    """Return the head of a task, its weights not yet drawn."""
    return SpanHead(hidden_size, task.unanswerable, task.max_answer_tokens)


def decode(examples: list[SpanExample], features: Features, outputs: dict[str, np.ndarray]) -> list[str]:
    """Return each example's answer: the best-scored span over its windows, of those that `answerable` does not deny.

    outputs as `SpanHead.outputs`, (N,) each. An example all of whose windows are denied has the empty answer.
    """
    assert features.characters is not None
    score = np.where(outputs["answerable"] >= 0, outputs["score"], -np.inf)
    borders = np.searchsorted(features.example, np.arange(len(examples) + 1))
    answers = []
    for number, example in enumerate(examples):
        window = int(borders[number] + score[borders[number] : borders[number + 1]].argmax())
        if score[window] == -np.inf:
            answers.append("")
            continue
        first, last = features.offsets[window] + np.array([outputs["start"][window], outputs["end"][window]])
        start, end = features.characters[first, 0], features.characters[last, 1]
        answers.append(example.context[start:end].strip())
    return answers


class SpanHead(nn.Module):
    """Start and end of the answer from every token; with `unanswerable`, whether there is one from the first."""

    def __init__(self, hidden_size: int, unanswerable: bool, max_answer_tokens: int):
        super().__init__()
        self.max_answer_tokens = max_answer_tokens
        self.span = nn.Linear(hidden_size, 2)
        self.answerable = nn.Linear(hidden_size, 1) if unanswerable else None

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean of start and end cross-entropy over windows with a target, plus the mean answerability
        cross-entropy (SQuAD 2.0): "trained jointly by summing the losses"."""
        start_BL, end_BL = self._logits(hidden_BLD, batch)
        targets = (batch["start_positions"], batch["end_positions"])
        summed = sum(
            functional.cross_entropy(logits, target, ignore_index=IGNORED_LABEL, reduction="sum")
            for logits, target in zip((start_BL, end_BL), targets, strict=True)
        )
        # a batch of unanswerable questions alone has no span target
        loss = summed / 2 / (targets[0] != IGNORED_LABEL).sum().clamp(min=1)
        if self.answerable is not None:
            logits_B = self.answerable(first_BD).squeeze(-1).float()
            loss = loss + functional.binary_cross_entropy_with_logits(
                logits_B, batch["is_answerable"].to(logits_B.dtype)
            )
        return loss

    def outputs(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Return each window's best span, `start` and `end` (B,), its `score` (sum of logits), and the logit
        `answerable` (0 without that classifier)."""
        start_BL, end_BL = self._logits(hidden_BLD, batch)
        columns = torch.arange(start_BL.shape[1], device=start_BL.device)
        may_start = (columns >= batch["start_low"][:, None]) & (columns < batch["start_high"][:, None])
        may_end = (columns >= batch["context_start"][:, None]) & (columns < batch["context_end"][:, None])
        length = columns[None, :] - columns[:, None]
        is_span = may_start[:, :, None] & may_end[:, None, :] & (length >= 0) & (length < self.max_answer_tokens)
        score_BLL = (start_BL[:, :, None] + end_BL[:, None, :]).masked_fill(~is_span, -torch.inf)
        score, best = score_BLL.flatten(1).max(dim=1)
        answerable = torch.zeros_like(score)
        if self.answerable is not None:
            answerable = self.answerable(first_BD).squeeze(-1).float()
        num_columns = len(columns)
        return {"start": best // num_columns, "end": best % num_columns, "score": score, "answerable": answerable}

    def _logits(self, hidden_BLD: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logits_BLS = self.span(hidden_BLD).float()
        logits_BLS = logits_BLS.masked_fill(batch["attention_mask"][:, :, None] == 0, torch.finfo(torch.float32).min)
        return logits_BLS[..., 0], logits_BLS[..., 1]
