"""Every format equals its slow reference on corpora at the edge: one-word sentences, lone ones, overlong ones,
thousands of tiny documents, one huge document."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format


def corpora(lengths, max_sentences):
    return st.lists(st.lists(lengths, min_size=1, max_size=max_sentences), min_size=2, max_size=10)


ONE_WORD, USUAL, OVERLONG = st.just(1), st.integers(1, 20), st.integers(50, 200)
CORPORA = st.one_of(
    corpora(ONE_WORD, 40),
    corpora(USUAL, 1),
    corpora(OVERLONG, 3),
    corpora(st.one_of(ONE_WORD, USUAL, OVERLONG), 12),
)
THOUSANDS_OF_TINY_DOCUMENTS = [[1 + i % 3] * (1 + i % 2) for i in range(2000)]
ONE_HUGE_DOCUMENT = [[1 + i * 7 % 23 for i in range(5000)], [4]]


def examples(function):
    """Try the two large corpora as well, at T = 32."""
    for corpus, option in ((THOUSANDS_OF_TINY_DOCUMENTS, False), (ONE_HUGE_DOCUMENT, True)):
        function = example(corpus, 32, option, 3)(function)
    return settings(max_examples=50, deadline=None, derandomize=True)(
        given(CORPORA, st.integers(8, 48), st.booleans(), st.integers(0, 9))(function)
    )


@examples
def test_blocks(make_store, make_frame, rows, reference, laws, lengths, max_length, separator, epoch):
    store, frame = make_store(lengths), make_frame(max_length, sentence_separator=separator)
    documents = reference.documents_of(store)
    for input_format, across in (
        (make_format(FormatOptions("full"), "nsp"), True),
        (make_format(FormatOptions("doc"), "nsp"), False),
    ):
        index = input_format.index(store, frame, 1, epoch)
        assert rows(index) == reference.blocks(documents, max_length, across, separator)
        (laws.check_full if across else laws.check_doc)(store, frame, index)
    assert rows(make_format(FormatOptions("doc", resample=True), "nsp").index(store, frame, 1, epoch)) == rows(index)


@examples
def test_resampled_blocks(make_store, make_frame, rows, reference, laws, lengths, max_length, separator, epoch):
    store, frame = make_store(lengths), make_frame(max_length, sentence_separator=separator)
    documents = reference.documents_of(store)
    index = make_format(FormatOptions("full", resample=True), "nsp").index(store, frame, 1, epoch)
    order = list(dict.fromkeys(laws.document_of(store, index.spans[:, 0]).tolist()))
    assert sorted(order) == list(range(len(documents)))
    expected = reference.blocks([documents[number] for number in order], max_length, True, separator)
    assert rows(index) == expected


@examples
def test_segment_pairs(make_store, make_frame, rows, reference, laws, lengths, max_length, resample, epoch):
    store, frame = make_store(lengths), make_frame(max_length)
    draws = reference.Draws(1, "segment_pair", epoch if resample else 0)
    expected = reference.segment_pairs(reference.documents_of(store), max_length - 3, 1, draws)
    index = make_format(FormatOptions("segment_pair", resample=resample), "nsp").index(store, frame, 1, epoch)
    assert rows(index) == [row for row, _ in expected]
    assert index.is_random_next.tolist() == [label for _, label in expected]
    laws.check_segment_pair(store, frame, index)


@examples
def test_sentence_pairs(make_store, make_frame, rows, reference, laws, lengths, max_length, resample, epoch):
    store, frame = make_store(lengths), make_frame(max_length)
    for pairs in ("overlapping", "disjoint"):
        draws = reference.Draws(1, "sentence_pair", epoch if resample else 0)
        expected = reference.sentence_pairs(reference.documents_of(store), max_length - 3, 1, draws, pairs)
        index = make_format(FormatOptions("sentence_pair", pairs=pairs, resample=resample), "nsp").index(
            store, frame, 1, epoch
        )
        assert rows(index) == [row for row, _ in expected]
        assert index.is_random_next.tolist() == [label for _, label in expected]
        laws.check_sentence_pair(store, frame, index)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 48), st.sampled_from(["random", "skip"]), st.integers(0, 9))
@example([[1 + i * 7 % 23 for i in range(600)], [4]], 32, "random", 3)
@example([[1 + i % 3] * (1 + i % 2) for i in range(400)], 32, "skip", 3)
def test_exactly_balanced_segment_pairs(
    make_store, make_frame, rows, reference, laws, lengths, max_length, lone_sentences, seed
):
    store, frame, room = make_store(lengths), make_frame(max_length), max_length - 3
    documents, draws = reference.documents_of(store), reference.Draws(seed, "segment_pair", 0)
    exact = make_format(FormatOptions("segment_pair", nsp_balance="exact", lone_sentences=lone_sentences), "nsp")
    try:
        thresholds = reference.exact_thresholds(documents, room, draws, lone_sentences)
    except ValueError:
        with pytest.raises(ValueError, match="cannot be met"):
            exact.index(store, frame, seed, 0)
        return
    expected = reference.segment_pairs(documents, room, 1, draws, lone_sentences, thresholds=thresholds)
    if expected:
        index = exact.index(store, frame, seed, 0)
        assert rows(index) == [row for row, _ in expected]
        assert index.is_random_next.tolist() == [label for _, label in expected]


def test_the_rest_of_a_cut_sentence_is_packed_like_a_sentence_across_documents_too(make_store, make_frame, rows):
    store = make_store([[8], [2], [1]])
    assert rows(make_format(FormatOptions("full"), "nsp").index(store, make_frame(8), 1, 0)) == [
        ["[CLS]", 0, 1, 2, 3, 4, 5, "[SEP]"],
        ["[CLS]", 6, 7, "[SEP]", 8, 9, "[SEP]"],
        ["[CLS]", 10, "[SEP]"],
    ]
    assert rows(make_format(FormatOptions("doc"), "nsp").index(store, make_frame(8), 1, 0)) == [
        ["[CLS]", 0, 1, 2, 3, 4, 5, "[SEP]"],
        ["[CLS]", 6, 7, "[SEP]"],
        ["[CLS]", 8, 9, "[SEP]"],
        ["[CLS]", 10, "[SEP]"],
    ]
