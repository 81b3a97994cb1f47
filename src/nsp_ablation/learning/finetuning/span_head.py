"""The head of span question answering, with an answerability classifier for SQuAD 2.0 (section 5, Liu et al. 2019)."""

# S windows, L tokens of them, P tokens of the longest, D hidden, A tokens of the longest answer, N best spans, C scores

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from nsp_ablation.learning.finetuning.task_batches import TaskBatch, at_least_single
from nsp_ablation.learning.tasks.examples import SpanAnswer, SpanExample
from nsp_ablation.learning.tasks.features import IGNORED_LABEL, Features
from nsp_ablation.options.task_options import TaskOptions


def make_head(hidden_size: int, task: TaskOptions) -> "SpanHead":
    """Return the head of a task, its weights not yet drawn."""
    return SpanHead(hidden_size, task.unanswerable, task.max_answer_tokens, task.num_best_spans)


def decode(examples: list[SpanExample], features: Features, outputs: dict[str, np.ndarray]) -> list[SpanAnswer]:
    """Return each example's answer: of the best spans of all its windows the first with a text.

    outputs as `SpanHead.outputs`. Told is the best span of those windows that `answerable` does not deny, and no answer
    where all are denied (Liu et al. 2019, section 5). `best` denies none, as run_squad; an example's probability of no
    answer is the least of its windows, as there the score of the null answer.
    """
    borders = np.searchsorted(features.example, np.arange(len(examples) + 1))
    is_denied = outputs["answerable"] < 0
    none_probability = 1 / (1 + np.exp(outputs["answerable"].astype(np.float64).clip(-700, 700)))  # exp(710) overflows
    answers = []
    for example, first, end in zip(examples, borders[:-1], borders[1:], strict=True):
        windows = np.arange(first, end)
        best = told = _first_text(example, features, outputs, windows)
        if is_denied[windows].any():
            told = _first_text(example, features, outputs, windows[~is_denied[windows]])
        answers.append(SpanAnswer(told, best, float(none_probability[windows].min())))
    return answers


def _first_text(example: SpanExample, features: Features, outputs: dict[str, np.ndarray], windows: np.ndarray) -> str:
    """Return the text of the best span of some windows that has one; empty where none does."""
    assert features.characters is not None
    score = outputs["score"][windows].ravel()
    num_spans = outputs["score"].shape[1]
    for place in np.argsort(-score, kind="stable"):
        if score[place] == -np.inf:
            break
        window, span = windows[place // num_spans], place % num_spans
        first, last = features.offsets[window] + [outputs["start"][window, span], outputs["end"][window, span]]
        text = example.context[features.characters[first, 0] : features.characters[last, 1]].strip()
        if text:
            return text
    return ""


class SpanHead(nn.Module):
    """Start and end of the answer from every token; with `unanswerable`, whether there is one from the first."""

    def __init__(self, hidden_size: int, unanswerable: bool, max_answer_tokens: int, num_best_spans: int):
        super().__init__()
        self.max_answer_tokens, self.num_best_spans = max_answer_tokens, num_best_spans
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
        """Return each window's N best spans, best first, `start` and `end` (S, N), their `score` (sum of logits), and
        the logit `answerable` (S,), 0 without that classifier."""
        start_L, end_L = at_least_single(self.span(hidden_LD)).unbind(1)
        start, end, score = best_spans(start_L, end_L, batch, self.max_answer_tokens, self.num_best_spans)
        answerable = score.new_zeros(len(score))
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
    start_L: Tensor, end_L: Tensor, batch: TaskBatch, max_answer_tokens: int, num_best: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the best spans of each window, best first: their first and last position in the window and the sum of
    their logits (S, N).

    A span starts in [start_low, start_high), lies in the context and has at most `max_answer_tokens`; of equal sums the
    first start wins, then the first end. Where a window has fewer than N, 0, 0 and -inf stand for the others.
    """
    offsets, position_L = batch.inputs.sequence_offsets, batch.inputs.position_ids
    num_tokens, width_A = len(start_L), torch.arange(max_answer_tokens, device=start_L.device)
    window_L = _window_of(offsets, num_tokens)
    low, high, first, end = (
        batch.targets[name].index_select(0, window_L)
        for name in ("start_low", "start_high", "context_start", "context_end")
    )
    last_LA = position_L[:, None] + width_A
    is_span_LA = ((position_L >= low) & (position_L < high))[:, None]
    is_span_LA = is_span_LA & (last_LA >= first[:, None]) & (last_LA < end[:, None])
    token_L = torch.arange(num_tokens, device=start_L.device)
    ends_LA = end_L[(token_L[:, None] + width_A).clamp(max=num_tokens - 1)]
    score_LA = (start_L[:, None] + ends_LA).masked_fill(~is_span_LA, -torch.inf)
    shape = len(offsets) - 1, int(offsets.diff().max()), max_answer_tokens
    score_SPA = score_LA.new_full(shape, -torch.inf).index_put((window_L, position_L), score_LA)
    score_SN, place_SN = _highest(score_SPA.flatten(1), num_best)
    start_SN = place_SN // max_answer_tokens
    end_SN = start_SN + place_SN % max_answer_tokens
    is_none = score_SN == -torch.inf
    return start_SN.masked_fill(is_none, 0), end_SN.masked_fill(is_none, 0), score_SN


def _highest(score_SC: Tensor, number: int) -> tuple[Tensor, Tensor]:
    """Return the highest scores of each row and their places (S, number); -inf at place 0 where a row has fewer.

    Equal ones are in the order of their places, which `torch.topk` of the scores does not promise.
    """
    bits = (score_SC + 0.0).float().contiguous().view(torch.int32)  # -0.0 is 0.0
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).long()  # integers in the order of the floats
    place = torch.arange(score_SC.shape[1], device=score_SC.device)
    keys = ordered * 2**32 + (2**32 - 1 - place)
    place_SN = keys.topk(min(number, keys.shape[1]), dim=1).indices
    missing = (0, number - place_SN.shape[1])
    scores = functional.pad(score_SC.gather(1, place_SN), missing, value=-torch.inf)
    return scores, functional.pad(place_SN, missing)


def _window_of(offsets: Tensor, num_tokens: int) -> Tensor:
    """Return the window of each token (L,); with `num_tokens` known, a GPU is not waited for."""
    number = torch.arange(len(offsets) - 1, device=offsets.device)
    return number.repeat_interleave(offsets.diff(), output_size=num_tokens)
