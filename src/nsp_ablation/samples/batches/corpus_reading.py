"""Which tokens of the corpus the first updates of a plan read, counted without walking them.

A bit per token of the store is all the memory that it takes: 412 MB for 3.3e9 tokens.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from nsp_ablation.samples.batches.accounting import consumed
from nsp_ablation.samples.batches.masking import never_masked
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex, readonly
from nsp_ablation.text.store.token_store import TokenStore

_CHUNK_TOKENS = 1 << 24
_ALL, _SHIFT, _LAST_BIT = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(6), np.uint64(63)


@dataclass(frozen=True)
class CorpusReading:
    """`unique_tokens` of the corpus were read at least once; `special_in_text` counts, over all updates, special tokens
    that stand in the text itself, which are never predicted."""

    unique_tokens: int
    special_in_text: int


def corpus_reading(plan: BatchPlan, num_steps: int, store: TokenStore, frame: Frame) -> CorpusReading:
    """Return what updates 0 to `num_steps` - 1 read of a store: a function of the plan alone, so that a run that was
    interrupted counts as another."""
    words = np.zeros((store.num_tokens + 63) // 64, np.uint64)
    special = _special_positions(store.ids, never_masked(frame))
    special_in_text, seen = 0, set[str]()
    for index, samples, repeats in consumed(plan, num_steps):
        if samples is not None or index.fingerprint not in seen:
            _mark(words, index.spans, index.offsets, *_chosen(index, samples))
            seen |= {index.fingerprint} if samples is None else set()
        if len(special):
            special_in_text += repeats * _num_within(special, index, samples)
    return CorpusReading(int(np.bitwise_count(words).sum()), special_in_text)


def _chosen(index: SampleIndex, samples: np.ndarray | None) -> tuple[np.ndarray, bool]:
    return (readonly(np.zeros(0, np.int64)), True) if samples is None else (readonly(samples), False)


def _special_positions(ids: np.ndarray, special: tuple[int, ...]) -> np.ndarray:
    """Return the positions (K,) int64 of special ids in a store, which is read piece by piece; most have none."""
    found = [
        start + np.flatnonzero(np.logical_or.reduce([ids[start : start + _CHUNK_TOKENS] == id for id in {*special}]))
        for start in range(0, len(ids), _CHUNK_TOKENS)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _num_within(positions: np.ndarray, index: SampleIndex, samples: np.ndarray | None) -> int:
    """Return how often the samples' spans hold one of the positions (K,), ascending."""
    borders = np.searchsorted(positions, index.spans)
    per_sample = np.add.reduceat(borders[:, 1] - borders[:, 0], index.offsets[:-1])
    return int((per_sample if samples is None else per_sample[samples]).sum())


@njit(cache=True, nogil=True)
def _mark(words, spans, offsets, samples, all_samples):
    """Set the bit of every token in the spans of samples (n,), or of all; no span is empty."""
    num_samples = len(offsets) - 1 if all_samples else len(samples)
    for number in range(num_samples):
        sample = number if all_samples else samples[number]
        for span in range(offsets[sample], offsets[sample + 1]):
            start, last = np.uint64(spans[span, 0]), np.uint64(spans[span, 1] - 1)
            first_word, last_word = start >> _SHIFT, last >> _SHIFT
            from_start, to_last = _ALL << (start & _LAST_BIT), _ALL >> (_LAST_BIT - (last & _LAST_BIT))
            if first_word == last_word:
                words[first_word] |= from_start & to_last
            else:
                words[first_word] |= from_start
                for word in range(first_word + np.uint64(1), last_word):
                    words[word] = _ALL
                words[last_word] |= to_last
