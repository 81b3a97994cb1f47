"""The pairs of SENTENCE-PAIR, compiled."""

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.kernels.chunks import CHOICE, COINS, DOCUMENT, SENTENCE, SWAP
from nsp_ablation.samples.formats.kernels.draws import HALF, below, draw64, other_document, sample_key
from nsp_ablation.samples.formats.kernels.trimming import trim_pair

_BLOCK = 4096  # sentences worked on together: their arrays stay in the processor's cache


@register_jitable
def _flip_coins(epoch_key, low, high, counter, threshold, keys, coins):
    """Fill the keys and the coins (NSP: random, SOP: swapped) of the sentences [low, high)."""
    for i in range(high - low):
        keys[i] = sample_key(epoch_key, np.uint64(low + i))
        coins[i] = draw64(keys[i], counter) < threshold


@register_jitable
def _choose(document_offsets, low, high, state, min_sentences, disjoint, follows, coins, a, b, documents, labels):
    """Fill a, b, documents and labels (n,) with the pairs whose A (before any swap) lies in [low, high).

    `state` is (sentence, document), where the last call stopped. Returns n, the new state, and
    how many sentences are in no pair.
    """
    sentence, document = state
    n = num_left_out = 0
    while sentence < high:
        while document_offsets[document + 1] <= sentence:
            document += 1
        end = document_offsets[document + 1]
        if end - document_offsets[document] < min_sentences or (follows and sentence + 1 == end):
            num_left_out += disjoint or end - document_offsets[document] == 1
            sentence = end
            continue
        stop = min(end - follows, high)
        while sentence < stop:
            label = coins[sentence - low] or sentence + 1 == end
            a[n], b[n], documents[n], labels[n] = sentence, sentence + 1, document, label
            n += 1
            sentence += 2 if disjoint and (follows or not label) else 1
    return n, (sentence, document), num_left_out


# Half of what follows are reads at scattered addresses. The processor has many of them under way at once if they stand
# in short loops of their own, which do nothing but read, from addresses that an earlier loop has named.


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
def _write_spans(sentence_offsets, low, keys, swapped, a, b, capacity, spans):
    """Fill spans (2 n, 2) from the sentences a and b (n,), trimmed to `capacity`; return the tokens trimmed."""
    num_trimmed = 0
    starts, ends = np.empty(len(a), np.int64), np.empty(len(a), np.int64)
    for i in range(len(a)):
        sentence = np.uint64(b[i])
        starts[i], ends[i] = sentence_offsets[sentence], sentence_offsets[sentence + np.uint64(1)]
    for i in range(len(a)):
        sentence = np.uint64(a[i])
        start_a, end_a = sentence_offsets[sentence], sentence_offsets[sentence + np.uint64(1)]
        start_b, end_b = starts[i], ends[i]
        num_excess = end_a - start_a + end_b - start_b - capacity
        if swapped[i]:
            start_a, end_a, start_b, end_b = start_b, end_b, start_a, end_a
        if num_excess > 0:
            key = keys[a[i] - low]
            start_a, end_a, start_b, end_b = trim_pair(start_a, end_a, start_b, end_b, capacity, key, COINS)
            num_trimmed += num_excess
        spans[2 * i, 0], spans[2 * i, 1], spans[2 * i + 1, 0], spans[2 * i + 1, 1] = start_a, end_a, start_b, end_b
    return num_trimmed


@numba.njit(cache=True, nogil=True)
def pair_sentences(sentence_offsets, document_offsets, epoch_key, capacity, choices, first, end, spans, labels):
    """Fill spans (2 N, 2) and labels (N,) in corpus order of A from documents [first, end).

    `choices` are the fewest sentences of a document, whether pairs are disjoint, whether B always follows A (a
    document's last sentence is then no A), and whether the two are swapped by a coin. Returns N, the tokens trimmed,
    the sentences in no pair.
    """
    min_sentences, disjoint, follows, swaps = choices
    keys, coins, unswapped = np.empty(_BLOCK, np.uint64), np.empty(_BLOCK, np.bool_), np.zeros(_BLOCK, np.bool_)
    a, b, documents = np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64), np.empty(_BLOCK, np.int64)
    first_sentence, last_sentence = document_offsets[first], document_offsets[end]
    num_pairs, num_trimmed, num_left_out, state = 0, 0, 0, (first_sentence, first)
    counter, threshold = SWAP if swaps else CHOICE, HALF if swaps or not follows else np.uint64(0)
    for low in range(first_sentence, last_sentence, _BLOCK):
        high = min(low + _BLOCK, last_sentence)
        _flip_coins(epoch_key, low, high, counter, threshold, keys, coins)
        label = labels[num_pairs:]
        n, state, num_alone = _choose(
            document_offsets, low, high, state, min_sentences, disjoint, follows, coins, a, b, documents, label
        )
        if not follows:
            _draw_others(document_offsets, low, keys, label, a[:n], documents, b)
        swapped = label if swaps else unswapped
        num_trimmed += _write_spans(sentence_offsets, low, keys, swapped, a[:n], b, capacity, spans[2 * num_pairs :])
        num_pairs += n
        num_left_out += num_alone
    return num_pairs, num_trimmed, num_left_out
