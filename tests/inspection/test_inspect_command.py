"""`stage=inspect`: from the JSONL file alone, a format is what the paper describes."""

import dataclasses
import json

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.stages.in_range import say_in_range

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
OTHER_WAYS = [
    ("segment_pair", {"objective": "mlm"}),
    ("segment_pair", {"objective": "mlm_sop"}),
    ("segment_pair", {"pair_separator": "double", "nsp_balance": "exact"}),
    ("segment_pair", {"resample": True, "epoch": 2}),
    ("sentence_pair", {"objective": "mlm"}),
    ("sentence_pair", {"objective": "mlm_sop"}),
    ("sentence_pair", {"max_length": 16}),
    ("full", {"sentence_separator": True}),
    ("full", {"max_length": 12}),
    ("doc", {"sentence_separator": True}),
    ("doc", {"max_length": 12}),
]


@pytest.mark.parametrize(("masking", "copies"), [("dynamic", None), ("static", 10)])
@pytest.mark.parametrize("name", FORMATS)
def test_every_law_holds_on_the_file_alone(inspected, file_laws, name, masking, copies):
    header, rows = inspected(name, epoch=3, masking=masking, copies=copies)
    assert (header["format"], header["masking"], header["copies"], header["epoch"]) == (name, masking, copies, 3)
    assert header["objective"] == ("mlm_nsp" if "pair" in name else "mlm")
    assert len(rows) > 200
    file_laws.check(header, rows, file_laws.lengths_in(*inspected("sentence_pair")))


@pytest.mark.parametrize(("name", "settings"), OTHER_WAYS)
def test_every_law_holds_with_other_objectives_separators_and_lengths(inspected, file_laws, name, settings):
    header, rows = inspected(name, **settings)
    assert header["objective"] == settings.get("objective", header["objective"])
    file_laws.check(header, rows)


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_without_random_next_every_b_follows_its_a_in_the_file(inspected, name):
    _, rows = inspected(name, objective="mlm", random_next=0.0)
    assert len(rows) > 100
    for row in rows:
        (document_a, *_, end_a), (document_b, _, _, start_b, _) = row["spans"]
        assert (row["is_random_next"], row["is_swapped"], document_a) == (0, None, document_b)
        assert start_b >= end_a


def test_the_command_writes_what_the_stage_writes(nsp, tmp_path, composed, inspected):
    config = composed("doc")
    settings = ("scale=smoke", "corpus.num_documents=120", "tokenizer.vocab_size=300", "max_length=48", "format=doc")
    output = ("inspect.output=out.jsonl", "inspect.num_samples=all", f"paths.artifacts={config.paths.artifacts}")
    assert nsp("stage=inspect", "masking.probability=0.15", *settings, *output).status == 0
    first, *rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert (first["header"], rows) == inspected("doc")


def test_a_token_store_serves_all_formats(inspected):
    assert len({inspected(name)[0]["store"] for name in FORMATS}) == 1


def test_some_full_sample_crosses_a_document_and_some_segment_has_several_sentences(inspected):
    assert any(len(row["spans"]) > 1 for row in inspected("full")[1])
    spans = [span for row in inspected("segment_pair")[1] for span in row["spans"]]
    assert sum(span[2] - span[1] > 1 for span in spans) > len(spans) / 2


@pytest.mark.parametrize("name", FORMATS)
def test_masking_alone_changes_nothing_but_masks(inspected, name):
    _, static = inspected(name, masking="static", copies=1)
    _, dynamic = inspected(name)
    for kept in ("input_ids", "token_type_ids", "spans", "is_random_next"):
        assert [row[kept] for row in static] == [row[kept] for row in dynamic]
    assert [row["labels"] for row in static] != [row["labels"] for row in dynamic]


def test_ten_copies_share_masks_in_epochs_1_11_21_and_31(inspected):
    masks = {}
    for epoch in (1, 2, 10, 11, 21, 31):
        header, rows = inspected("full", masking="static", copies=10, epoch=epoch)
        assert (header["epoch"], header["copies"]) == (epoch, 10)
        masks[epoch] = [row["masked_input_ids"] for row in rows]
    assert masks[1] == masks[11] == masks[21] == masks[31]
    assert masks[1] != masks[2] != masks[10] != masks[1]


def test_a_sweep_ends_with_what_is_in_range_of_every_arm(nsp, composed, inspected):
    artifacts = f"paths.artifacts={composed('doc').paths.artifacts}"
    settings = ("scale=smoke", "corpus.num_documents=120", "tokenizer.vocab_size=300", "max_length=48", artifacts)
    ended = nsp("-m", "stage=inspect", "format=full,sentence_pair", "inspect.num_samples=1", *settings)
    assert ended.status == 0, ended.err
    lengths = {name: [len(row["input_ids"]) for row in inspected(name)[1]] for name in ("full", "sentence_pair")}
    reached = {
        name: max(tokens for tokens in range(1, 49) if sum(one >= tokens for one in found) >= 0.01 * len(found))
        for name, found in lengths.items()
    }
    assert 10 < reached["sentence_pair"] <= reached["full"] == 48
    assert f"in range of every arm: probes.in_range_tokens={reached['sentence_pair']}\n" in ended.out
    for name, objective in (("full", "mlm"), ("sentence_pair", "mlm_nsp")):
        assert f"{name}-{objective}-dynamic: 1% of the inputs have {reached[name]} tokens or more" in ended.out


def test_an_arm_too_short_for_pairs_is_named_in_place_of_a_setting(composed):
    config = dataclasses.replace(composed("full"), max_length=9)
    with pytest.raises(InputError, match="only 9 tokens are in range of every arm, and a pair needs 10"):
        say_in_range([config])
