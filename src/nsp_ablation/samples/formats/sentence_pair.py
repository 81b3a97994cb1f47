"""SENTENCE-PAIR (Liu et al. 2019, section 4.2): two natural sentences, for NSP or SOP."""

from dataclasses import dataclass

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.base import randomness
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.chunks import CHOICE, COINS, DOCUMENT, SENTENCE, SWAP
from nsp_ablation.samples.formats.kernels.draws import HALF, below, draw64, other_document, sample_key
from nsp_ablation.samples.formats.kernels.ranges import document_ranges, joined, side_by_side
from nsp_ablation.samples.formats.kernels.trimming import trim_pair
from nsp_ablation.samples.formats.pairs import pair_index, refuse_unpairable
from nsp_ablation.samples.formats.sample_index import SampleIndex, index_fingerprint, readonly
from nsp_ablation.text.store.token_store import TokenStore

_STREAM = "sentence_pair"
_BLOCK = 4096  # sentences worked on together: their arrays stay in the processor's cache


@register_jitable
def _flip_coins(epoch_key, low, high, counter, keys, coins):
    """Fill the keys and the coins (NSP: random, SOP: swapped) of the sentences [low, high)."""
    for i in range(high - low):
        keys[i] = sample_key(epoch_key, np.uint64(low + i))
        coins[i] = draw64(keys[i], counter) < HALF


@register_jitable
def _choose(document_offsets, low, high, state, min_sentences, disjoint, sop, coins, a, b, documents, labels):
    """Fill a, b, documents and labels (n,) with the pairs whose A (before any swap) lies in [low, high).

    `state` is (sentence, document), where the last call stopped. Returns n and the new state.
    """
    sentence, document = state
    n = 0
    while sentence < high:
        while document_offsets[document + 1] <= sentence:
            document += 1
        end = document_offsets[document + 1]
        if end - document_offsets[document] < min_sentences or (sop and sentence + 1 == end):
            sentence = end
            continue
        stop = min(end - sop, high)
        while sentence < stop:
            label = coins[sentence - low] or sentence + 1 == end
            a[n], b[n], documents[n], labels[n] = sentence, sentence + 1, document, label
            n += 1
            sentence += 2 if disjoint and (sop or not label) else 1
    return n, (sentence, document)


# Half of what follows are reads of scattered places. The processor has many of them under way at once if they stand in
# short loops of their own, which do nothing but read, from places that an earlier loop has named.


@register_jitable
def _draw_others(document_offsets, low, keys, labels, a, documents, b):
    """Replace b by a sentence of another document where `labels` says so."""
    num_documents, num_random = len(document_offsets) - 1, 0
    random_pairs, bits = np.empty(len(a), np.int64), np.empty(len(a), np.uint64)
    firsts, sizes = np.empty(len(a), np.int64), np.empty(len(a), np.int64)
    for i in range(len(a)):
        random_pairs[num_random] = i
        num_random += labels[i]
    for n in range(num_random):
        i = random_pairs[n]
        key = keys[a[i] - low]
        documents[n] = other_document(num_documents, documents[i], draw64(key, DOCUMENT))
        bits[n] = draw64(key, SENTENCE)
    for n in range(num_random):
        document = np.uint64(documents[n])
        firsts[n] = document_offsets[document]
        sizes[n] = document_offsets[document + np.uint64(1)] - firsts[n]
    for n in range(num_random):
        b[random_pairs[n]] = firsts[n] + np.int64(below(bits[n], np.uint64(sizes[n])))


@register_jitable
def _write_spans(sentence_offsets, low, keys, swapped, a, b, room, spans):
    """Fill spans (2 n, 2) from the sentences a and b (n,), trimmed to `room`; return the tokens trimmed."""
    num_trimmed = 0
    starts, ends = np.empty(len(a), np.int64), np.empty(len(a), np.int64)
    for i in range(len(a)):
        sentence = np.uint64(b[i])
        starts[i], ends[i] = sentence_offsets[sentence], sentence_offsets[sentence + np.uint64(1)]
    for i in range(len(a)):
        sentence = np.uint64(a[i])
        start_a, end_a = sentence_offsets[sentence], sentence_offsets[sentence + np.uint64(1)]
        start_b, end_b = starts[i], ends[i]
        num_excess = end_a - start_a + end_b - start_b - room
        if swapped[i]:
            start_a, end_a, start_b, end_b = start_b, end_b, start_a, end_a
        if num_excess > 0:
            key = keys[a[i] - low]
            start_a, end_a, start_b, end_b = trim_pair(start_a, end_a, start_b, end_b, room, key, COINS)
            num_trimmed += num_excess
        spans[2 * i, 0], spans[2 * i, 1], spans[2 * i + 1, 0], spans[2 * i + 1, 1] = start_a, end_a, start_b, end_b
    return num_trimmed


@numba.njit(cache=True, nogil=True)
def _pair_sentences(
    sentence_offsets, document_offsets, first, end, epoch_key, room, min_sentences, disjoint, sop, spans, labels
):
    """Fill spans (2 N, 2) and labels (N,) in corpus order of A from documents [first, end); return (N, trimmed)."""
    keys, coins, unswapped = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.bool_), np.zeros(_BLOCK, np.bool_)
    a, b, documents = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    first_sentence, last_sentence = document_offsets[first], document_offsets[end]
    num_pairs, num_trimmed, state = 0, 0, (first_sentence, first)
    for low in range(first_sentence, last_sentence, _BLOCK):
        high = min(low + _BLOCK, last_sentence)
        _flip_coins(epoch_key, low, high, SWAP if sop else CHOICE, keys, coins)
        label = labels[num_pairs:]
        n, state = _choose(
            document_offsets, low, high, state, min_sentences, disjoint, sop, coins, a, b, documents, label
        )
        if not sop:
            _draw_others(document_offsets, low, keys, label, a[:n], documents, b)
        swapped = label if sop else unswapped
        num_trimmed += _write_spans(sentence_offsets, low, keys, swapped, a[:n], b, room, spans[2 * num_pairs :])
        num_pairs += n
    return num_pairs, num_trimmed


@dataclass(frozen=True)
class SentencePair:
    """Two sentences, contiguous in one document or from two documents; a pair longer than T is trimmed as BERT does.

    `order="nsp"`: B is the next sentence or, with p = .5, a sentence of another document. With `pairs="overlapping"`
    each sentence is A once. With "disjoint" the next A is the first sentence not used yet, so that each sentence is
    once A or once a B that follows. The last sentence of a document, when it is A, has no next one: its B is random,
    so the share of random pairs is above .5. `lone_sentences="skip"` leaves out documents of one sentence ("random"
    pairs them as last sentences).
    `order="sop"` (Lan et al. 2020): B is always the next sentence and the two are swapped with p = .5; the last
    sentence is no A, documents of one sentence are left out.
    """

    pairs: str
    lone_sentences: str
    resample: bool
    order: str

    def __post_init__(self) -> None:
        assert self.pairs in ("overlapping", "disjoint"), self.pairs
        assert self.lone_sentences in ("random", "skip"), self.lone_sentences
        assert self.order in ("nsp", "sop"), self.order

    def fingerprint(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> str:
        """Return the fingerprint of the index that the same arguments give, without building it."""
        options = {"pairs": self.pairs, "lone_sentences": self.lone_sentences, "order": self.order}
        return index_fingerprint("sentence_pair", options, store, frame, (seed, epoch if self.resample else 0))

    def index(self, store: TokenStore, frame: Frame, seed: int, epoch: int) -> SampleIndex:
        """Return every pair of one epoch, ordered by A's place in the corpus; pure.

        Raises ValueError if there are fewer than two documents or no pairs.
        """
        sop = self.order == "sop"
        refuse_unpairable("sentence_pair", store, frame, sop=sop)
        spans = np.empty((2 * store.num_sentences, 2), np.int64)  # what is never touched takes no memory
        labels = np.empty(store.num_sentences, np.bool_)
        sentence_offsets, document_offsets = readonly(store.sentence_offsets), readonly(store.document_offsets)
        epoch_key = randomness.epoch_key(seed, randomness.stream(_STREAM), epoch if self.resample else 0)
        choices = 2 if self.lone_sentences == "skip" else 1, self.pairs == "disjoint", sop

        def fill(first: int, end: int) -> tuple[int, int]:
            start = int(document_offsets[first])
            offsets = sentence_offsets, document_offsets
            places = spans[2 * start :], labels[start:]
            return _pair_sentences(*offsets, first, end, epoch_key, frame.pair_room, *choices, *places)

        ranges = document_ranges(document_offsets)
        counts = side_by_side(fill, ranges)
        starts, num_pairs = [int(document_offsets[first]) for first, _ in ranges], [int(n) for n, _ in counts]
        return pair_index(
            "sentence_pair",
            frame,
            joined(spans, [2 * start for start in starts], [2 * n for n in num_pairs]),
            joined(labels, starts, num_pairs),
            sop=sop,
            trimmed_tokens=sum(int(trimmed) for _, trimmed in counts),
            fingerprint=self.fingerprint(store, frame, seed, epoch),
        )
