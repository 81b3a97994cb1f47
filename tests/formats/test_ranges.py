"""Documents worked on side by side give what they give one after another."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats import pairs as pairs_module
from nsp_ablation.samples.formats.kernels import ranges as ranges_module
from nsp_ablation.samples.formats.kernels.ranges import document_ranges, side_by_side
from nsp_ablation.samples.formats.registry import make_format


@given(sizes=st.lists(st.integers(1, 50), min_size=1, max_size=60), num_ranges=st.integers(1, 9))
def test_ranges_hold_every_document_once_in_order_and_none_is_empty(sizes, num_ranges):
    found = document_ranges(np.cumsum([0, *sizes]), num_ranges)
    assert [document for first, end in found for document in range(first, end)] == list(range(len(sizes)))
    assert all(first < end for first, end in found)
    assert len(found) <= num_ranges


def test_ranges_are_balanced_by_sentences():
    offsets = np.cumsum([0, *[1] * 900, *[100] * 91])
    sizes = [offsets[end] - offsets[first] for first, end in document_ranges(offsets, 4)]
    assert max(sizes) - min(sizes) <= 200
    assert len(document_ranges(offsets)) == 1, "a small corpus takes no threads"


def test_ranges_of_documents_amid_a_corpus_are_those_of_a_corpus_of_them_alone():
    offsets = np.cumsum([0, *(1 + number % 7 for number in range(200))])
    assert document_ranges(offsets[50:121], 4) == document_ranges(offsets[50:121] - offsets[50], 4)


def test_results_of_ranges_are_in_their_order():
    assert side_by_side(lambda first, end: (end, first), [(0, 3), (3, 5)]) == [(3, 0), (5, 3)]


PAIR_FORMATS = pytest.mark.parametrize(
    "input_format",
    [
        make_format(FormatOptions("segment_pair"), "nsp"),
        make_format(FormatOptions("segment_pair", nsp_balance="exact", lone_sentences="skip"), "nsp"),
        make_format(FormatOptions("segment_pair"), "sop"),
        make_format(FormatOptions("sentence_pair"), "nsp"),
        make_format(FormatOptions("sentence_pair", lone_sentences="skip"), "nsp"),
        make_format(FormatOptions("sentence_pair", pairs="disjoint"), "nsp"),
        make_format(FormatOptions("sentence_pair"), "sop"),
    ],
)


@pytest.fixture
def uneven_store(make_store):
    """119 documents of 1 to 23 sentences of 1 to 9 tokens."""
    return make_store([[1 + (i * j) % 9 for j in range(1 + i * 7 % 23)] for i in range(1, 120)])


@PAIR_FORMATS
def test_pairs_do_not_depend_on_the_number_of_ranges(uneven_store, make_frame, monkeypatch, input_format):
    frame = make_frame(40)
    expected = input_format.index(uneven_store, frame, 1, 0)
    monkeypatch.setattr(ranges_module, "_MIN_SENTENCES", 1)
    for num_ranges in (2, 7):
        monkeypatch.setattr(ranges_module, "num_cores", lambda n=num_ranges: n)
        assert_equal(input_format.index(uneven_store, frame, 1, 0), expected)


@PAIR_FORMATS
@pytest.mark.parametrize("num_cores", [1, 3])
def test_pairs_do_not_depend_on_how_many_sentences_are_a_round(
    uneven_store, make_frame, monkeypatch, input_format, num_cores
):
    frame = make_frame(40)
    expected = input_format.index(uneven_store, frame, 1, 0)
    monkeypatch.setattr(ranges_module, "_MIN_SENTENCES", 1)
    monkeypatch.setattr(ranges_module, "num_cores", lambda: num_cores)
    for num_sentences in (1, 10, 100, 700, uneven_store.num_sentences):
        monkeypatch.setattr(pairs_module, "_ROUND_SENTENCES", num_sentences)
        assert_equal(input_format.index(uneven_store, frame, 1, 0), expected)


def assert_equal(found, expected):
    for name, value in vars(expected).items():
        assert np.array_equal(getattr(found, name), value), name
