"""Packing whole sentences into blocks of at most T tokens: what FULL-SENTENCES and DOC-SENTENCES share.

Legend: S sentences, D documents, N blocks, P spans.

Arithmetic of one block, `used` being what it holds and `capacity` the most it can:
- without sentence separators its input is `[CLS] piece [SEP] piece [SEP]`, one piece a document, so
  `used = sum(tokens) + (num_pieces - 1) <= capacity = T - 2`;
- with them it is `[CLS] sentence [SEP] sentence [SEP] [SEP] sentence [SEP]`, one [SEP] after each sentence and one more
  between documents, so `used = sum(tokens + 1) + (num_documents - 1) <= capacity = T - 1`, the last sentence's [SEP]
  being the closing one.
"""

import numba
import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex, readonly, refuse_empty
from nsp_ablation.text.store.token_store import TokenStore


@register_jitable
def _take_sentences(sentence_offsets, start, sentence, end, used, extra, capacity, goal, separator):
    """Return the sentence in [sentence, end] at which a block ends that takes them from the token `start` on.

    It holds `used` already and needs `extra` separators before the next one. It takes all that fit, but none that would
    bring it farther from `goal` than it is; an empty block takes the first that fits, whatever its goal.
    """
    base = used + extra - start - separator * sentence
    before, stop = used, sentence
    while stop < end:
        after = base + sentence_offsets[stop + 1] + separator * (stop + 1)
        if after > capacity or (before > 0 and before + after >= 2 * goal):
            break
        before, stop = after, stop + 1
    return stop


@numba.njit(cache=True, nogil=True)
def _pack(
    sentence_offsets, document_offsets, order, capacity, across_documents, separator, goals, spans, separators, offsets
):
    """Pack; fills spans, separators, offsets and returns (N, cut sentences). `separator` is 0 or 1.

    Block i aims at `goals[i % K]`, in the unit of `capacity`, and at what those before it fell short of theirs; goals
    of `capacity` are greedy packing.
    """
    num_blocks, num_spans, num_cut, used, goal = 0, 0, 0, 0, goals[0]
    piece = capacity - separator  # tokens of a sentence's piece that fills a block
    offsets[0] = 0
    for document in order:
        is_open = num_spans > offsets[num_blocks]
        extra = 1 if is_open and across_documents else 0
        must_close = is_open and not across_documents
        sentence, end = document_offsets[document], document_offsets[document + 1]
        start = sentence_offsets[sentence]
        while sentence < end:
            stop = sentence
            if not must_close:
                stop = _take_sentences(sentence_offsets, start, sentence, end, used, extra, capacity, goal, separator)
            if stop == sentence and num_spans > offsets[num_blocks]:  # close the block, look again
                num_blocks, used, extra, must_close, goal = num_blocks + 1, 0, 0, False, goal - used
                offsets[num_blocks], goal = num_spans, goal + goals[num_blocks % len(goals)]
                continue
            if extra:  # the block's last span ends another document
                separators[num_spans - 1] += separator
            if stop == sentence:  # longer than an empty block: cut off a piece, which fills it
                num_cut += start == sentence_offsets[sentence]
                spans[num_spans, 0], spans[num_spans, 1], separators[num_spans] = start, start + piece, 1
                start, used, num_spans = start + piece, capacity, num_spans + 1
                continue
            used += extra + sentence_offsets[stop] - start + separator * (stop - sentence)
            extra = 0
            step = 1 if separator else stop - sentence
            while sentence < stop:
                sentence += step
                spans[num_spans, 0], spans[num_spans, 1], separators[num_spans] = start, sentence_offsets[sentence], 1
                start, num_spans = sentence_offsets[sentence], num_spans + 1
    offsets[num_blocks + 1] = num_spans
    return num_blocks + 1, num_cut


def pack_blocks(
    store: TokenStore,
    frame: Frame,
    *,
    order: np.ndarray | None,
    across_documents: bool,
    fingerprint: str,
    lengths: np.ndarray | None = None,
) -> SampleIndex:
    """Pack the documents, in corpus order or in `order` (D,) int64, into blocks of whole sentences.

    A block ends only where the next sentence (and the extra [SEP] it would need after another document) does not fit,
    or, unless `across_documents`, where the document ends. The extra [SEP] counts in T and never opens a block. A
    sentence longer than `frame.capacity` is cut into pieces of that length and a rest, which are packed like sentences
    (a full piece fills a block alone); no token is dropped.

    With `lengths` (K,) int64, in tokens, block i ends at the sentence border nearest to `lengths[i % K]`, what earlier
    blocks fell short of their lengths being added, and still never above T.
    """
    refuse_empty(store)
    separator = int(frame.sentence_separator)
    capacity = frame.capacity + separator
    max_blocks, max_spans = _most(store, frame, greedy=lengths is None)
    spans = np.empty((max_spans, 2), np.int64)  # memory beyond what is filled is never touched, so never taken
    separators, offsets = np.empty(max_spans, np.uint8), np.empty(max_blocks + 1, np.int64)
    num_blocks, num_cut = _pack(
        readonly(store.sentence_offsets),
        readonly(store.document_offsets),
        np.arange(store.num_documents) if order is None else order,
        capacity,
        across_documents,
        separator,
        np.array([capacity]) if lengths is None else lengths - (frame.max_length - capacity),
        spans,
        separators,
        offsets,
    )
    num_spans = int(offsets[num_blocks])
    return SampleIndex(
        spans=spans[:num_spans],
        separators=separators[:num_spans],
        offsets=offsets[: num_blocks + 1],
        is_pair=False,
        is_random_next=None,
        is_swapped=None,
        trimmed_tokens=0,
        cut_sentences=int(num_cut),
        fingerprint=fingerprint,
    )


def _most(store: TokenStore, frame: Frame, *, greedy: bool) -> tuple[int, int]:
    """Return how many blocks and how many spans there are at most."""
    separator, num_documents = int(frame.sentence_separator), store.num_documents
    num_units = max_blocks = store.num_sentences + store.num_tokens // frame.capacity
    if greedy:
        # A block and the first unit of the next together exceed the capacity, except where a document ends (DOC).
        max_cost = store.num_tokens + separator * num_units + num_documents
        max_blocks = min(num_units, 2 * max_cost // (frame.capacity + separator + 1) + num_documents + 1)
    return max_blocks, num_units if separator else min(num_units, max_blocks + num_documents)
