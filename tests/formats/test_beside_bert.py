"""SEGMENT-PAIR beside BERT's own builder: each test shows what the original does and what ours does."""

import random

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.kernels import draws
from nsp_ablation.samples.formats.registry import make_format

BERT = make_format(FormatOptions("segment_pair"), "nsp")
EXACT = make_format(FormatOptions("segment_pair", nsp_balance="exact"), "nsp")
T = 103


@pytest.fixture
def original(reference, originals, index_of_pairs):
    """original(store, short_seq_prob=0.0, seed=0) -> index of what BERT's builder makes of a store at T = 103."""

    def build(store, short_seq_prob=0.0, seed=0):
        documents = reference.documents_of(store)
        return index_of_pairs(originals.bert_pairs(documents, T, short_seq_prob, random.Random(seed)))

    return build


def test_bert_pairs_a_lone_document_with_itself_and_says_random_ours_refuses_it(make_store, make_frame, original, laws):
    store = make_store([[10] * 200])
    theirs = original(store)
    is_own = laws.document_of(store, theirs.spans[1::2, 0]) == laws.document_of(store, theirs.spans[::2, 0])
    assert theirs.is_random_next.any()
    assert is_own[theirs.is_random_next].all()
    with pytest.raises(ValueError, match="takes random segments from other documents"):
        BERT.index(store, make_frame(T), 1, 0)


def test_berts_tenth_draw_may_be_the_own_document_ours_is_another_at_once(originals):
    draw, tries = random.Random(0), 100_000
    own = sum(originals.draw_document(2, 0, draw) == 0 for _ in range(tries))
    assert abs(own - tries / 2**10) < 5 * (tries / 2**10) ** 0.5  # ten draws of two documents
    bits = np.random.Generator(np.random.PCG64(0)).integers(0, 1 << 64, 1000, np.uint64)
    assert {int(draws.other_document(2, 0, number)) for number in bits} == {1}


def test_bert_shortens_the_pairs_of_a_tenth_of_the_documents_ours_of_none(make_store, make_frame, original, laws):
    store = make_store([[10] * 30] * 1000)
    theirs, ours = original(store, short_seq_prob=0.1), BERT.index(store, make_frame(T), 1, 0)

    def shortened(index):
        """Documents with a pair that is short though its document goes on after A and B."""
        starts, ends = index.spans[::2, 0], index.spans[1::2, 1]
        goes_on = ~index.is_random_next & (ends % 300 != 0) & (index.lengths() < T)
        return len(np.unique(laws.document_of(store, starts[goes_on])))

    assert 40 < shortened(theirs) < 140
    assert shortened(ours) == 0
    with pytest.raises(AssertionError, match="a pair is short, and its document goes on"):
        laws.check_segment_pair(store, make_frame(T), theirs)


def test_bert_shuffles_the_documents_ours_keeps_the_corpus_order(make_store, make_frame, originals, reference):
    store = make_store([[10] * 5] * 30)
    theirs = originals.bert_pairs(reference.documents_of(store), T, 0.0, random.Random(0))
    places = [a[0] for a, _, _ in theirs]
    assert places != sorted(places)
    ours = BERT.index(store, make_frame(T), 1, 0).spans[::2, 0]
    assert (np.diff(ours) > 0).all()
    assert set(np.array(places) // 50) == set(ours // 50) == set(range(30))


def test_bert_puts_unused_sentences_back_and_so_does_ours(make_store, make_frame, original, laws):
    store = make_store([[10] * 40] * 50)  # sentences divide the room, so that nothing is trimmed
    for index in (original(store), BERT.index(store, make_frame(T), 1, 0)):
        laws.check_segment_pair(store, make_frame(T), index)  # each token once in A or in a B that follows
        assert index.is_random_next.any()


def kinds(index, length):
    """Return (random, following) pairs by the number of A's sentences, of corpora of 10-token sentences; (2, 9)."""
    num_a = (index.spans[::2, 1] - index.spans[::2, 0]) // 10
    table = np.array([np.bincount(num_a[index.is_random_next == label], minlength=11)[1:10] for label in (1, 0)])
    assert table.sum() > length
    return table


def test_bert_makes_more_than_half_of_its_pairs_random_and_so_does_ours_unless_exact(make_store, make_frame, original):
    store = make_store([[10] * 40] * 1500)
    theirs, ours = original(store), BERT.index(store, make_frame(T), 1, 0)
    exact = EXACT.index(store, make_frame(T), 1, 0)
    assert 0.52 < theirs.is_random_next.mean() < 0.6
    assert 0.52 < ours.is_random_next.mean() < 0.6
    assert abs(exact.is_random_next.mean() - 0.5) < 1e-4
    counts = [[int(i.is_random_next.sum()), int((~i.is_random_next).sum())] for i in (theirs, ours)]
    assert chi2_contingency(counts).pvalue > 1e-3


def test_splits_and_labels_are_distributed_as_berts(make_store, make_frame, original):
    store = make_store([[10] * 40] * 1500)
    tables = [kinds(original(store), 7000), kinds(BERT.index(store, make_frame(T), 1, 0), 7000)]
    flat = np.array([table.ravel() for table in tables])
    assert chi2_contingency(flat).pvalue > 1e-3


def test_lengths_and_trimming_are_distributed_as_berts(make_store, make_frame, original):
    store = make_store([[7, 29, 3, 41, 12, 5, 33, 18] * 6] * 400)
    counts = []
    for index in (original(store), BERT.index(store, make_frame(T), 1, 0)):
        spans = index.spans.reshape(-1, 2, 2)
        cut_front = ~np.isin(spans[:, :, 0], store.sentence_offsets)
        cut_back = ~np.isin(spans[:, :, 1], store.sentence_offsets)
        lengths = np.histogram(spans[:, 0, 1] - spans[:, 0, 0], bins=[0, 10, 25, 40, 60, 80, 101])[0]
        ends = [cut_front[:, 0], cut_back[:, 0], cut_front[:, 1], cut_back[:, 1]]
        counts.append([*lengths, *(int(end.sum()) for end in ends)])
    assert chi2_contingency([row[:6] for row in counts]).pvalue > 1e-3
    assert chi2_contingency([row[6:] for row in counts]).pvalue > 1e-3


def test_bert_draws_the_pairs_of_each_copy_anew_ours_only_if_resampled(
    make_store, make_frame, originals, reference, index_of_pairs
):
    store, draw = make_store([[10] * 40] * 20), random.Random(0)
    documents = reference.documents_of(store)
    copies = [index_of_pairs(originals.bert_pairs(documents, T, 0.0, draw)) for _ in range(2)]  # dupe_factor = 2
    assert copies[0].spans.tolist() != copies[1].spans.tolist()
    resampled = make_format(FormatOptions("segment_pair", resample=True), "nsp")
    fixed, drawn = (
        [made.index(store, make_frame(T), 1, epoch).spans.tolist() for epoch in (0, 1)] for made in (BERT, resampled)
    )
    assert fixed[0] == fixed[1]
    assert drawn[0] != drawn[1]
