"""FULL-SENTENCES and DOC-SENTENCES: equal to the slow reference, and lawful, on any corpus."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format

CORPORA = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=15)
ONE_HUGE_DOCUMENT = [[1 + i * 7 % 23 for i in range(300)]]
MANY_TINY_DOCUMENTS = [[1 + i % 3] for i in range(300)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 40), st.booleans(), st.booleans())
@example(ONE_HUGE_DOCUMENT, 32, False, True)
@example(MANY_TINY_DOCUMENTS, 32, True, True)
@example(MANY_TINY_DOCUMENTS, 9, True, False)
@example([[6], [6], [5]], 8, True, False)
def test_blocks_equal_the_reference(
    make_store, make_frame, rows, reference, lengths, max_length, across_documents, separator
):
    store = make_store(lengths)
    input_format = make_format(FormatOptions("full" if across_documents else "doc"), "nsp")
    index = input_format.index(store, make_frame(max_length, sentence_separator=separator), 1, 0)
    expected = reference.blocks(reference.documents_of(store), max_length, across_documents, separator)
    assert rows(index) == expected
    assert index.lengths().tolist() == [len(row) for row in expected]
    assert index.cut_sentences == sum(length > max_length - 2 for document in lengths for length in document)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 40), st.booleans())
@example(ONE_HUGE_DOCUMENT, 32, False)
@example(MANY_TINY_DOCUMENTS, 32, True)
def test_blocks_are_lawful(make_store, make_frame, laws, lengths, max_length, separator):
    store, frame = make_store(lengths), make_frame(max_length, sentence_separator=separator)
    laws.check_full(store, frame, make_format(FormatOptions("full"), "nsp").index(store, frame, 1, 0))
    laws.check_doc(store, frame, make_format(FormatOptions("doc"), "nsp").index(store, frame, 1, 0))


def test_full_puts_one_extra_separator_between_documents(make_store, make_frame, rows):
    store = make_store([[2, 1], [1], [9]])
    index = make_format(FormatOptions("full"), "nsp").index(store, make_frame(12), 1, 0)
    assert rows(index) == [
        ["[CLS]", 0, 1, 2, "[SEP]", 3, "[SEP]"],
        ["[CLS]", 4, 5, 6, 7, 8, 9, 10, 11, 12, "[SEP]"],  # 9 more tokens and a separator would make 17
    ]


def test_the_extra_separator_counts_in_the_length(make_store, make_frame):
    store = make_store([[5], [3]])  # [CLS] 5 [SEP] 3 [SEP] is 11 long
    input_format = make_format(FormatOptions("full"), "nsp")
    assert input_format.index(store, make_frame(11), 1, 0).lengths().tolist() == [11]
    assert input_format.index(store, make_frame(10), 1, 0).lengths().tolist() == [7, 5]


def test_sentence_separators_stand_after_each_sentence_and_twice_between_documents(make_store, make_frame, rows):
    store = make_store([[2, 1], [1]])
    frame = make_frame(12, sentence_separator=True)
    assert rows(make_format(FormatOptions("full"), "nsp").index(store, frame, 1, 0)) == [
        ["[CLS]", 0, 1, "[SEP]", 2, "[SEP]", "[SEP]", 3, "[SEP]"]
    ]
    assert rows(make_format(FormatOptions("doc"), "nsp").index(store, frame, 1, 0)) == [
        ["[CLS]", 0, 1, "[SEP]", 2, "[SEP]"],
        ["[CLS]", 3, "[SEP]"],
    ]


def test_a_sentence_longer_than_the_room_is_cut_and_its_rest_is_packed(make_store, make_frame, rows):
    store = make_store([[1, 14, 3]])
    index = make_format(FormatOptions("doc"), "nsp").index(store, make_frame(8), 1, 0)
    assert rows(index) == [
        ["[CLS]", 0, "[SEP]"],
        ["[CLS]", *range(1, 7), "[SEP]"],
        ["[CLS]", *range(7, 13), "[SEP]"],
        ["[CLS]", 13, 14, 15, 16, 17, "[SEP]"],
    ]
    assert (index.cut_sentences, index.trimmed_tokens) == (1, 0)


@pytest.mark.parametrize(
    "input_format", [make_format(FormatOptions("full"), "nsp"), make_format(FormatOptions("doc", resample=True), "nsp")]
)
def test_blocks_do_not_depend_on_seed_and_epoch_where_nothing_is_drawn(make_store, make_frame, rows, input_format):
    store, frame = make_store([[3, 4, 5]] * 20), make_frame(16)
    first, second = (input_format.index(store, frame, seed, epoch) for seed, epoch in [(1, 0), (2, 7)])
    assert rows(first) == rows(second)
    assert first.fingerprint == second.fingerprint


def test_resampled_full_packs_the_documents_in_an_order_drawn_by_seed_and_epoch(make_store, make_frame, rows, laws):
    store, frame = make_store([[1 + i % 5, 3] for i in range(60)]), make_frame(16)
    orders = []
    for seed, epoch in [(1, 0), (1, 1), (2, 0), (1, 0)]:
        index = make_format(FormatOptions("full", resample=True), "nsp").index(store, frame, seed, epoch)
        documents = laws.document_of(store, index.spans[:, 0])
        order = documents[np.sort(np.unique(documents, return_index=True)[1])].tolist()
        assert sorted(order) == list(range(60))
        orders.append(order)
        in_order = make_store([[1 + i % 5, 3] for i in order])
        expected = make_format(FormatOptions("full"), "nsp").index(in_order, frame, 1, 0)
        assert index.lengths().tolist() == expected.lengths().tolist()
        assert sorted(token for row in rows(index) for token in row if isinstance(token, int)) == list(
            range(store.num_tokens)
        )
    assert orders[0] == orders[3]
    assert len({tuple(order) for order in orders}) == 3
