"""Held-out documents in every layout: each token stands in one input, where it is said to stand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.probes.laid_out_store import lay_out, middle_borders
from nsp_ablation.options.probe_options import LAYOUTS
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

CLS, SEP, MASK, PAD = 1000, 1001, 1002, 1003
documents_of_lengths = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=9), min_size=1, max_size=6)


def store_of(documents):
    """A store of documents given by the lengths of their sentences; tokens count from 0."""
    lengths = [length for document in documents for length in document]
    borders = np.cumsum([0, *lengths]), np.cumsum([0, *map(len, documents)])
    return TokenStore(np.arange(sum(lengths)), *borders, fingerprint="test")


def frame_of(max_length):
    return Frame(max_length, CLS, SEP, MASK, PAD, 1, (CLS, SEP, MASK, PAD), 2000, False)


def rows_of(laid_out, store, separators=1, second_type=1):
    """Return the ids of every input, and its token types."""
    layout = InputLayout(99, CLS, SEP, MASK, PAD, separators, second_type)
    make = laid_out.input_maker(store.ids, layout)
    rows = [make(number).tolist() for number in range(len(laid_out.lengths))]
    second = laid_out.second_segments(layout)
    starts = [len(row) for row in rows] if second is None else second.start.tolist()
    types = [[int(n >= start) * second_type for n in range(len(row))] for row, start in zip(rows, starts, strict=True)]
    return rows, types


@given(
    documents_of_lengths,
    st.sampled_from([*LAYOUTS]),
    st.sampled_from([10, 11, 24, "sentence"]),
    st.sampled_from([1, 2]),
)
@settings(max_examples=200, deadline=None)
def test_every_token_stands_once_where_it_is_said_to_stand(documents, name, length, separators):
    store, frame = store_of(documents), frame_of(24)
    laid_out = lay_out(store, frame, name, length, separators)
    rows, _ = rows_of(laid_out, store, separators)
    assert [len(row) for row in rows] == laid_out.lengths.tolist()
    assert max(map(len, rows)) <= (24 if length == "sentence" else length)
    assert [token for row in rows for token in row if token < CLS] == list(range(store.num_tokens))
    number, position = laid_out.places(np.arange(store.num_tokens))
    assert [rows[n][at] for n, at in zip(number, position, strict=True)] == list(range(store.num_tokens))
    assert np.all(np.diff(number) >= 0)


@given(documents_of_lengths, st.sampled_from(["doc", "pair"]), st.sampled_from([10, 24, "sentence"]))
@settings(max_examples=100, deadline=None)
def test_only_full_goes_on_past_a_document_and_pairs_read_the_same_text_with_either_separator(documents, name, length):
    store = store_of(documents)
    borders = store.sentence_offsets[store.document_offsets]
    texts = []
    for separators in (1, 2):
        rows, _ = rows_of(lay_out(store, frame_of(24), name, length, separators), store, separators)
        texts.append([[token for token in row if token < CLS] for row in rows])
    assert texts[0] == texts[1]
    assert all(
        np.searchsorted(borders, text[0], "right") == np.searchsorted(borders, text[-1], "right") for text in texts[0]
    )


def test_a_document_in_each_layout():
    store = store_of([[3, 2, 2, 4], [2]])
    sentences = [[0, 1, 2], [3, 4], [5, 6], [7, 8, 9, 10], [11, 12]]
    a, b, c, d, e = sentences
    rows = {name: rows_of(lay_out(store, frame_of(24), name, 24, 1), store) for name in LAYOUTS}
    one = [CLS, *a, *b, *c, *d, SEP]
    assert rows["full"] == ([[*one, *e, SEP]], [[0] * 16])
    assert rows["doc"][0] == [one, [CLS, *e, SEP]]
    # cut at the border nearest to the middle, 5; the second document has one sentence, and no B
    assert rows["pair"] == ([[CLS, *a, *b, SEP, *c, *d, SEP], [CLS, *e, SEP]], [[0] * 7 + [1] * 7, [0] * 4])
    double, types = rows_of(lay_out(store, frame_of(24), "pair", 24, 2), store, 2, second_type=0)
    assert double[0] == [CLS, *a, *b, SEP, SEP, *c, *d, SEP]
    assert sum(map(sum, types)) == 0
    single = rows_of(lay_out(store, frame_of(24), "doc", "sentence", 1), store)[0]
    assert single == [[CLS, *sentence, SEP] for sentence in sentences]
    pairs = rows_of(lay_out(store, frame_of(24), "pair", "sentence", 1), store)[0]
    assert pairs == [[CLS, *a, SEP, *b, SEP], [CLS, *c, SEP, *d, SEP], [CLS, *e, SEP]]


@pytest.mark.parametrize(
    ("span", "border"),
    [((0, 10), 4), ((0, 4), -1), ((0, 5), 4), ((4, 20), 10), ((5, 9), -1), ((0, 20), 10), ((2, 12), 4), ((2, 13), 10)],
)
def test_the_border_is_the_nearest_to_the_middle_inside(span, border):
    assert middle_borders(np.array([span]), np.array([0, 4, 10, 20])).tolist() == [border]
