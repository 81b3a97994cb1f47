"""The held-out documents laid out in inputs: every token stands in exactly one, whatever the layout and the length.

So the same tokens are predicted under the same mask in each layout, and what differs is their context alone.
"""

# P spans, N inputs

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.masked_positions import SecondSegments
from nsp_ablation.options.probe_options import LAYOUTS, SENTENCE_SIZE
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.blocks import pack_blocks
from nsp_ablation.text.store.token_store import TokenStore

PAIR_TOKENS = 4  # [CLS], two separators, [SEP]: left free for every arm, also by those with one separator


@dataclass(frozen=True)
class LaidOutStore:
    """Inputs `[CLS] span [SEP]*separators span [SEP]*separators ...` that hold every token of a store, in its order.

    spans (P, 2) int64 `[start, end)` in tokens, one after the other; separators (P,) int64; offsets (N + 1,) int64 in
    spans. Where `is_pair`, an input's second span is its second segment; one without has a single segment.
    """

    spans: np.ndarray
    separators: np.ndarray
    offsets: np.ndarray
    is_pair: bool

    @property
    def lengths(self) -> np.ndarray:
        """Tokens (N,) int64 of each input, special tokens included."""
        ends = np.concatenate([[0], np.cumsum(self.spans[:, 1] - self.spans[:, 0] + self.separators)])
        return 1 + np.diff(ends[self.offsets])

    def places(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the input (M,) that holds each token (M,) of the store, and its position in it (M,)."""
        span = np.searchsorted(self.spans[:, 0], tokens, side="right") - 1
        number = np.searchsorted(self.offsets, span, side="right") - 1
        before = np.concatenate([[0], np.cumsum(self.spans[:, 1] - self.spans[:, 0] + self.separators)])
        return number, 1 + before[span] - before[self.offsets[number]] + tokens - self.spans[span, 0]

    def input_maker(self, ids: np.ndarray, layout: InputLayout) -> Callable[[int], np.ndarray]:
        """Return what makes the ids of an input from the store's `ids`, or from others in their place."""

        def make(number: int) -> np.ndarray:
            parts = [np.array([layout.cls])]
            for span in range(self.offsets[number], self.offsets[number + 1]):
                parts.append(ids[self.spans[span, 0] : self.spans[span, 1]])
                parts.append(np.full(self.separators[span], layout.sep))
            return np.concatenate(parts)

        return make

    def second_segments(self, layout: InputLayout) -> SecondSegments | None:
        """Return where the second segments of pairs begin; None where no input is a pair."""
        if not self.is_pair:
            return None
        first = self.offsets[:-1]
        after_first = 1 + self.spans[first, 1] - self.spans[first, 0] + self.separators[first]
        return SecondSegments(after_first, layout.second_type)


def lay_out(store: TokenStore, frame: Frame, name: str, length: int | str, separators: int) -> LaidOutStore:
    """Lay out a store in inputs of at most `length` tokens, or of single sentences (`SENTENCE_SIZE`) of at most T.

    `name` is one of `LAYOUTS`. A pair is a block of DOC, two tokens shorter than others, cut at the sentence border
    nearest to its middle, with `separators` [SEP] between A and B; a block of one sentence has no B. With single
    sentences A and B are one each. A sentence longer than an input is cut, and nothing is left out.
    """
    facts = LAYOUTS[name]
    max_length = frame.max_length if length == SENTENCE_SIZE else int(length)
    if length == SENTENCE_SIZE:
        store = _documents_of(store, 2 if facts.is_pair else 1)
    if facts.is_pair:
        max_length -= PAIR_TOKENS - 2
    frame = replace(frame, max_length=max_length, sentence_separator=False)
    crosses = facts.crosses_documents and length != SENTENCE_SIZE
    index = pack_blocks(store, frame, order=None, across_documents=crosses, fingerprint="")
    spans, offsets, counts = np.asarray(index.spans), np.asarray(index.offsets), np.asarray(index.separators, np.int64)
    if not facts.is_pair:
        return LaidOutStore(spans, counts, offsets, is_pair=False)
    return _cut_in_two(spans, middle_borders(spans, np.asarray(store.sentence_offsets)), separators)


def _documents_of(store: TokenStore, num_sentences: int) -> TokenStore:
    """Return a store whose documents are so many neighbouring sentences of one document each, or the rest of it."""
    starts = np.asarray(store.document_offsets)
    sentences = np.arange(store.num_sentences)
    place = sentences - starts[np.searchsorted(starts, sentences, side="right") - 1]
    borders = np.append(sentences[place % num_sentences == 0], store.num_sentences)
    return TokenStore(store.ids, store.sentence_offsets, borders, fingerprint="")


def middle_borders(spans: np.ndarray, sentence_offsets: np.ndarray) -> np.ndarray:
    """Return for each span (P, 2) the sentence border inside of it that is nearest to its middle, the earlier of two;
    -1 (P,) where none is inside."""
    start, end = spans.T
    after = np.searchsorted(sentence_offsets, (start + end) / 2, side="left")
    candidates = sentence_offsets[np.stack([np.maximum(after - 1, 0), np.minimum(after, len(sentence_offsets) - 1)])]
    inside = (candidates > start) & (candidates < end)
    distance = np.where(inside, np.abs(2 * candidates - start - end), np.iinfo(np.int64).max)
    nearest = candidates[distance.argmin(axis=0), np.arange(len(spans))]
    return np.where(inside.any(axis=0), nearest, -1)


def _cut_in_two(spans: np.ndarray, borders: np.ndarray, separators: int) -> LaidOutStore:
    is_cut = borders >= 0
    counts = 1 + is_cut
    offsets = np.concatenate([[0], np.cumsum(counts)])
    cut = np.repeat(spans, counts, axis=0)
    first = offsets[:-1][is_cut]
    cut[first, 1] = cut[first + 1, 0] = borders[is_cut]
    between = np.ones(len(cut), np.int64)
    between[first] = separators
    return LaidOutStore(cut, between, offsets, is_pair=True)
