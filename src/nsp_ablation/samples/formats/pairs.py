"""What SEGMENT-PAIR and SENTENCE-PAIR share: what they refuse, and how their kernels fill a `SampleIndex`."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.randomness import epoch_key, stream
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.found_pairs import FoundPairs
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.ranges import document_ranges, side_by_side
from nsp_ablation.samples.formats.sample_index import (
    NoSamplesError,
    SampleIndex,
    index_fingerprint,
    readonly,
    refuse_empty,
)
from nsp_ablation.text.store.token_store import TokenStore

MIN_DOCUMENTS = 2
_ROUND_SENTENCES = 1 << 24  # room for their pairs is 550 MB, of which what is never touched takes no memory


# Offsets of the store's sentences and documents; (first, end, spans, labels) -> three counts, see `_build`.
Offsets = tuple[np.ndarray, np.ndarray]
PairKernel = Callable[[int, int, np.ndarray, np.ndarray], tuple[int, int, int]]


@dataclass(frozen=True)
class PairFormat(ABC):
    """A format of pairs with its labels in an `order`, "nsp" or "sop"."""

    options: FormatOptions
    order: str

    @abstractmethod
    def kernel(self, offsets: Offsets, epoch_key: np.uint64, capacity: int, min_sentences: int) -> PairKernel:
        """Return what finds the pairs; documents of fewer sentences than `min_sentences` are left out."""

    @property
    def swaps(self) -> bool:
        """Whether a coin swaps A and B."""
        return self.order == "sop"

    @property
    def follows(self) -> bool:
        """Whether B always follows A in the text (before any swap)."""
        return self.swaps or self.options.random_next == 0

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        return index_fingerprint(self.options, self.order, store, frame, (seed, epoch if self.options.resample else 0))

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every pair of one epoch, in the order of A's position in the corpus; pure.

        Raises NoSamplesError if there are fewer than two documents to draw from, or no pairs.
        """
        name = self.options.name
        refuse_empty(store)
        if not self.follows and store.num_documents < MIN_DOCUMENTS:
            raise NoSamplesError(
                f"format={name} takes random segments from other documents, but the corpus has "
                f"{store.num_documents} document: give a corpus of {MIN_DOCUMENTS} or more, with document borders "
                "(corpus.document_border), or use format=full"
            )
        if frame.sentence_separator:
            raise InputError(f"format.sentence_separator=true has no meaning for format={name}: leave it null")
        key = epoch_key(seed, stream(name), epoch if self.options.resample else 0)
        offsets = readonly(store.sentence_offsets), readonly(store.document_offsets)
        kernel = self.kernel(offsets, key, frame.pair_capacity, 2 if self.options.lone_sentences == "skip" else 1)
        spans, labels, num_trimmed, num_left_out = _build(store, kernel)
        if not len(labels):
            remedy = "set a larger max_length" if self.follows else "set format.lone_sentences=random"
            raise NoSamplesError(
                f"format={name} finds no pair, since no document has two sentences in a row that fit together: "
                f"{remedy}, check corpus.document_border, or use format=full"
            )
        return SampleIndex(
            spans=spans,
            separators=np.tile(np.array([frame.pair_separators, 1], np.uint8), len(labels)),
            offsets=np.arange(0, 2 * len(labels) + 1, 2),
            is_pair=True,
            is_random_next=None if self.swaps else labels,
            is_swapped=labels if self.swaps else None,
            trimmed_tokens=num_trimmed,
            cut_sentences=0,
            fingerprint=self.fingerprint(store, frame, seed, epoch),
            left_out_sentences=num_left_out,
        )


def _build(store: TokenStore, kernel: PairKernel) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Return the pairs that a kernel finds, ranges of documents being worked on side by side.

    `kernel(first, end, spans, labels)` fills spans (2 n, 2), A and B in turn, and labels (n,) from the documents
    [first, end), and returns n, the tokens trimmed and the sentences left out. It is given room for a pair per
    sentence, so documents are taken in rounds of some sentences.
    """
    offsets, found = store.document_offsets, FoundPairs(store.num_sentences)
    num_rounds = -(-store.num_sentences // _ROUND_SENTENCES)
    rounds = [_take_round(offsets, kernel, found, *ends) for ends in document_ranges(offsets, num_rounds)]
    num_trimmed, num_left_out = (sum(counts) for counts in zip(*rounds, strict=True))
    return found.spans, found.labels, num_trimmed, num_left_out


def _take_round(offsets: np.ndarray, kernel: PairKernel, found: FoundPairs, first: int, end: int) -> tuple[int, int]:
    """Put the pairs of documents [first, end) behind those found; return the tokens trimmed, the sentences left out."""
    start = int(offsets[first])
    spans, labels = found.room(int(offsets[end]) - start)

    def fill(low: int, high: int) -> tuple[int, int, int]:
        position = int(offsets[first + low]) - start
        return kernel(first + low, first + high, spans[2 * position :], labels[position:])

    ranges = document_ranges(offsets[first : end + 1])
    num_pairs, num_trimmed, num_left_out = (
        list(map(int, counts)) for counts in zip(*side_by_side(fill, ranges), strict=True)
    )
    found.take([int(offsets[first + low]) - start for low, _ in ranges], num_pairs)
    return sum(num_trimmed), sum(num_left_out)
