"""The laws of the inspection file refuse files that no format makes, each built on purpose."""

import dataclasses

import numpy as np
import pytest

from nsp_ablation.samples.formats.sample_index import SampleIndex


def renumbered(rows):
    return [{**row, "sample": number} for number, row in enumerate(rows)]


def spans_at(rows):
    """Return {first sentence: span} of the spans of one sentence."""
    return {span[1]: span for row in rows for span in row["spans"] if span[2] == span[1] + 1}


def test_a_b_that_skips_a_sentence_is_refused(falsified, file_laws):
    def change(head, rows):
        spans = spans_at(rows)
        for row in rows:
            b = row["spans"][1]
            later = [span for span in spans.values() if span[0] == b[0] and span[1] > b[1]]
            fitting = [span for span in later if span[4] - span[3] == b[4] - b[3]]
            if not row["is_random_next"] and fitting:
                row["spans"][1] = fitting[0]
                return
        pytest.fail("no such pair")

    with pytest.raises(file_laws.LawBroken, match="B is what follows A"):
        file_laws.check(*falsified("sentence_pair", change))


def swap_label(head, rows):
    row = next(row for row in rows if row["is_swapped"])
    row["is_swapped"] = 0


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_a_wrong_order_is_refused(falsified, file_laws, name):
    with pytest.raises(file_laws.LawBroken, match="B stands after A in the text"):
        file_laws.check(*falsified(name, swap_label, "mlm_sop"))


def test_a_sentence_used_twice_is_refused(true_files, file_laws):
    head, rows = true_files["segment_pair", "mlm_nsp"]
    place = next(place for place, row in enumerate(rows) if not row["is_random_next"])
    b_first = rows[place]["spans"][1][1]
    again = next(row for row in true_files["sentence_pair", "mlm_nsp"][1] if row["spans"][0][1] == b_first)
    with pytest.raises(file_laws.LawBroken, match="no token is used twice"):
        file_laws.check(head, renumbered([*rows[: place + 1], again, *rows[place + 1 :]]))


def test_pairs_out_of_corpus_order_are_refused(true_files, file_laws):
    head, rows = true_files["sentence_pair", "mlm_nsp"]
    with pytest.raises(file_laws.LawBroken, match="A goes through the corpus"):
        file_laws.check(head, renumbered([*rows[5:], *rows[:5]]))


def test_labels_that_are_no_fair_coin_are_refused(true_files, file_laws):
    head, rows = true_files["sentence_pair", "mlm_nsp"]
    with pytest.raises(file_laws.LawBroken, match="labels are a fair coin"):
        file_laws.check(head, renumbered([row for row in rows if not row["is_random_next"]]))
    head, rows = true_files["segment_pair", "mlm_nsp"]
    with pytest.raises(file_laws.LawBroken, match="half of the labels or more are 1"):
        file_laws.check(head, renumbered([row for row in rows if not row["is_random_next"]]))


@pytest.mark.parametrize(
    ("said", "built", "law"),
    [
        ("full", "doc", "a block ends where the next sentence does not fit"),
        ("doc", "full", "DOC never crosses a document border"),
        ("segment_pair", "sentence_pair", "a pair fills T or ends a document"),
        ("sentence_pair", "segment_pair", "a segment is one sentence"),
    ],
)
def test_one_format_built_as_another_is_refused(true_files, file_laws, said, built, law):
    head, rows = next(file for (name, _), file in true_files.items() if name == built)
    with pytest.raises(file_laws.LawBroken, match=law):
        file_laws.check({**head, "format": said}, rows)


@pytest.fixture
def fake(file_of):
    """fake("full", spans, spans a block): the file of blocks that no format builds."""

    def build(name, spans, num_a_block=1):
        offsets = np.arange(0, len(spans) + 1, num_a_block)
        separators = np.ones(len(spans), np.uint8)
        return file_of(name, "mlm", SampleIndex(spans, separators, offsets, False, None, None, 0, 0, "fake"))

    return build


def between(borders):
    return np.stack([borders[:-1], borders[1:]], axis=1)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_one_sentence_a_block_is_refused(store, fake, file_laws, name):
    with pytest.raises(file_laws.LawBroken, match="a block ends where the next sentence does not fit"):
        file_laws.check(*fake(name, between(store.sentence_offsets)))


def test_chunks_of_a_fixed_number_of_tokens_are_refused(store, frame, fake, file_laws):
    document_ends = store.sentence_offsets[store.document_offsets]
    chunks = np.union1d(document_ends, np.arange(0, store.num_tokens, frame.capacity))
    with pytest.raises(file_laws.LawBroken, match="sentences are whole unless longer than T"):
        file_laws.check(*fake("doc", between(chunks)))


def test_documents_joined_in_their_middle_are_refused(store, fake, file_laws):
    spans = between(store.sentence_offsets[: store.num_sentences // 2 * 2 + 1])
    apart = np.concatenate([spans[0::2], spans[1::2][::-1]]).reshape(2, -1, 2).transpose(1, 0, 2).reshape(-1, 2)
    with pytest.raises(file_laws.LawBroken, match="FULL goes on at a document border"):
        file_laws.check(*fake("full", apart, num_a_block=2))


def test_blocks_of_a_shorter_length_are_refused_where_sentences_are_known(
    index_of, file_of, frame, true_files, file_laws
):
    shorter = dataclasses.replace(frame, max_length=frame.max_length - 3)
    lengths = file_laws.lengths_in(*true_files["sentence_pair", "mlm_nsp"])
    with pytest.raises(file_laws.LawBroken, match="a block ends where the next sentence does not fit"):
        file_laws.check(*file_of("full", "mlm", index_of("full", "mlm", shorter)), lengths)
