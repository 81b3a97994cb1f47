"""What an encoder directory says about its task inputs, and what is refused."""

import json
from pathlib import Path

import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_masked_lm, read_layout


@pytest.mark.parametrize(
    ("directory", "token_types", "expected"),
    [
        ("bert_directory", "as_pretrained", 1),
        ("roberta_directory", "as_pretrained", 0),
        ("roberta_directory", "bert", 1),
    ],
)
def test_foreign_encoders_have_the_types_of_their_kind(request, directory, token_types, expected):
    assert read_layout(request.getfixturevalue(directory), 32, token_types).second_type == expected


@pytest.mark.parametrize(
    ("format_name", "expected"), [("segment_pair", 1), ("sentence_pair", 1), ("full", 0), ("doc", 0)]
)
@pytest.mark.parametrize("directory", ["bert_directory", "roberta_directory"])
def test_our_encoders_have_the_types_of_their_format(
    request, tmp_path, write_condition, directory, format_name, expected
):
    ours = write_condition(request.getfixturevalue(directory), tmp_path / "ours", format=format_name)
    assert read_layout(ours, 32, "as_pretrained").second_type == expected
    assert read_layout(ours, 32, "bert").second_type == 1


def test_separators_are_those_of_pretraining_or_the_tokenizer(
    bert_directory, roberta_directory, tmp_path, write_condition
):
    assert read_layout(bert_directory, 32, "as_pretrained").pair_separators == 1
    assert read_layout(roberta_directory, 32, "as_pretrained").pair_separators == 2
    for value, expected in (("single", 1), ("double", 2), (None, 1)):
        ours = write_condition(roberta_directory, tmp_path / str(value), pair_separator=value)
        assert read_layout(ours, 32, "as_pretrained").pair_separators == expected


def test_inputs_never_exceed_the_encoder_s_positions(bert_directory, roberta_directory):
    assert read_layout(bert_directory, 512, "as_pretrained").max_length == 32
    assert read_layout(roberta_directory, 512, "as_pretrained").max_length == 128
    assert read_layout(roberta_directory, 24, "as_pretrained").max_length == 24
    encoder = load_encoder(roberta_directory, "fresh")
    encoder(input_ids=torch.full((1, 128), 7))
    with pytest.raises((IndexError, RuntimeError)):
        encoder(input_ids=torch.full((1, 129), 7))


def test_one_type_is_not_enough_for_bert_s_types(roberta_directory, tmp_path, write_condition):
    ours = write_condition(roberta_directory, tmp_path / "ours", format="full")
    config = json.loads((Path(ours) / "config.json").read_text())
    (Path(ours) / "config.json").write_text(json.dumps(config | {"type_vocab_size": 1}))
    assert read_layout(ours, 32, "as_pretrained").second_type == 0
    with pytest.raises(ValueError, match="finetuning.token_types=bert needs 2 token types, .* has 1"):
        read_layout(ours, 32, "bert")


def test_only_a_pretrained_pooler_is_kept(bert_directory, roberta_directory, prelayernorm_directory):
    assert load_encoder(bert_directory, "pretrained").pooler is not None
    for directory in (bert_directory, roberta_directory, prelayernorm_directory):
        assert load_encoder(directory, "fresh").pooler is None
    for directory in (roberta_directory, prelayernorm_directory):
        with pytest.raises(ValueError, match="no pooler .*use finetuning.pooler=fresh"):
            load_encoder(directory, "pretrained")


def test_loading_is_silent(bert_directory, capfd):
    load_encoder(bert_directory, "fresh")
    load_masked_lm(bert_directory)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_a_directory_without_an_encoder_is_named(tmp_path):
    with pytest.raises(ValueError, match="encoder=.* cannot be loaded from that directory: ") as error:
        read_layout(str(tmp_path), 32, "as_pretrained")
    assert "\n" not in str(error.value)
