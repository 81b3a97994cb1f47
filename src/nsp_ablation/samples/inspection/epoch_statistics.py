"""What an epoch of a format holds, over all of its samples: fill, segments, documents, cuts."""

# N samples, P spans

from dataclasses import dataclass

import numpy as np

from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore


@dataclass(frozen=True)
class PairStatistics:
    """Means over the pairs of an epoch; the first of two values is that of A.

    `cut_share` is the share of pairs that begin or end inside a sentence because they were longer than T.
    """

    segment_tokens: tuple[float, float]
    segment_sentences: tuple[float, float]
    cut_share: float


@dataclass(frozen=True)
class BlockStatistics:
    """Means over the single sequences of an epoch; `crossing_share` is the share that crosses a document border."""

    sentences: float
    documents: float
    max_documents: int
    crossing_share: float


def pair_statistics(store: TokenStore, index: SampleIndex) -> PairStatistics:
    """Return the statistics of a format of pairs; a sentence that is there in part counts as one."""
    assert index.is_pair
    first, last = _sentences(store, index)
    borders = np.asarray(store.sentence_offsets)
    is_cut = (borders[first] != index.spans[:, 0]) | (borders[last + 1] != index.spans[:, 1])
    tokens = (index.spans[:, 1] - index.spans[:, 0]).reshape(-1, 2).mean(0)
    sentences = (last - first + 1).reshape(-1, 2).mean(0)
    return PairStatistics(
        segment_tokens=(float(tokens[0]), float(tokens[1])),
        segment_sentences=(float(sentences[0]), float(sentences[1])),
        cut_share=float(is_cut.reshape(-1, 2).any(1).mean()),
    )


def block_statistics(store: TokenStore, index: SampleIndex) -> BlockStatistics:
    """Return the statistics of a format of single sequences."""
    assert not index.is_pair
    first, last = _sentences(store, index)
    documents = np.searchsorted(np.asarray(store.document_offsets), first, side="right") - 1
    # A span adds a document where the one before it in the same sample stood in another.
    adds_document, adds_sentence = np.ones(len(first), np.int64), last - first + 1
    adds_document[1:] = documents[1:] != documents[:-1]
    adds_document[index.offsets[:-1]] = 1
    num_documents = np.add.reduceat(adds_document, index.offsets[:-1])
    num_sentences = np.add.reduceat(adds_sentence, index.offsets[:-1])
    return BlockStatistics(
        sentences=float(num_sentences.mean()),
        documents=float(num_documents.mean()),
        max_documents=int(num_documents.max()),
        crossing_share=float((num_documents > 1).mean()),
    )


def _sentences(store: TokenStore, index: SampleIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last sentence (P,) int64 of each span."""
    borders = np.asarray(store.sentence_offsets)
    spans = np.asarray(index.spans)
    first, last = (np.searchsorted(borders, tokens, side="right") - 1 for tokens in (spans[:, 0], spans[:, 1] - 1))
    return first, last
