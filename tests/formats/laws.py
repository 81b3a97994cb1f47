"""Laws of the formats, which judge an index by its store and frame alone; each raises AssertionError."""

import numpy as np
from scipy.stats import binomtest, chisquare


def document_of(store, tokens):
    """Return the documents in which tokens (n,) of the store stand."""
    borders = np.asarray(store.sentence_offsets)[store.document_offsets]
    return np.searchsorted(borders, tokens, side="right") - 1


def check_blocks(store, frame, index):
    """Every token once, in corpus order, no block above T, whole sentences only, no span over two documents."""
    borders = np.asarray(store.sentence_offsets)
    starts, ends = index.spans[:, 0], index.spans[:, 1]
    assert (index.offsets[0], index.offsets[-1]) == (0, len(index.spans))
    assert (np.diff(index.offsets) > 0).all(), "a block is empty"
    assert (starts < ends).all(), "a span is empty"
    assert (starts[0], ends[-1]) == (0, store.num_tokens), "a token is lost"
    assert (starts[1:] == ends[:-1]).all(), "a token is lost or used twice"
    assert index.lengths().max() <= frame.max_length, "a block is longer than T"
    assert (document_of(store, starts) == document_of(store, ends - 1)).all(), "a span crosses documents"
    sentences = np.searchsorted(borders, ends - 1, side="right") - 1
    inside = ends - borders[sentences]
    is_piece = (inside % frame.capacity == 0) & (inside > 0)
    assert ((ends == borders[sentences + 1]) | is_piece).all(), "a sentence is broken that would fit"


def _overflows(store, frame, index):
    """Return (N - 1,) bool: the next block's first unit, with the separators it would need, does not fit before it."""
    borders = np.asarray(store.sentence_offsets)
    starts = index.spans[index.offsets[1:-1], 0]
    ends_before = index.spans[index.offsets[1:-1] - 1, 1]
    sentence_ends = borders[np.searchsorted(borders, starts, side="right")]
    units = np.minimum(sentence_ends - starts, frame.capacity)
    crosses = document_of(store, starts) != document_of(store, ends_before - 1)
    return index.lengths()[:-1] + units + frame.sentence_separator + crosses > frame.max_length


def check_full(store, frame, index):
    """FULL-SENTENCES: a block ends only where the next sentence does not fit."""
    check_blocks(store, frame, index)
    assert _overflows(store, frame, index).all(), "a block ends too early"


def check_doc(store, frame, index):
    """DOC-SENTENCES: a block ends only there or where its document ends, and holds one document."""
    check_blocks(store, frame, index)
    first = document_of(store, index.spans[index.offsets[:-1], 0])
    last = document_of(store, index.spans[index.offsets[1:] - 1, 1] - 1)
    assert (first == last).all(), "a block crosses documents"
    assert (_overflows(store, frame, index) | (first[1:] != last[:-1])).all(), "a block ends too early"


def _check_pairs(store, frame, index):
    """Two spans a pair, each in one document and no longer together than the room; labels are the documents' truth."""
    assert (index.offsets == np.arange(0, 2 * index.num_samples + 1, 2)).all()
    assert (index.separators.reshape(-1, 2) == [frame.pair_separators, 1]).all()
    spans = np.asarray(index.spans).reshape(-1, 2, 2)
    assert (spans[:, :, 0] < spans[:, :, 1]).all(), "a segment is empty"
    assert index.lengths().max() <= frame.max_length, "a pair is longer than T"
    documents = document_of(store, spans)
    ends = document_of(store, spans[:, :, 1] - 1)
    assert (documents[:, :, 0] == ends).all(), "a segment crosses documents"
    is_same = documents[:, 0, 0] == documents[:, 1, 0]
    if index.is_random_next is not None:
        assert (is_same == ~index.is_random_next).all(), "a label is wrong"
    else:
        assert is_same.all(), "an ordered pair is from two documents"
        spans = np.where(index.is_swapped[:, None, None], spans[:, ::-1], spans)
    follows = spans[:, 1, 0] >= spans[:, 0, 1]
    assert (follows | ~is_same).all(), "B does not follow A"
    return spans, is_same


def check_segment_pair(store, frame, index):
    """SEGMENT-PAIR: sentences up to T; no token is twice A or a B that follows, and only trimmed tokens are neither."""
    spans, is_same = _check_pairs(store, frame, index)
    totals = (spans[:, :, 1] - spans[:, :, 0]).sum(1)
    document_ends = np.asarray(store.sentence_offsets)[store.document_offsets[1:]]
    ends_document = np.isin(spans[:, 1, 1], document_ends)
    assert ((totals == frame.pair_capacity) | ends_document).all(), "a pair is short, and its document goes on"
    used = np.zeros(store.num_tokens, np.int64)
    for (a, b), same in zip(spans, is_same, strict=True):
        used[a[0] : a[1]] += 1
        if same:
            used[b[0] : b[1]] += 1
    assert used.max() == 1, "a token is used twice"
    assert (used == 0).sum() <= index.trimmed_tokens, "a sentence is lost"


def check_sentence_pair(store, frame, index):
    """SENTENCE-PAIR: two sentences, whole unless their pair is too long; B is A's next or of another document."""
    spans, is_same = _check_pairs(store, frame, index)
    borders = np.asarray(store.sentence_offsets)
    sentences = np.searchsorted(borders, spans[:, :, 0], side="right") - 1
    assert (spans[:, :, 1] <= borders[sentences + 1]).all(), "a segment is more than a sentence"
    assert ((sentences[:, 1] == sentences[:, 0] + 1) | ~is_same).all(), "B is not the next sentence"
    lengths = spans[:, :, 1] - spans[:, :, 0]
    whole = borders[sentences + 1] - borders[sentences]
    is_trimmed = whole.sum(1) > frame.pair_capacity
    assert ((lengths == whole).all(1) | is_trimmed).all(), "a sentence is trimmed that would fit"
    assert (lengths.sum(1)[is_trimmed] == frame.pair_capacity).all(), "too much is trimmed"
    assert (np.maximum(whole.sum(1) - frame.pair_capacity, 0)).sum() == index.trimmed_tokens


# Laws of distribution; each raises AssertionError where a fair draw would do so once in a thousand times


def check_split_points(spans, chunk, sentence):
    """Pairs (N, 2, 2) of chunks of `chunk` sentences of `sentence` tokens: A holds 1 ... chunk - 1, equally often."""
    counts = np.bincount((spans[:, 0, 1] - spans[:, 0, 0]) // sentence, minlength=chunk)
    assert counts[0] == counts[chunk:].sum() == 0
    assert chisquare(counts[1:]).pvalue > 1e-3, "split points are not uniform"


def check_random_documents(store, index):
    """A random B comes from each of the other documents equally often."""
    a, b = document_of(store, index.spans.reshape(-1, 2, 2)[index.is_random_next, :, 0]).T
    distances = (b - a) % store.num_documents
    assert distances.min() > 0, "a random B is from A's document"
    counts = np.bincount(distances, minlength=store.num_documents)[1:]
    assert chisquare(counts).pvalue > 1e-3, "random documents are not uniform"


def check_trim_sides(index, sentence):
    """Sentences of `sentence` tokens each, none of them trimmed away: tokens leave the front and the back alike."""
    num_front, num_back = int((index.spans[:, 0] % sentence).sum()), int((-index.spans[:, 1] % sentence).sum())
    fair = binomtest(num_front, num_front + num_back).pvalue > 1e-3
    assert fair, "tokens are not trimmed at both ends alike"
