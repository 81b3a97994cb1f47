"""The pairs of an index while they are found: arrays that grow with what there is, not with what there could be."""

import numpy as np

_SPARE = 1.05  # more than what the sentences so far let expect of the others, so that growing once is enough


class FoundPairs:
    """The pairs found in a corpus of `num_sentences`, in order: `spans` (2 N, 2) int64 and `labels` (N,) bool.

    There is at most a pair per sentence. Memory that was asked for and never written is not taken by most systems, but
    may be refused: at 1.6 billion sentences a pair for each would be 53 GB, of which SEGMENT-PAIR fills a tenth.
    """

    def __init__(self, num_sentences: int) -> None:
        self._num_sentences, self._num_done, self._num_pairs = num_sentences, 0, 0
        self._spans, self._labels = np.empty((0, 2), np.int64), np.empty(0, np.bool_)

    @property
    def spans(self) -> np.ndarray:
        return self._spans[: 2 * self._num_pairs]

    @property
    def labels(self) -> np.ndarray:
        return self._labels[: self._num_pairs]

    def room(self, num_sentences: int) -> tuple[np.ndarray, np.ndarray]:
        """Return spans (2 n, 2) and labels (n,) to write on, behind what was found, for the next n sentences."""
        if self._num_pairs + num_sentences > len(self._labels):
            self._grow(self._capacity(num_sentences))
        self._num_done += num_sentences
        return self._spans[2 * self._num_pairs :], self._labels[self._num_pairs :]

    def take(self, starts: list[int], counts: list[int]) -> None:
        """Take the pairs [start, start + count) of the last `room`, in order, and close the gaps between them."""
        first = self._num_pairs
        for start, count in zip(starts, counts, strict=True):
            old, new, end = first + start, self._num_pairs, self._num_pairs + count
            if old != new:
                self._spans[2 * new : 2 * end] = self._spans[2 * old : 2 * (old + count)]
                self._labels[new:end] = self._labels[old : old + count]
            self._num_pairs = end

    def _capacity(self, num_sentences: int) -> int:
        """Return room for the next sentences, and for what all others will likely give."""
        num_left = self._num_sentences - self._num_done
        rate = _SPARE * self._num_pairs / max(1, self._num_done)
        return self._num_pairs + min(num_left, num_sentences + int(rate * num_left))

    def _grow(self, num_pairs: int) -> None:
        """Move to arrays for so many pairs; twice the memory of what was found, for a moment."""
        spans, labels = np.empty((2 * num_pairs, 2), np.int64), np.empty(num_pairs, np.bool_)
        spans[: 2 * self._num_pairs], labels[: self._num_pairs] = self.spans, self.labels
        self._spans, self._labels = spans, labels
