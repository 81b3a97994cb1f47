"""SEGMENT-PAIR: equal to BERT's builder where the draws are given, lawful, and distributed as BERT's."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format

CORPORA = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=2, max_size=12)
ONE_HUGE_DOCUMENT = [[1 + i * 7 % 23 for i in range(300)], [4]]
MANY_TINY_DOCUMENTS = [[1 + i % 3] for i in range(300)]
BERT = make_format(FormatOptions("segment_pair"), "nsp")
SOP = make_format(FormatOptions("segment_pair"), "sop")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 60), st.sampled_from([1, 2]), st.sampled_from(["random", "skip"]), st.integers(0, 9))
@example(ONE_HUGE_DOCUMENT, 64, 1, "random", 1)
@example(MANY_TINY_DOCUMENTS, 16, 2, "random", 1)
@example([[200, 3, 200], [150], [1]], 16, 1, "skip", 1)
def test_pairs_equal_the_reference(
    make_store, make_frame, rows, reference, lengths, max_length, pair_separators, lone_sentences, seed
):
    store, frame = make_store(lengths), make_frame(max_length, pair_separators=pair_separators)
    room = max_length - 2 - pair_separators
    documents, draws = reference.documents_of(store), reference.Draws(seed, "segment_pair", 0)
    for order in ("nsp", "sop"):
        expected = reference.segment_pairs(documents, room, pair_separators, draws, lone_sentences, order)
        if not expected:
            continue
        index = make_format(FormatOptions("segment_pair", lone_sentences=lone_sentences), order).index(
            store, frame, seed, 5
        )
        assert rows(index) == [row for row, _ in expected]
        labels = index.is_random_next if order == "nsp" else index.is_swapped
        assert labels.tolist() == [label for _, label in expected]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 60), st.sampled_from([1, 2]))
@example(ONE_HUGE_DOCUMENT, 64, 1)
@example(MANY_TINY_DOCUMENTS, 16, 2)
def test_pairs_are_lawful(make_store, make_frame, laws, lengths, max_length, pair_separators):
    store, frame = make_store(lengths), make_frame(max_length, pair_separators=pair_separators)
    laws.check_segment_pair(store, frame, BERT.index(store, frame, 1, 0))


def test_a_literal_pair_of_a_document_that_fits(make_store, make_frame, rows):
    store = make_store([[2, 3], [4]])
    index = BERT.index(store, make_frame(16), 1, 0)
    followed = ["[CLS]", 0, 1, "[SEP]", 2, 3, 4, "[SEP]"]
    drawn = [["[CLS]", 0, 1, "[SEP]", 5, 6, 7, 8, "[SEP]"], ["[CLS]", 2, 3, 4, "[SEP]", 5, 6, 7, 8, "[SEP]"]]
    assert rows(index)[:-1] in ([followed], drawn)
    assert rows(index)[-1][:6] == ["[CLS]", 5, 6, 7, 8, "[SEP]"]


def test_segments_hold_several_sentences_and_fill_long_documents(make_store, make_frame):
    index = BERT.index(make_store([[5] * 400] * 5), make_frame(128), 1, 0)
    assert index.lengths().mean() > 0.95 * 128
    assert (index.spans[:, 1] - index.spans[:, 0]).mean() > 8 * 5


@pytest.fixture(scope="module")
def even_pairs(make_store, make_frame):
    """Pairs of a corpus of sentences of 10 tokens, chunks of 10 sentences: (lengths (N, 2), starts (N, 2), labels)."""
    index = BERT.index(make_store([[10] * 1000] * 40), make_frame(103), 3, 0)
    spans = index.spans.reshape(-1, 2, 2)
    ends_document = (spans[:, 1, 1] % 10_000 == 0) | (spans[:, 0, 0] % 10_000 > 9_000)
    return spans[~ends_document], index.is_random_next[~ends_document]


def test_split_points_are_uniform_over_sentences(even_pairs, laws):
    spans, labels = even_pairs
    for label in (True, False):
        laws.check_split_points(spans[labels == label], chunk=10, sentence=10)


def test_half_of_the_free_choices_are_random(even_pairs):
    _, labels = even_pairs
    assert binomtest(int(labels.sum()), len(labels)).pvalue > 1e-3


def test_random_documents_and_starts_are_uniform(even_pairs):
    spans, labels = even_pairs
    starts = spans[labels, 1, 0]
    distances = (starts // 10_000 - spans[labels, 0, 0] // 10_000) % 40
    assert distances.min() > 0
    assert chisquare(np.bincount(distances, minlength=40)[1:]).pvalue > 1e-3
    starts = starts[starts % 10_000 < 9_000] % 10_000 // 10  # later ones may end a document and were left out above
    assert chisquare(np.bincount(starts, minlength=900)).pvalue > 1e-3


def test_tokens_are_trimmed_at_either_end_with_half_probability(make_store, make_frame, laws):
    store = make_store([[33] * 500] * 20)
    index = BERT.index(store, make_frame(103), 1, 0)
    num_front, num_back = index.spans[:, 0] % 33, -index.spans[:, 1] % 33
    assert num_front.sum() + num_back.sum() == index.trimmed_tokens > 10_000
    laws.check_trim_sides(index, sentence=33)


def test_documents_of_one_sentence_are_random_or_left_out(make_store, make_frame, laws):
    store, frame = make_store([[3], [2, 2, 2], [4], [5, 1]]), make_frame(16)
    for lone_sentences, expected in [("random", {0, 1, 2, 3}), ("skip", {1, 3})]:
        index = make_format(FormatOptions("segment_pair", lone_sentences=lone_sentences), "nsp").index(
            store, frame, 1, 0
        )
        documents = laws.document_of(store, index.spans[::2, 0])
        assert set(documents) == expected
        assert index.is_random_next[np.isin(documents, [0, 2])].all()


def test_more_than_half_of_berts_pairs_are_random_in_documents_that_end(make_store, make_frame):
    index = BERT.index(make_store([[10] * 40] * 1000), make_frame(103), 1, 0)
    assert 0.52 < index.is_random_next.mean() < 0.6


@settings(max_examples=50, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 60))
@example(ONE_HUGE_DOCUMENT, 64)
def test_ordered_pairs_follow_one_another_in_the_corpus(make_store, make_frame, laws, lengths, max_length):
    store, frame = make_store([[1, 1], *lengths]), make_frame(max_length)
    index = SOP.index(store, frame, 1, 0)
    spans = np.where(
        index.is_swapped[:, None, None], index.spans.reshape(-1, 2, 2)[:, ::-1], index.spans.reshape(-1, 2, 2)
    )
    assert (spans.reshape(-1, 2)[1:, 0] >= spans.reshape(-1, 2)[:-1, 1]).all()
    assert (laws.document_of(store, spans[:, 0, 0]) == laws.document_of(store, spans[:, 1, 1] - 1)).all()


def test_half_of_the_ordered_pairs_are_swapped(make_store, make_frame):
    index = SOP.index(make_store([[10] * 1000] * 40), make_frame(103), 3, 0)
    assert index.is_random_next is None
    assert binomtest(int(index.is_swapped.sum()), index.num_samples).pvalue > 1e-3
