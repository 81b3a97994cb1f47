"""What SEGMENT-PAIR and SENTENCE-PAIR share: what they refuse, and how filled arrays become a `SampleIndex`."""

import numpy as np

from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex, refuse_empty
from nsp_ablation.text.store.token_store import TokenStore

MIN_DOCUMENTS = 2


def refuse_unpairable(format_name: str, store: TokenStore, frame: Frame, *, sop: bool) -> None:
    """Raise ValueError if a corpus or a frame cannot give pairs; only SOP never needs another document."""
    refuse_empty(store)
    if not sop and store.num_documents < MIN_DOCUMENTS:
        raise ValueError(
            f"format={format_name} takes random segments from other documents, but the corpus has "
            f"{store.num_documents} document: give a corpus of {MIN_DOCUMENTS} or more, with document borders "
            "(corpus.document_border), or use format=full"
        )
    if frame.sentence_separator:
        raise ValueError(f"format.sentence_separator=true has no meaning for format={format_name}: leave it null")


def pair_index(
    format_name: str,
    frame: Frame,
    spans: np.ndarray,
    labels: np.ndarray,
    *,
    sop: bool,
    trimmed_tokens: int,
    fingerprint: str,
) -> SampleIndex:
    """Return the index of N pairs: spans (2 N, 2) int64, A and B in turn; labels (N,) bool, of SOP or else of NSP.

    Raises ValueError if there is no pair at all.
    """
    num_pairs = len(labels)
    if num_pairs == 0:
        remedy = "set a larger max_length" if sop else "set format.lone_sentences=random"
        raise ValueError(
            f"format={format_name} finds no pair, since no document has two sentences in a row that fit together: "
            f"{remedy}, check corpus.document_border, or use format=full"
        )
    return SampleIndex(
        spans=spans,
        separators=np.tile(np.array([frame.pair_separators, 1], np.uint8), num_pairs),
        offsets=np.arange(0, 2 * num_pairs + 1, 2),
        is_pair=True,
        is_random_next=None if sop else labels,
        is_swapped=labels if sop else None,
        trimmed_tokens=trimmed_tokens,
        cut_sentences=0,
        fingerprint=fingerprint,
    )
