"""The pairs of SEGMENT-PAIR, compiled."""

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.kernels.chunks import COINS, DOCUMENT, SENTENCE, SWAP, take_chunk
from nsp_ablation.samples.formats.kernels.draws import HALF, draw64, other_document, sample_key, sentence_within
from nsp_ablation.samples.formats.kernels.nsp_balance import document_threshold
from nsp_ablation.samples.formats.kernels.trimming import trim_pair


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
def pair_segments(
    sentence_offsets, document_offsets, epoch_key, capacity, balance, choices, first, last, spans, labels
):
    """Fill spans (2 N, 2) and labels (N,) in corpus order of A from documents [first, last).

    `choices` are the fewest sentences of a document, whether B always follows A (chunks of one sentence are then left
    out), and whether the two are swapped by a coin. Returns N, the tokens trimmed, the sentences left out.
    """
    min_sentences, follows, swaps = choices
    num_pairs, num_trimmed, num_left_out = 0, 0, 0
    for document in range(first, last):
        sentence, end = document_offsets[document], document_offsets[document + 1]
        if end - sentence < min_sentences:
            num_left_out += end - sentence
            continue
        threshold = document_threshold(balance, document)
        while sentence < end:
            key = sample_key(epoch_key, np.uint64(sentence))
            a_end, chunk_end, is_random = take_chunk(sentence_offsets, sentence, end, capacity, key, threshold)
            start_a, end_a = sentence_offsets[sentence], sentence_offsets[a_end]
            start_b, end_b, label = end_a, sentence_offsets[chunk_end], is_random
            sentence = a_end if is_random else chunk_end
            if follows and is_random:  # one sentence: nothing follows it in its chunk
                num_left_out += 1
                continue
            if swaps:
                label = draw64(key, SWAP) < HALF
                if label:
                    start_a, end_a, start_b, end_b = start_b, end_b, start_a, end_a
            elif is_random:
                start_b, end_b = _random_segment(
                    sentence_offsets, document_offsets, document, key, capacity - end_a + start_a
                )
            num_trimmed += max(0, end_a - start_a + end_b - start_b - capacity)
            start_a, end_a, start_b, end_b = trim_pair(start_a, end_a, start_b, end_b, capacity, key, COINS)
            spans[2 * num_pairs, 0], spans[2 * num_pairs, 1] = start_a, end_a
            spans[2 * num_pairs + 1, 0], spans[2 * num_pairs + 1, 1] = start_b, end_b
            labels[num_pairs] = label
            num_pairs += 1
    return num_pairs, num_trimmed, num_left_out
