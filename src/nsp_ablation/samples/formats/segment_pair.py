"""SEGMENT-PAIR (Devlin et al. 2019; Liu et al. 2019, section 4.2): two segments of many sentences, for NSP or SOP."""

from dataclasses import dataclass

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.base import randomness
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.chunks import COINS, DOCUMENT, SENTENCE, SWAP, take_chunk
from nsp_ablation.samples.formats.kernels.draws import HALF, draw64, other_document, sample_key, sentence_within
from nsp_ablation.samples.formats.kernels.nsp_balance import document_threshold, exact_balance, same_threshold
from nsp_ablation.samples.formats.kernels.ranges import document_ranges, joined, side_by_side
from nsp_ablation.samples.formats.kernels.trimming import trim_pair
from nsp_ablation.samples.formats.pairs import pair_index, refuse_unpairable
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint, readonly
from nsp_ablation.text.store.token_store import TokenStore

_STREAM = "segment_pair"


@register_jitable
def _random_segment(sentence_offsets, document_offsets, document, key, min_tokens):
    """Return the tokens [start, end) of whole sentences of another document, `min_tokens` of them or up to its end."""
    other = other_document(len(document_offsets) - 1, document, draw64(key, DOCUMENT))
    sentence = sentence_within(document_offsets, other, draw64(key, SENTENCE))
    start, sentence = sentence_offsets[sentence], sentence + 1
    while sentence < document_offsets[other + 1] and sentence_offsets[sentence] - start < min_tokens:
        sentence += 1
    return start, sentence_offsets[sentence]


@numba.njit(cache=True, nogil=True)
def _pair_segments(
    sentence_offsets, document_offsets, first, last, epoch_key, room, min_sentences, balance, sop, spans, labels
):
    """Fill spans (2 N, 2) and labels (N,) in corpus order of A from documents [first, last); return (N, trimmed)."""
    num_pairs, num_trimmed = 0, 0
    for document in range(first, last):
        sentence, end = document_offsets[document], document_offsets[document + 1]
        if end - sentence < min_sentences:
            continue
        threshold = document_threshold(balance, document)
        while sentence < end:
            key = sample_key(epoch_key, np.uint64(sentence))
            a_end, chunk_end, is_random = take_chunk(sentence_offsets, sentence, end, room, key, threshold)
            start_a, end_a = sentence_offsets[sentence], sentence_offsets[a_end]
            start_b, end_b, label = end_a, sentence_offsets[chunk_end], is_random
            sentence = a_end if is_random else chunk_end
            if sop:
                if is_random:  # one sentence: nothing follows it in its chunk
                    continue
                label = draw64(key, SWAP) < HALF
                if label:
                    start_a, end_a, start_b, end_b = start_b, end_b, start_a, end_a
            elif is_random:
                start_b, end_b = _random_segment(
                    sentence_offsets, document_offsets, document, key, room - end_a + start_a
                )
            num_trimmed += max(0, end_a - start_a + end_b - start_b - room)
            start_a, end_a, start_b, end_b = trim_pair(start_a, end_a, start_b, end_b, room, key, COINS)
            spans[2 * num_pairs, 0], spans[2 * num_pairs, 1] = start_a, end_a
            spans[2 * num_pairs + 1, 0], spans[2 * num_pairs + 1, 1] = start_b, end_b
            labels[num_pairs] = label
            num_pairs += 1
    return num_pairs, num_trimmed


@dataclass(frozen=True)
class SegmentPair:
    """BERT's pairs, up to T tokens together.

    `order="nsp"`: B follows A, or begins at a random sentence of another document. `nsp_balance` is "bert" (p = .5
    where there is a choice) or "exact" (half of all pairs are random); `lone_sentences="skip"` leaves out documents of
    one sentence, whose B is otherwise ("random") always random.
    `order="sop"` (Lan et al. 2020): B always follows A and the two are swapped with p = .5, before trimming; chunks of
    one sentence are left out, and the other two options have no effect.

    Deviations from BERT's released code: no short sequences (Liu et al. 2019, section 2); the random document is never
    the pair's own (BERT gives up after ten draws); documents keep the order of the corpus.
    """

    nsp_balance: str
    lone_sentences: str
    resample: bool
    order: str

    def __post_init__(self) -> None:
        assert self.nsp_balance in ("bert", "exact"), self.nsp_balance
        assert self.lone_sentences in ("random", "skip"), self.lone_sentences
        assert self.order in ("nsp", "sop"), self.order

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        options = {"nsp_balance": self.nsp_balance, "lone_sentences": self.lone_sentences, "order": self.order}
        return index_fingerprint("segment_pair", options, store, frame, (seed, epoch if self.resample else 0))

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every pair of one epoch, ordered by A's place in the corpus; pure.

        Raises ValueError if there are fewer than two documents, no pairs, or no way to balance them.
        """
        sop = self.order == "sop"
        refuse_unpairable("segment_pair", store, frame, sop=sop)
        epoch_key = randomness.epoch_key(seed, randomness.stream(_STREAM), epoch if self.resample else 0)
        min_sentences = 2 if self.lone_sentences == "skip" else 1
        offsets = readonly(store.sentence_offsets), readonly(store.document_offsets)
        settings: tuple = epoch_key, frame.pair_room, min_sentences
        balance = same_threshold(np.uint64(0) if sop else HALF)
        if self.nsp_balance == "exact" and not sop:
            balance = exact_balance(*offsets, *settings)
        spans = np.empty((2 * store.num_sentences, 2), np.int64)  # what is never touched takes no memory
        labels = np.empty(store.num_sentences, np.bool_)

        def fill(first: int, end: int) -> tuple[int, int]:
            start = int(store.document_offsets[first])
            arguments = *offsets, first, end, *settings, balance, sop, spans[2 * start :], labels[start:]
            return _pair_segments(*arguments)

        ranges = document_ranges(offsets[1])
        counts = side_by_side(fill, ranges)
        starts, num_pairs = [int(offsets[1][first]) for first, _ in ranges], [int(n) for n, _ in counts]
        return pair_index(
            "segment_pair",
            frame,
            joined(spans, [2 * start for start in starts], [2 * n for n in num_pairs]),
            joined(labels, starts, num_pairs),
            sop=sop,
            trimmed_tokens=sum(int(trimmed) for _, trimmed in counts),
            fingerprint=self.fingerprint(store, frame, seed, epoch),
        )
