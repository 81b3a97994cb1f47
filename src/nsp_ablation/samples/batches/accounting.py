"""Token accounting: what the first updates of a plan fed the model, counted without walking them."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np

from nsp_ablation.options.probe_options import IN_RANGE_SHARE
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.formats.sample_index import SampleIndex


@dataclass(frozen=True)
class Totals:
    """What a number of updates read: sequences; real tokens, of which the format adds `special_tokens`; pairs, and how
    many of them are random; passes over the samples of the format (`epochs`) and over the tokens of the corpus
    (`passes`: SEGMENT-PAIR reads some tokens more than once per epoch)."""

    sequences: int
    tokens: int
    special_tokens: int
    pairs: int
    random_next: int
    epochs: float
    passes: float


def totals(plan: BatchPlan, num_steps: int, num_corpus_tokens: int) -> Totals:
    """Return the totals of updates 0 to `num_steps` - 1 over a corpus of so many tokens."""
    counts, epochs = np.zeros(5, np.int64), 0.0
    for index, samples, repeats in consumed(plan, num_steps):
        counts += repeats * _count(index, samples)
        epochs += repeats * (1.0 if samples is None else len(samples) / index.num_samples)
    sequences, tokens, content, pairs, random_next = counts.tolist()
    return Totals(sequences, tokens, tokens - content, pairs, random_next, epochs, content / num_corpus_tokens)


def tokens_read(plan: BatchPlan, num_steps: int) -> int:
    """Return the real tokens of updates 0 to `num_steps` - 1, as `totals` counts them."""
    return sum(repeats * int(_lengths(index, samples).sum()) for index, samples, repeats in consumed(plan, num_steps))


class TokenCount:
    """Real tokens that were read before an update, counted on from the update that was asked for last.

    Asking for updates in order costs their own samples; the first question costs what `tokens_read` does.
    """

    def __init__(self, plan: BatchPlan) -> None:
        self._plan = plan
        self._update, self._tokens = 0, 0

    def __call__(self, update: int) -> int:
        """Return the real tokens of updates 0 to `update` - 1."""
        if update < self._update or (self._update == 0 and update > 0):
            self._tokens = tokens_read(self._plan, update)
        elif update > self._update:
            self._tokens += self._between(self._plan.position(self._update), self._plan.position(update))
        self._update = update
        return self._tokens

    def _between(self, begin: tuple[int, int], end: tuple[int, int]) -> int:
        count = 0
        for epoch in range(begin[0], end[0] + 1):
            first, last = begin[1] if epoch == begin[0] else 0, end[1] if epoch == end[0] else None
            count += int(self._plan.lengths(epoch)[self._plan.order(epoch)[first:last]].sum())
        return count


def tokens_at_positions(plan: BatchPlan, num_steps: int, max_length: int) -> np.ndarray:
    """Return (max_length,) int64: how many tokens the first updates held at each position (fidelity row 23)."""
    num_of_length = np.zeros(max_length + 1, np.int64)
    for index, samples, repeats in consumed(plan, num_steps):
        num_of_length += repeats * np.bincount(_lengths(index, samples), minlength=max_length + 1)
    return _holding(num_of_length)


def trained_length(tokens_at_positions: np.ndarray) -> int:
    """Return the longest length of which at least 1 % of the inputs are, so that each of its positions is trained.

    tokens_at_positions (T,): how many inputs held each position, from 0; the first counts them all.
    """
    return int((tokens_at_positions >= IN_RANGE_SHARE * tokens_at_positions[0]).sum())


def positions_of(lengths: np.ndarray, max_length: int) -> np.ndarray:
    """Return (max_length,) int64: how many inputs of lengths (N,) hold each position."""
    return _holding(np.bincount(lengths, minlength=max_length + 1))


def consumed(plan: BatchPlan, num_steps: int) -> list[tuple[SampleIndex, np.ndarray | None, int]]:
    """Return (index, its samples that were read or None for all, how many times) up to an update."""
    last_epoch, num_last = plan.position(num_steps)
    whole = groupby((plan.index_of(epoch) for epoch in range(1, last_epoch)), key=id)
    parts: list = [(run[0], None, len(run)) for run in (list(indexes) for _, indexes in whole)]
    return parts + ([(plan.index_of(last_epoch), plan.order(last_epoch)[:num_last], 1)] if num_last else [])


def _holding(num_of_length: np.ndarray) -> np.ndarray:
    """Return (T,): how many inputs hold each position, given (T + 1,): how many are 0 to T tokens long."""
    return np.cumsum(num_of_length[::-1])[::-1][1:]


def _lengths(index: SampleIndex, samples: np.ndarray | None) -> np.ndarray:
    """Return the real tokens of some samples (n,) int64, or of all."""
    return index.lengths() if samples is None else index.lengths()[samples]


def _count(index: SampleIndex, samples: np.ndarray | None) -> np.ndarray:
    """Return (5,) int64: sequences, tokens, content tokens, pairs, random pairs of some samples."""
    chosen = slice(None) if samples is None else samples
    lengths, special = _lengths(index, samples), index.special_tokens()[chosen]
    pairs = len(lengths) if index.is_pair else 0
    random_next = 0 if index.is_random_next is None else int(index.is_random_next[chosen].sum())
    return np.array([len(lengths), lengths.sum(), lengths.sum() - special.sum(), pairs, random_next])
