"""The head of span question answering, with an answerability classifier for SQuAD 2.0 (section 5, Liu et al. 2019)."""

# S windows, L tokens of them, D hidden, A tokens of the longest answer

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.finetuning.task_batches import TaskBatch, at_least_single
from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.features import IGNORED_LABEL, Features
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

    def loss(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> Tensor:
        """Return the batch's share of the mean of start and end cross-entropy over windows with a target, plus that of
        the mean answerability cross-entropy (SQuAD 2.0): "trained jointly by summing the losses"."""
        logits_L2 = at_least_single(self.span(hidden_LD))
        targets_S2 = torch.stack([batch.targets["start_positions"], batch.targets["end_positions"]], dim=1)
        losses_S2 = token_cross_entropy(logits_L2, batch.inputs.sequence_offsets, targets_S2)
        loss = batch.share(losses_S2.sum() / 2, "start_positions")
        if self.answerable is not None:
            logits_S, labels_S = at_least_single(self.answerable(first_SD)[:, 0]), batch.targets["is_answerable"]
            summed = functional.binary_cross_entropy_with_logits(logits_S, labels_S.to(logits_S.dtype), reduction="sum")
            loss = loss + batch.share(summed, "is_answerable")
        return loss

    def outputs(self, hidden_LD: Tensor, first_SD: Tensor, batch: TaskBatch) -> dict[str, Tensor]:
        """Return each window's best span, `start` and `end` (S,), its `score` (sum of logits), and the logit
        `answerable` (0 without that classifier)."""
        start_L, end_L = at_least_single(self.span(hidden_LD)).unbind(1)
        start, end, score = best_spans(start_L, end_L, batch, self.max_answer_tokens)
        answerable = torch.zeros_like(score)
        if self.answerable is not None:
            answerable = at_least_single(self.answerable(first_SD)[:, 0])
        return {"start": start, "end": end, "score": score, "answerable": answerable}


def token_cross_entropy(logits_LC: Tensor, offsets: Tensor, targets_SC: Tensor) -> Tensor:
    """Return -log softmax (S, C) of each window's target among its own tokens, 0 where that is IGNORED_LABEL.

    Window s is the tokens [offsets[s], offsets[s + 1]), none of them empty; targets are positions in it. Each of C
    columns is a softmax of its own.
    """
    shape, window_L = targets_SC.shape, _window_of(offsets, len(logits_LC))
    index_LC = window_L[:, None].expand_as(logits_LC)
    greatest = logits_LC.new_full(shape, -torch.inf).scatter_reduce(0, index_LC, logits_LC.detach(), "amax")
    exponentials = (logits_LC - greatest.index_select(0, window_L)).exp()
    normalizer = logits_LC.new_zeros(shape).index_add(0, window_L, exponentials).log() + greatest
    is_ignored = targets_SC == IGNORED_LABEL
    at = offsets[:-1, None] + targets_SC.masked_fill(is_ignored, 0)
    return (normalizer - logits_LC.gather(0, at)).masked_fill(is_ignored, 0.0)


def best_spans(
    start_L: Tensor, end_L: Tensor, batch: TaskBatch, max_answer_tokens: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best span of each window, its first and last position in the window and the sum of their logits (S,).

    It starts in [start_low, start_high), lies in the context and has at most `max_answer_tokens`; of equal sums the
    first start wins, then the first end. A window without any has 0, 0 and -inf.
    """
    offsets, position_L = batch.inputs.sequence_offsets, batch.inputs.position_ids
    num_tokens = len(start_L)
    window_L = _window_of(offsets, num_tokens)
    low, high, first, end = (
        batch.targets[name].index_select(0, window_L)
        for name in ("start_low", "start_high", "context_start", "context_end")
    )
    width_A = torch.arange(max_answer_tokens, device=start_L.device)
    last_LA = position_L[:, None] + width_A
    is_span_LA = ((position_L >= low) & (position_L < high))[:, None]
    is_span_LA = is_span_LA & (last_LA >= first[:, None]) & (last_LA < end[:, None])
    token_L = torch.arange(num_tokens, device=start_L.device)
    ends_LA = end_L[(token_L[:, None] + width_A).clamp(max=num_tokens - 1)]
    score_L, best_width_L = (start_L[:, None] + ends_LA).masked_fill(~is_span_LA, -torch.inf).max(dim=1)
    score_S = score_L.new_full((len(offsets) - 1,), -torch.inf).scatter_reduce(0, window_L, score_L, "amax")
    is_best_L = (score_L == score_S.index_select(0, window_L)) | score_L.isnan()
    first_S = torch.full_like(offsets[:-1], num_tokens)
    best_S = first_S.scatter_reduce(0, window_L, torch.where(is_best_L, token_L, num_tokens), "amin")
    start_S = best_S - offsets[:-1]
    return start_S, start_S + best_width_L.index_select(0, best_S), score_S


def _window_of(offsets: Tensor, num_tokens: int) -> Tensor:
    """Return the window of each token (L,); with `num_tokens` known, a GPU is not waited for."""
    number = torch.arange(len(offsets) - 1, device=offsets.device)
    return number.repeat_interleave(offsets.diff(), output_size=num_tokens)
