"""Which sentences the context probe reads, what stands before them, and which of their tokens it masks."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.base.randomness import epoch_key, sample_key, stream

_MASKED_SHARE = 0.15
_MIN_SENTENCE = 4  # tokens: below it a masked word has next to no sentence


@dataclass(frozen=True)
class ContextTargets:
    """N sentences, all (N,) int64 and in tokens of the store: a sentence is [start, end), its true context the
    `num_context` tokens before it, its foreign one as many before `foreign_end`; `document` is its own document."""

    start: np.ndarray
    end: np.ndarray
    num_context: np.ndarray
    foreign_end: np.ndarray
    document: np.ndarray


def choose_sentences(
    sentence_offsets: np.ndarray, document_offsets: np.ndarray, room: int, max_sentences: int | None
) -> ContextTargets:
    """Draw at most `max_sentences` sentences (all if None) that fit half of `room` tokens and are not their document's
    first, in the store's order.

    The context is all text of the document before the sentence, at most what `room` leaves. The foreign context stands
    before another of these sentences, in another document, and so ends with a sentence as the true one does; a sentence
    for which no other document has so much text is left out. The draws are fixed: all encoders face the same.
    """
    start, end = np.asarray(sentence_offsets[:-1]), np.asarray(sentence_offsets[1:])
    document = np.searchsorted(document_offsets, np.arange(len(start)), side="right") - 1
    num_before = start - np.asarray(sentence_offsets)[np.asarray(document_offsets)[document]]
    length = end - start
    eligible = np.flatnonzero((num_before > 0) & (length >= _MIN_SENTENCE) & (length <= room // 2))
    drawn = eligible[np.argsort(_draws("context sentence", start[eligible]), kind="stable")][:max_sentences]
    chosen = np.sort(drawn)
    num_context = np.minimum(num_before, room - length)
    donors = np.array([_donor(n, chosen, num_before, num_context, document, start) for n in chosen], dtype=np.int64)
    has_donor = donors >= 0
    kept = chosen[has_donor]
    return ContextTargets(start[kept], end[kept], num_context[kept], start[donors[has_donor]], document[kept])


def masked_tokens(start: int, end: int) -> np.ndarray:
    """Return the masked places of the sentence [start, end), ascending: 15 % of its tokens, at least one."""
    places = np.arange(start, end)
    num_masked = max(1, round(_MASKED_SHARE * len(places)))
    return np.sort(places[np.argsort(_draws("context mask", places), kind="stable")[:num_masked]])


def _donor(
    sentence: int,
    chosen: np.ndarray,
    num_before: np.ndarray,
    num_context: np.ndarray,
    document: np.ndarray,
    start: np.ndarray,
) -> int:
    """Return a random one of the chosen sentences, of another document and with enough text before it; else -1."""
    fits = chosen[(document[chosen] != document[sentence]) & (num_before[chosen] >= num_context[sentence])]
    if not len(fits):
        return -1
    return int(fits[_draws("context donor", start[sentence : sentence + 1])[0] % np.uint64(len(fits))])


def _draws(name: str, places: np.ndarray) -> np.ndarray:
    """Return 64 random bits for each place in the store."""
    return sample_key(np.full(1, epoch_key(0, stream(name), 0)), places.astype(np.uint64))
