"""N-grams of token ids that texts share with a corpus, found in one pass over the corpus.

Legend: L tokens of the texts, end to end; G n-grams, one for each token of a text that n - 1 tokens of it precede.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.base.process import num_cores

_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)  # odd, of random bits
_ONE = np.uint64(1)
_IN_WORD, _LOW, _MIDDLE, _HIGH = np.uint64(63), np.uint64(20), np.uint64(26), np.uint64(32)
_BITS_PER_NGRAM = 16  # of the filter: one of 100 n-grams of the corpus that no text holds is looked up in vain


@register_jitable
def _is_equal(ids, end, texts, other, n):
    """Whether the n ids before `end` are the n before `other` in the texts."""
    back = 1
    while back <= n and ids[end - back] == texts[other - back]:
        back += 1
    return back > n


@register_jitable
def _find(ids, end, mixed, texts, slots, shift, n):
    """Return the slot of the n-gram before `end`, or the empty one where it belongs."""
    slot = mixed >> shift
    while slots[slot] and not _is_equal(ids, end, texts, slots[slot], n):
        slot = (slot + _ONE) & np.uint64(len(slots) - 1)
    return slot


@register_jitable
def _filter_bits(mixed):
    """Return the bits of an n-gram in its word of the filter: up to three of 64, so that one access asks for all."""
    low, middle, high = (mixed >> _LOW) & _IN_WORD, (mixed >> _MIDDLE) & _IN_WORD, (mixed >> _HIGH) & _IN_WORD
    return (_ONE << low) | (_ONE << middle) | (_ONE << high)


@numba.njit(cache=True, nogil=True)
def _insert(texts, offsets, n, oldest, slots, shift, words, word_shift, first):
    """Fill slots and words, the filter; first[i]: the end of the first n-gram like the one that ends with token i."""
    for text in range(len(offsets) - 1):
        value = np.uint64(0)
        for end in range(offsets[text] + 1, offsets[text + 1] + 1):
            value = value * _FACTOR + np.uint64(texts[end - 1]) + _ONE
            if end - offsets[text] > n:
                value -= oldest * (np.uint64(texts[end - 1 - n]) + _ONE)
            if end - offsets[text] >= n:
                mixed = value * _MIX
                slot = _find(texts, end, mixed, texts, slots, shift, n)
                if not slots[slot]:
                    slots[slot] = end
                    words[mixed >> word_shift] |= _filter_bits(mixed)
                first[end - 1] = slots[slot]


@numba.njit(cache=True, nogil=True)
def _scan(ids, starts, texts, n, oldest, slots, shift, words, word_shift, is_shared):
    """Look up each n-gram of some ids of the corpus; none crosses one of `starts`, which end with len(ids)."""
    start = 0
    for stop in starts:
        value = np.uint64(0)
        for end in range(start + 1, stop + 1):
            value = value * _FACTOR + np.uint64(ids[end - 1]) + _ONE
            if end - start > n:
                value -= oldest * (np.uint64(ids[end - 1 - n]) + _ONE)
            if end - start >= n:
                mixed = value * _MIX
                mask = _filter_bits(mixed)
                if words[mixed >> word_shift] & mask == mask:
                    slot = _find(ids, end, mixed, texts, slots, shift, n)
                    if slots[slot]:
                        is_shared[slots[slot] - 1] = True
        start = stop


def shared_ngrams(
    texts: np.ndarray, offsets: np.ndarray, pieces: Iterable[np.ndarray], document_starts: np.ndarray, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (L,) bool twice: with this token an n-gram of a text ends, and it stands in a document of the corpus too.

    Text t is texts[offsets[t]:offsets[t + 1]], texts (L,) and offsets (T + 1,) integers. The corpus is given as pieces
    (m,) of its ids, in order; no n-gram crosses `document_starts` (D,), ascending and in tokens. A hash preselects, ids
    decide. Memory grows with the texts and with a piece per processor alone.
    """
    texts = np.ascontiguousarray(texts, np.uint32)
    num_slots = max(4, (2 * len(texts)).bit_length())
    num_words = max(4, (_BITS_PER_NGRAM * len(texts) // 64).bit_length())
    slots, words = np.zeros(1 << num_slots, np.int64), np.zeros(1 << num_words, np.uint64)
    first, is_shared = np.zeros(len(texts), np.int64), np.zeros(len(texts), np.bool_)
    table = slots, np.uint64(64 - num_slots), words, np.uint64(64 - num_words)
    oldest = np.uint64(pow(int(_FACTOR), n, 1 << 64))
    _insert(texts, np.ascontiguousarray(offsets, np.int64), n, oldest, *table, first)

    def scan(part: tuple[int, np.ndarray]) -> None:
        begin, ids = part
        low, high = np.searchsorted(document_starts, [begin, begin + len(ids)])
        starts = np.append(np.asarray(document_starts[low:high], np.int64) - begin, len(ids))
        _scan(ids, starts, texts, n, oldest, *table, is_shared)

    parts = _overlapping(pieces, n - 1)
    with ThreadPoolExecutor(num_cores()) as executor:
        while several := list(islice(parts, num_cores())):
            list(executor.map(scan, several))
    is_ngram = first > 0
    return is_ngram, is_ngram & is_shared[first - 1]


def _overlapping(pieces: Iterable[np.ndarray], overlap: int) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (begin, ids (m,) uint32) of each piece with up to `overlap` ids that precede it; `begin` is in tokens."""
    before, position = np.zeros(0, np.uint32), 0
    for piece in pieces:
        ids = np.concatenate([before, piece.astype(np.uint32)])
        yield position - len(before), ids
        before, position = ids[max(0, len(ids) - overlap) :], position + len(piece)
