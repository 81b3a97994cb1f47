"""Packing whole sentences into blocks of at most T tokens: what FULL-SENTENCES and DOC-SENTENCES share.

Legend: S sentences, D documents, N blocks, P spans.

Arithmetic of one block, `room` being T - 2 (T less [CLS] and the closing [SEP]):
- without sentence separators its input is `[CLS] piece [SEP] piece [SEP]`, one piece a document, so
  `sum(tokens) + (num_pieces - 1) <= room`;
- with them it is `[CLS] sentence [SEP] sentence [SEP] [SEP] sentence [SEP]`, one [SEP] after each sentence and one more
  between documents, so `sum(tokens + 1) + (num_documents - 1) <= room + 1`, the last sentence's [SEP] being the
  closing one.
"""

import numba
import numpy as np

from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex, readonly, refuse_empty
from nsp_ablation.text.store.token_store import TokenStore


@numba.njit(cache=True, nogil=True)
def _pack(sentence_offsets, document_offsets, order, room, across_documents, separator, spans, separators, offsets):
    """Pack greedily; fills spans, separators, offsets and returns (N, cut sentences). `separator` is 0 or 1."""
    capacity = room + separator
    num_blocks, num_spans, num_cut, used = 0, 0, 0, 0
    offsets[0] = 0
    for document in order:
        is_open = num_spans > offsets[num_blocks]
        extra = 1 if is_open and across_documents else 0
        if is_open and not across_documents:
            num_blocks, used = num_blocks + 1, 0
            offsets[num_blocks] = num_spans
        sentence, end = document_offsets[document], document_offsets[document + 1]
        start = sentence_offsets[sentence]
        while sentence < end:
            limit = start + capacity - used - extra
            stop = sentence
            while stop < end and sentence_offsets[stop + 1] + separator * (stop + 1 - sentence) <= limit:
                stop += 1
            if stop == sentence and num_spans > offsets[num_blocks]:  # nothing fits: close the block, look again
                num_blocks, used, extra = num_blocks + 1, 0, 0
                offsets[num_blocks] = num_spans
                continue
            if extra:  # the block's last span ends another document
                separators[num_spans - 1] += separator
            if stop == sentence:  # longer than an empty block: cut off a piece, which fills it
                num_cut += start == sentence_offsets[sentence]
                spans[num_spans, 0], spans[num_spans, 1], separators[num_spans] = start, start + room, 1
                start, used, num_spans = start + room, capacity, num_spans + 1
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
    store: TokenStore, frame: Frame, *, order: np.ndarray | None, across_documents: bool, fingerprint: str
) -> SampleIndex:
    """Pack the documents, in corpus order or in `order` (D,) int64, greedily into blocks of whole sentences.

    A block ends only where the next sentence (and the extra [SEP] it would need after another document) does not fit,
    or, unless `across_documents`, where the document ends. The extra [SEP] counts in T and never opens a block. A
    sentence longer than the room is cut into pieces of the room and a rest, which are packed like sentences (a full
    piece fills a block alone); no token is dropped.
    """
    refuse_empty(store)
    num_tokens, num_documents = store.num_tokens, store.num_documents
    separator = int(frame.sentence_separator)
    num_units = store.num_sentences + num_tokens // frame.room
    # A block and the first unit of the next together exceed the capacity, except where a document ends (DOC).
    max_cost = num_tokens + separator * num_units + num_documents
    max_blocks = min(num_units, 2 * max_cost // (frame.room + separator + 1) + num_documents + 1)
    max_spans = num_units if separator else min(num_units, max_blocks + num_documents)
    spans = np.empty((max_spans, 2), np.int64)  # memory beyond what is filled is never touched, so never taken
    separators, offsets = np.empty(max_spans, np.uint8), np.empty(max_blocks + 1, np.int64)
    num_blocks, num_cut = _pack(
        readonly(store.sentence_offsets),
        readonly(store.document_offsets),
        np.arange(num_documents) if order is None else order,
        frame.room,
        across_documents,
        separator,
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
