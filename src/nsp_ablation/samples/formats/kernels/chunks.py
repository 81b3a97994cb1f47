"""One step of BERT's pair builder: a chunk of sentences, its split into A and B, and whether B is random."""

import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.kernels.draws import below, draw64

# Counters of a pair's draws; its key is that of the sentence with which A (before any swap) begins.
SPLIT, CHOICE, DOCUMENT, SENTENCE, SWAP, COINS = (np.uint64(counter) for counter in range(6))


@register_jitable
def take_chunk(sentence_offsets, sentence, document_end, capacity, key, random_threshold):
    """Take a chunk as BERT's `create_instances_from_document` does (short_seq_prob = 0).

    Whole sentences from `sentence` on are taken until they hold `capacity` tokens or the document ends; A ends after a
    number of sentences uniform over 1 ... chunk's sentences - 1; B is random with p = `random_threshold` / 2**64
    (uint64), and always if the chunk is one sentence. Returns (end of A, end of chunk, is random) in sentences; the
    next chunk begins at the end of A if B is random (the unused sentences are put back), else at the end of the chunk.
    """
    full = sentence_offsets[sentence] + capacity
    end = sentence + 1
    while end < document_end and sentence_offsets[end] < full:
        end += 1
    if end == sentence + 1:
        return end, end, True
    a_end = sentence + 1 + np.int64(below(draw64(key, SPLIT), np.uint64(end - sentence - 1)))
    return a_end, end, draw64(key, CHOICE) < random_threshold
