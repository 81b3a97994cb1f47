"""Span question answering: SQuAD 1.1, and SQuAD 2.0 with an answerability classifier (section 5, Liu et al. 2019)."""

# B windows, L positions, D hidden

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedTokenizerFast

from nsp_ablation.learning.engine.encoder_directory import InputLayout
from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.features import Features, encode, encode_with_offsets, lay_out
from nsp_ablation.learning.tasks.metrics import span_metrics, span_scores
from nsp_ablation.learning.tasks.scored import Scored
from nsp_ablation.learning.tasks.windows import best_context_ranges, sliding_windows

MAX_QUESTION_TOKENS, MAX_STRIDE, MAX_ANSWER_TOKENS = 64, 128, 30  # BERT's at T = 512
IGNORED = -100
_TARGETS = (
    *("start_positions", "end_positions", "is_answerable"),
    *("context_start", "context_end", "start_low", "start_high"),
)


def question_limit(max_length: int) -> int:
    """Return the question tokens kept: BERT's 64, at most T / 4 (PAPER row 24)."""
    return min(MAX_QUESTION_TOKENS, max(1, max_length // 4))


def featurize(
    examples: list[SpanExample], tokenizer: PreTrainedTokenizerFast, layout: InputLayout, unanswerable: bool
) -> Features:
    """Return one sample per window of each context: [CLS] question [SEP] window [SEP].

    Targets, as positions in the sequence: start_positions, end_positions of the first reference (a window without it
    has [CLS] for SQuAD 1.1 and is ignored with `unanswerable`), is_answerable float32; and for prediction the tokens
    of the context [context_start, context_end) and of possible starts [start_low, start_high).
    """
    limit = question_limit(layout.max_length)
    questions = [ids[:limit] for ids in encode(tokenizer, [example.question for example in examples])]
    contexts = encode_with_offsets(tokenizer, [example.context for example in examples])
    firsts: list[np.ndarray] = []
    seconds: list[np.ndarray] = []
    characters: list[np.ndarray] = []
    rows: list[tuple[int, ...]] = []
    for number, (example, question, (ids, offsets)) in enumerate(zip(examples, questions, contexts, strict=True)):
        room = layout.pair_room - len(question)
        windows = sliding_windows(len(ids), room, max(1, min(MAX_STRIDE, room // 2)))
        answer = answer_tokens(example, offsets)
        first = 1 + len(question) + layout.pair_separators
        for (start, end), (low, high) in zip(windows, best_context_ranges(windows, len(ids)), strict=True):
            firsts.append(question)
            seconds.append(ids[start:end])
            characters += [np.zeros((first, 2), np.int64), offsets[start:end], np.zeros((1, 2), np.int64)]
            shift = first - start
            target = (IGNORED, IGNORED, 0) if unanswerable else (0, 0, 0)
            if answer is not None and start <= answer[0] and answer[1] < end:
                target = (answer[0] + shift, answer[1] + shift, 1)
            rows.append((number, *target, first, end + shift, low + shift, high + shift))
    ids, borders, second = lay_out(firsts, seconds, layout)
    example, *columns = np.array(rows, dtype=np.int64).T
    targets = dict(zip(_TARGETS, columns, strict=True))
    targets["is_answerable"] = targets["is_answerable"].astype(np.float32)
    return Features(ids, borders, second, 1, targets, example, np.concatenate(characters))


def answer_tokens(example: SpanExample, offsets: np.ndarray) -> tuple[int, int] | None:
    """Return the first and last token that touch the first reference, or None if the question is unanswerable."""
    if not example.answers:
        return None
    text, start = example.answers[0]
    touching = np.flatnonzero((offsets[:, 1] > start) & (offsets[:, 0] < start + len(text)))
    # a token may stand for nothing of the text (an unknown or dropped character): then no token does
    return (int(touching[0]), int(touching[-1])) if len(touching) else None


class SpanHead(nn.Module):
    """Start and end of the answer from every token; with `unanswerable`, whether there is one from the first."""

    def __init__(self, hidden_size: int, unanswerable: bool):
        super().__init__()
        self.span = nn.Linear(hidden_size, 2)
        self.answerable = nn.Linear(hidden_size, 1) if unanswerable else None

    def loss(self, hidden_BLD: Tensor, first_BD: Tensor, batch: dict[str, Tensor]) -> Tensor:
        """Return the mean of start and end cross-entropy over windows with a target, plus the mean answerability
        cross-entropy (SQuAD 2.0): "trained jointly by summing the losses"."""
        start_BL, end_BL = self._logits(hidden_BLD, batch)
        targets = (batch["start_positions"], batch["end_positions"])
        summed = sum(
            functional.cross_entropy(logits, target, ignore_index=IGNORED, reduction="sum")
            for logits, target in zip((start_BL, end_BL), targets, strict=True)
        )
        # a batch of unanswerable questions alone has no span target
        loss = summed / 2 / (targets[0] != IGNORED).sum().clamp(min=1)
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
        is_span = may_start[:, :, None] & may_end[:, None, :] & (length >= 0) & (length < MAX_ANSWER_TOKENS)
        score_BLL = (start_BL[:, :, None] + end_BL[:, None, :]).masked_fill(~is_span, -torch.inf)
        score, place = score_BLL.flatten(1).max(dim=1)
        answerable = torch.zeros_like(score)
        if self.answerable is not None:
            answerable = self.answerable(first_BD).squeeze(-1).float()
        num_columns = len(columns)
        return {"start": place // num_columns, "end": place % num_columns, "score": score, "answerable": answerable}

    def _logits(self, hidden_BLD: Tensor, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        logits_BLS = self.span(hidden_BLD).float()
        logits_BLS = logits_BLS.masked_fill(batch["attention_mask"][:, :, None] == 0, torch.finfo(torch.float32).min)
        return logits_BLS[..., 0], logits_BLS[..., 1]


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
        place = features.offsets[window] + np.array([outputs["start"][window], outputs["end"][window]])
        start, end = features.characters[place[0], 0], features.characters[place[1], 1]
        answers.append(example.context[start:end].strip())
    return answers


def score(examples: list[SpanExample], predictions: list[str], unanswerable: bool) -> Scored:
    """Score answers by F1 (primary) and exact match, in SQuAD's official form of predictions."""
    references = [[text for text, _ in example.answers] for example in examples]
    exact, overlap = span_scores(predictions, references, unanswerable)
    is_answerable = np.array([bool(example.answers) for example in examples])
    by_id = {example.id: prediction for example, prediction in zip(examples, predictions, strict=True)}
    return Scored(overlap, by_id, span_metrics(exact, overlap, is_answerable), "f1")
