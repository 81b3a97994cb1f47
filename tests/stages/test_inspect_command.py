"""`stage=inspect`: the JSONL file alone shows that a format is what the paper describes."""

import json

import pytest

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")


@pytest.fixture
def inspected(nsp, tmp_path):
    """inspected("format=doc", ...): header and rows of the file that the command writes."""

    def read(*arguments):
        ended = nsp("stage=inspect", "scale=smoke", "inspect.output=out.jsonl", "inspect.num_samples=all", *arguments)
        assert ended.status == 0, ended.err
        first, *rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
        return first["header"], rows

    return read


@pytest.mark.parametrize("name", ["full", "doc"])
def test_every_token_of_the_corpus_stands_in_one_sample(inspected, name):
    header, rows = inspected(f"format={name}")
    spans = sorted(span[3:] for row in rows for span in row["spans"])
    assert spans[0][0] == 0
    assert spans[-1][1] == header["num_tokens"]
    assert all(before[1] == after[0] for before, after in zip(spans[:-1], spans[1:], strict=True))


def test_no_doc_sample_crosses_a_document_and_some_full_sample_does(inspected):
    assert all(len(row["spans"]) == 1 for row in inspected("format=doc")[1])
    assert any(len(row["spans"]) > 1 for row in inspected("format=full")[1])


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_nsp_labels_agree_with_the_documents(inspected, name):
    _, rows = inspected(f"format={name}")
    assert {row["is_random_next"] for row in rows} == {0, 1}
    for row in rows:
        (a, _, a_end, _, _), (b, b_start, _, _, _) = row["spans"]
        assert row["is_random_next"] == int(a != b)
        if not row["is_random_next"]:
            assert b_start >= a_end - 1


@pytest.mark.parametrize("name", FORMATS)
def test_masking_alone_changes_nothing_but_masks(inspected, name):
    _, static = inspected(f"format={name}", "masking=static")
    _, dynamic = inspected(f"format={name}", "masking=dynamic")
    for kept in ("input_ids", "token_type_ids", "spans", "is_random_next"):
        assert [row[kept] for row in static] == [row[kept] for row in dynamic]
    assert [row["labels"] for row in static] != [row["labels"] for row in dynamic]


def test_ten_copies_share_masks_in_epochs_1_11_21_and_31(inspected):
    masks = {}
    for epoch in (1, 2, 10, 11, 21, 31):
        header, rows = inspected("masking=static", "masking.copies=10", f"inspect.epoch={epoch}")
        assert (header["epoch"], header["copies"]) == (epoch, 10)
        masks[epoch] = [row["masked_input_ids"] for row in rows]
    assert masks[1] == masks[11] == masks[21] == masks[31]
    assert masks[1] != masks[2] != masks[10] != masks[1]


def test_samples_and_statistics_are_shown_in_the_terminal(nsp):
    ended = nsp("stage=inspect", "scale=smoke", "format=segment_pair")
    assert ended.status == 0
    for shown in ("sample 0", "P(random next)", "passes over the corpus", "real tokens an update", "length in tokens"):
        assert shown in ended.out
