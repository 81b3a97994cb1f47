"""What texts of the tasks share with the corpus: 13-grams of token ids (Brown et al. 2020, appendix C)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from nsp_ablation.samples.formats.kernels.shared_ngrams import shared_ngrams

NGRAM_TOKENS = 13


@dataclass(frozen=True)
class Overlap:
    """Of one task: its contexts, those of fewer than 13 tokens and those that share a 13-gram; its 13-grams, and those
    that are shared. A 13-gram counts as often as it stands in the contexts."""

    contexts: int
    short_contexts: int
    shared_contexts: int
    ngrams: int
    shared_ngrams: int


def measure_overlaps(
    contexts: Mapping[str, list[np.ndarray]], pieces: Iterable[np.ndarray], document_starts: np.ndarray
) -> dict[str, Overlap]:
    """Return the overlap of each task's contexts, token ids (n,), with a corpus, in one pass over it.

    The corpus is given as pieces of its ids, in order, and where its documents start, (D,) in tokens, ascending.
    """
    texts = [text for several in contexts.values() for text in several]
    offsets = np.cumsum([0, *map(len, texts)])
    flat = np.concatenate([np.zeros(0, np.uint32), *texts])
    is_ngram, is_shared = shared_ngrams(flat, offsets, pieces, document_starts, NGRAM_TOKENS)
    # Sums up to each border: a difference is what one text has.
    num_ngrams, num_shared = (np.diff(np.append(0, np.cumsum(part))[offsets]) for part in (is_ngram, is_shared))
    found, first = {}, 0
    for name, several in contexts.items():
        own = slice(first, first + len(several))
        ngrams, shared = num_ngrams[own], num_shared[own]
        counts = len(several), (ngrams == 0).sum(), (shared > 0).sum(), ngrams.sum(), shared.sum()
        found[name] = Overlap(*map(int, counts))
        first += len(several)
    return found
