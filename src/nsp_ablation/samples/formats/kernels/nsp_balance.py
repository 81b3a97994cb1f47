"""`nsp_balance=exact`: how often a free choice must be random so that half of all pairs are.

BERT's coin falls on pairs that have a choice; a chunk of one sentence has none and is random, so of all pairs .53 to
.59 are (T = 512). Here the coin is biased against it: its probability q is found by halving until it is known to
.001, between q_low, which gives too few random pairs, and q_high, which gives too many. The documents before the
*switch* take q_high, the others q_low, and the switch stands where the two labels are most nearly equal in number. If
that brings them nearer still, one document, the *exception*, takes q = 0 or 1. All choices stay independent, so none
can be foreseen from its neighbours.
"""

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.kernels.chunks import take_chunk
from nsp_ablation.samples.formats.kernels.draws import sample_key
from nsp_ablation.samples.formats.sample_index import NoSamplesError

_ALWAYS = (1 << 64) - 1
_PRECISION = 1 << 54  # of 2**64: .001


# Thresholds (of q_high, of q_low, of the exception) for `take_chunk`; switch; exception, -1 if there is none.
Balance = tuple[tuple[np.uint64, np.uint64, np.uint64], int, int]


def same_threshold(threshold: np.uint64) -> Balance:
    """Return the balance that gives every document the same threshold."""
    return (threshold, threshold, threshold), 0, -1


@register_jitable
def document_threshold(balance, document):
    """Return the threshold (uint64) that `balance` gives a document."""
    thresholds, switch, exception = balance
    if document == exception:
        return thresholds[2]
    return thresholds[0] if document < switch else thresholds[1]


@numba.njit(cache=True, nogil=True)
def _count(sentence_offsets, document_offsets, epoch_key, capacity, min_sentences, threshold, balance):
    """Fill `balance` (D,) int64, random pairs minus others by document, for one threshold."""
    for document in range(len(document_offsets) - 1):
        sentence, end = document_offsets[document], document_offsets[document + 1]
        balance[document] = 0
        if end - sentence < min_sentences:
            continue
        while sentence < end:
            key = sample_key(epoch_key, np.uint64(sentence))
            a_end, chunk_end, is_random = take_chunk(sentence_offsets, sentence, end, capacity, key, threshold)
            balance[document] += 1 if is_random else -1
            sentence = a_end if is_random else chunk_end


def exact_balance(
    sentence_offsets: np.ndarray, document_offsets: np.ndarray, epoch_key: np.uint64, capacity: int, min_sentences: int
) -> Balance:
    """Return the balance under which the numbers of random and of other pairs are equal.

    They differ by 0 or 1 in any corpus of some dozen documents, in smaller ones by as little as whole documents allow.
    Raises NoSamplesError if chunks of one sentence are more than half of the pairs.
    """

    def balance_at(threshold: int) -> np.ndarray:
        balance = np.empty(len(document_offsets) - 1, np.int64)
        _count(sentence_offsets, document_offsets, epoch_key, capacity, min_sentences, np.uint64(threshold), balance)
        return balance

    low, high = 0, _ALWAYS
    fewest, most = balance_low, balance_high = balance_at(low), balance_at(high)
    if fewest.sum() > 1:
        raise NoSamplesError(
            "format.nsp_balance=exact cannot be met: more than half of the pairs have a sentence that stands alone, "
            "whose B is always random; set format.lone_sentences=skip, a larger max_length, or format.nsp_balance=bert"
        )
    while high - low > _PRECISION:
        middle = (low + high) // 2
        balance = balance_at(middle)
        if balance.sum() <= 0:
            low, balance_low = middle, balance
        else:
            high, balance_high = middle, balance
    differences = balance_low.sum() + np.concatenate([[0], np.cumsum(balance_high - balance_low)])
    switch = int(np.argmin(np.abs(differences)))
    balance = np.concatenate([balance_high[:switch], balance_low[switch:]])
    threshold, extreme = (0, fewest) if differences[switch] > 0 else (_ALWAYS, most)
    differences = differences[switch] + extreme - balance
    exception = int(np.argmin(np.abs(differences)))
    if abs(differences[exception]) >= abs(balance.sum()):
        exception = -1
    return (np.uint64(high), np.uint64(low), np.uint64(threshold)), switch, exception
