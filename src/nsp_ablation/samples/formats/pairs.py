"""What SEGMENT-PAIR and SENTENCE-PAIR share: what they refuse, and how their kernels fill a `SampleIndex`."""

from collections.abc import Callable

import numpy as np

from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.kernels.ranges import document_ranges, joined, side_by_side
from nsp_ablation.samples.formats.sample_index import SampleIndex, refuse_empty
from nsp_ablation.text.store.token_store import TokenStore

MIN_DOCUMENTS = 2


def refuse_unpairable(format_name: str, store: TokenStore, frame: Frame, *, needs_other_document: bool) -> None:
    """Raise ValueError if a corpus or a frame cannot give pairs, of which B may come from another document."""
    refuse_empty(store)
    if needs_other_document and store.num_documents < MIN_DOCUMENTS:
        raise ValueError(
            f"format={format_name} takes random segments from other documents, but the corpus has "
            f"{store.num_documents} document: give a corpus of {MIN_DOCUMENTS} or more, with document borders "
            "(corpus.document_border), or use format=full"
        )
    if frame.sentence_separator:
        raise ValueError(f"format.sentence_separator=true has no meaning for format={format_name}: leave it null")


def build_pairs(
    format_name: str,
    store: TokenStore,
    frame: Frame,
    kernel: Callable[[int, int, np.ndarray, np.ndarray], tuple[int, int, int]],
    fingerprint: str,
    *,
    swaps: bool,
    follows: bool,
) -> SampleIndex:
    """Return the index of the pairs that a kernel finds, ranges of documents being worked on side by side.

    `kernel(first, end, spans, labels)` fills spans (2 n, 2), A and B in turn, and labels (n,), of SOP if `swaps`, else
    of NSP, from the documents [first, end), and returns n, the tokens trimmed and the sentences left out. Raises
    ValueError if there is no pair.
    """
    document_offsets = store.document_offsets
    spans = np.empty((2 * store.num_sentences, 2), np.int64)  # what is never touched takes no memory
    labels = np.empty(store.num_sentences, np.bool_)

    def fill(first: int, end: int) -> tuple[int, int, int]:
        start = int(document_offsets[first])
        return kernel(first, end, spans[2 * start :], labels[start:])

    ranges = document_ranges(document_offsets)
    num_pairs, num_trimmed, num_left_out = (
        list(map(int, counts)) for counts in zip(*side_by_side(fill, ranges), strict=True)
    )
    starts = [int(document_offsets[first]) for first, _ in ranges]
    labels = joined(labels, starts, num_pairs)
    _refuse_none(format_name, len(labels), follows=follows)
    return SampleIndex(
        spans=joined(spans, [2 * start for start in starts], [2 * n for n in num_pairs]),
        separators=np.tile(np.array([frame.pair_separators, 1], np.uint8), len(labels)),
        offsets=np.arange(0, 2 * len(labels) + 1, 2),
        is_pair=True,
        is_random_next=None if swaps else labels,
        is_swapped=labels if swaps else None,
        trimmed_tokens=sum(num_trimmed),
        cut_sentences=0,
        fingerprint=fingerprint,
        left_out_sentences=sum(num_left_out),
    )


def _refuse_none(format_name: str, num_pairs: int, *, follows: bool) -> None:
    if num_pairs == 0:
        remedy = "set a larger max_length" if follows else "set format.lone_sentences=random"
        raise ValueError(
            f"format={format_name} finds no pair, since no document has two sentences in a row that fit together: "
            f"{remedy}, check corpus.document_border, or use format=full"
        )
