"""The JSONL of `stage=inspect`: its laws hold on the file alone."""

import json

import numpy as np
import pytest

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.samples.inspection.contract import header, pieces, sample_rows, write_jsonl
from nsp_ablation.text.store.token_store import TokenStore

FORMATS = ["segment_pair", "sentence_pair", "full", "doc"]
HEADER = [
    "format",
    "masking",
    "copies",
    "objective",
    "seed",
    "epoch",
    "max_length",
    "store",
    "num_documents",
    "num_sentences",
    "num_tokens",
    "special_token_ids",
    "vocab_size",
]
ROW = [
    "sample",
    "input_ids",
    "masked_input_ids",
    "token_type_ids",
    "special_tokens_mask",
    "labels",
    "is_random_next",
    "is_swapped",
    "spans",
    "segment_spans",
]


@pytest.fixture
def written(tmp_path, store, frame, index_in, dynamic):
    """Return a function that writes every sample of a format and reads the file back."""

    def run(name, epoch=1, order="nsp", sentence_separator=False):
        index = index_in(name, order=order, sentence_separator=sentence_separator)
        head = header(store, frame, dynamic, epoch, format_name=name, objective="mlm_nsp", seed=1)
        rows = sample_rows(store, index, frame, dynamic, epoch, np.arange(index.num_samples))
        write_jsonl(tmp_path / "samples.jsonl", head, rows)
        first, *lines = [json.loads(line) for line in (tmp_path / "samples.jsonl").read_text().splitlines()]
        assert len(lines) == index.num_samples
        return first, lines

    return run


def test_the_first_line_is_the_header(written, store):
    first, _ = written("full", epoch=3)
    assert list(first) == ["header"]
    assert list(first["header"]) == HEADER
    assert first["header"]["special_token_ids"] == {"cls": 0, "sep": 2, "mask": 4, "pad": 1}
    assert first["header"]["num_tokens"] == store.num_tokens
    assert (first["header"]["epoch"], first["header"]["masking"], first["header"]["copies"]) == (3, "dynamic", None)


@pytest.mark.parametrize("name", FORMATS)
def test_rows_hold_the_fields_of_the_contract_in_corpus_order(written, name):
    _, rows = written(name)
    assert [row["sample"] for row in rows] == list(range(len(rows)))
    for row in rows:
        assert list(row) == ROW
        columns = [row[column] for column in ROW[1:6]]
        assert len({len(column) for column in columns}) == 1
        assert len(columns[0]) <= 40


@pytest.mark.parametrize("name", FORMATS)
def test_spans_name_the_sentences_and_tokens_of_the_store(written, store, name):
    _, rows = written(name)
    for row in rows:
        text = [
            token for token, special in zip(row["input_ids"], row["special_tokens_mask"], strict=True) if not special
        ]
        assert text == [int(token) for *_, start, end in row["spans"] for token in store.ids[start:end]]
        for document, first, last, start, end in row["spans"]:
            assert store.document_offsets[document] <= first < last <= store.document_offsets[document + 1]
            assert store.sentence_offsets[first] <= start < store.sentence_offsets[first + 1]
            assert store.sentence_offsets[last - 1] < end <= store.sentence_offsets[last]


@pytest.mark.parametrize("name", FORMATS)
def test_masks_follow_from_the_row_alone(written, name):
    first, rows = written(name)
    ids = first["header"]["special_token_ids"]
    for row in rows:
        candidates = [i for i, special in enumerate(row["special_tokens_mask"]) if not special]
        predicted = [i for i, label in enumerate(row["labels"]) if label != -100]
        assert len(predicted) == max(1, round(0.15 * len(candidates)))
        assert set(predicted) <= set(candidates)
        for i, (before, after) in enumerate(zip(row["input_ids"], row["masked_input_ids"], strict=True)):
            assert row["labels"][i] in (-100, before)
            assert i in predicted or before == after
            assert row["special_tokens_mask"][i] or before not in ids.values()
            assert before == after or after == ids["mask"] or after >= 5


def test_pairs_have_two_spans_and_labels(written):
    for order, label, other in (("nsp", "is_random_next", "is_swapped"), ("sop", "is_swapped", "is_random_next")):
        _, rows = written("sentence_pair", order=order)
        assert {row[label] for row in rows} == {0, 1}
        assert {row[other] for row in rows} == {None}
        assert all(row["segment_spans"] == 1 and len(row["spans"]) == 2 for row in rows)
    _, rows = written("segment_pair")
    for row in rows:
        (document_a, *_, end_a), (document_b, _, _, start_b, _) = row["spans"]
        assert (document_a != document_b) if row["is_random_next"] else (document_a == document_b and end_a <= start_b)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_single_sequences_have_no_labels_and_one_span_a_document(written, name):
    for sentence_separator in (False, True):
        _, rows = written(name, sentence_separator=sentence_separator)
        assert {(row["is_random_next"], row["is_swapped"], row["segment_spans"]) for row in rows} == {(None,) * 3}
        for row in rows:
            documents = [span[0] for span in row["spans"]]
            assert len(documents) == len(set(documents))
            assert name == "full" or len(documents) == 1
    # the separators of sentences leave the spans as they are
    assert any(row["spans"][0][2] - row["spans"][0][1] > 1 and row["special_tokens_mask"].count(1) > 3 for row in rows)


def test_pieces_of_a_small_store_by_hand():
    # document 0: sentences [0, 3) and [3, 5); document 1: sentence [5, 9)
    store = TokenStore.from_documents([[[10, 11, 12], [13, 14]], [[15, 16, 17, 18]]], vocab_size=200)
    separate = {"is_random_next": None, "is_swapped": None, "trimmed_tokens": 0, "cut_sentences": 0, "fingerprint": ""}

    def spans_of(spans, *, is_pair):
        ones = np.ones(len(spans), np.uint8)
        return pieces(store, SampleIndex(np.array(spans), ones, np.array([0, len(spans)]), is_pair, **separate), 0)

    assert spans_of([[0, 3], [3, 5], [5, 9]], is_pair=False) == [[0, 0, 2, 0, 5], [1, 2, 3, 5, 9]]
    assert spans_of([[0, 3], [3, 5]], is_pair=True) == [[0, 0, 1, 0, 3], [0, 1, 2, 3, 5]]
    assert spans_of([[2, 4], [6, 8]], is_pair=True) == [[0, 0, 2, 2, 4], [1, 2, 3, 6, 8]]
    assert spans_of([[5, 9], [0, 3]], is_pair=False) == [[1, 2, 3, 5, 9], [0, 0, 1, 0, 3]]


def test_epochs_change_the_masks_alone(written):
    _, first = written("full", epoch=1)
    _, second = written("full", epoch=2)
    assert [row["input_ids"] for row in first] == [row["input_ids"] for row in second]
    assert [row["labels"] for row in first] != [row["labels"] for row in second]


def test_masks_of_a_row_do_not_depend_on_which_rows_are_written(store, frame, index_in, dynamic):
    index = index_in("full")
    static = Masks(MaskingOptions("static", copies=2), seed=1)
    every = list(sample_rows(store, index, frame, static, 3, np.arange(index.num_samples)))
    assert list(sample_rows(store, index, frame, static, 1, np.array([4, 2]))) == [every[4], every[2]]
