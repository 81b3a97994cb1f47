"""Tokenizers made elsewhere: published ones leave much to their class in `transformers`."""

import json

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from nsp_ablation.text.tokenization.tokenizer import (
    copy_pretrained,
    load_tokenizer,
    num_ids,
    special_tokens,
    word_starts,
)


def save(tokenizer: Tokenizer, directory, **config) -> str:
    directory.mkdir()
    tokenizer.save(str(directory / "tokenizer.json"))
    if config:
        (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return str(directory)


def word_pieces(*tokens: str) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece({token: index for index, token in enumerate(tokens)}, unk_token=tokens[0]))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


BERT = ("[UNK]", "[PAD]", "fox", "##es", "[CLS]", "[SEP]", "[MASK]")


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_a_trained_directory_is_copied_whole(kind, request, tmp_path):
    source = request.getfixturevalue(kind)
    copy_pretrained(str(source), tmp_path / "copy")
    assert {file.name: file.read_bytes() for file in (tmp_path / "copy").iterdir()} == {
        file.name: file.read_bytes() for file in source.iterdir()
    }


def test_names_that_the_files_leave_out_are_the_usual_ones(transformers, tmp_path):
    source = save(word_pieces(*BERT), tmp_path / "source", model_max_length=512, pad_token=None)
    copy_pretrained(source, tmp_path / "copy")
    special = special_tokens(tmp_path / "copy")
    assert (special.unk, special.pad, special.cls, special.sep, special.mask) == (0, 1, 4, 5, 6)
    assert special.all_ids == (0, 1, 4, 5, 6)
    theirs = transformers.AutoTokenizer.from_pretrained(tmp_path / "copy")
    assert (theirs.pad_token_id, theirs.cls_token_id, theirs.mask_token_id, theirs.model_max_length) == (1, 4, 6, 512)
    assert theirs("fox foxes", add_special_tokens=False).input_ids == [2, 2, 3]


def test_declared_names_win_over_the_usual_ones(transformers, tmp_path):
    tokenizer = word_pieces(*BERT, "<begin>", "<extra>")
    tokenizer.add_special_tokens(["<extra>"])
    source = save(tokenizer, tmp_path / "source", cls_token={"content": "<begin>"}, tokenizer_class="BertTokenizer")
    copy_pretrained(source, tmp_path / "copy")
    special = special_tokens(tmp_path / "copy")
    assert special.cls == 7
    assert special.all_ids == (0, 1, 5, 6, 7, 8)
    config = json.loads((tmp_path / "copy" / "tokenizer_config.json").read_text())
    assert config["tokenizer_class"] == "BertTokenizer"
    assert config["cls_token"] == {"content": "<begin>"}


def test_stored_truncation_and_padding_are_not_applied(tmp_path):
    tokenizer = word_pieces(*BERT)
    tokenizer.enable_truncation(2)
    tokenizer.enable_padding(pad_id=1, pad_token="[PAD]", length=9)
    copy_pretrained(save(tokenizer, tmp_path / "source"), tmp_path / "copy")
    assert load_tokenizer(tmp_path / "copy").encode("fox fox fox").ids == [2, 2, 2]


def test_a_vocabulary_with_gaps_counts_to_its_largest_id(tmp_path):
    tokenizer = Tokenizer(models.WordPiece(dict(zip(BERT, range(0, 14, 2), strict=True)), unk_token="[UNK]"))
    copy_pretrained(save(tokenizer, tmp_path / "source"), tmp_path / "copy")
    assert num_ids(load_tokenizer(tmp_path / "copy")) == 13
    starts = word_starts(tmp_path / "copy")
    assert [index for index, start in enumerate(starts) if start] == [0, 2, 4, 8, 10, 12]


def test_word_starts_read_the_tokenizers_own_marks(tmp_path):
    byte_level = {"<s>": 0, "</s>": 1, "<mask>": 2, "<pad>": 3, "Ġa": 4, "a": 5, "Ġ": 6}
    tokenizer = Tokenizer(models.BPE(byte_level, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.add_special_tokens(["<s>", "</s>", "<mask>", "<pad>"])
    copy_pretrained(save(tokenizer, tmp_path / "byte_level"), tmp_path / "copy")
    assert word_starts(tmp_path / "copy").tolist() == [True, True, True, True, True, False, True]


@pytest.mark.parametrize(
    ("left_out", "role"), [("[CLS]", "cls"), ("[SEP]", "sep"), ("[MASK]", "mask"), ("[PAD]", "pad")]
)
def test_a_missing_special_token_is_named(left_out, role, tmp_path):
    source = save(word_pieces(*(token for token in BERT if token != left_out)), tmp_path / "source")
    with pytest.raises(ValueError, match=rf"tokenizer.path=.*source: the tokenizer has no {role} token"):
        copy_pretrained(source, tmp_path / "copy")


def test_a_token_declared_but_not_in_the_vocabulary_is_missing(tmp_path):
    source = save(word_pieces(*BERT), tmp_path / "source", mask_token="<blank>")
    with pytest.raises(ValueError, match="has no mask token"):
        copy_pretrained(source, tmp_path / "copy")


@pytest.mark.parametrize(
    "model", [models.Unigram([(token, 0.0) for token in BERT], unk_id=0), models.BPE({"a": 0}, [])]
)
def test_other_kinds_of_tokenizer_are_refused(model, tmp_path):
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens(["[CLS]", "[SEP]", "[MASK]", "[PAD]"])
    with pytest.raises(ValueError, match="neither byte-level BPE nor WordPiece"):
        copy_pretrained(save(tokenizer, tmp_path / "source"), tmp_path / "copy")


def test_a_path_that_leads_nowhere_is_named(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    for path in (str(tmp_path / "nowhere"), "nobody/no-such-model"):
        with pytest.raises(ValueError, match=f"tokenizer.path={path} is not a directory here"):
            copy_pretrained(path, tmp_path / "copy")


def test_a_directory_without_or_with_a_broken_tokenizer_is_named(tmp_path):
    (tmp_path / "source").mkdir()
    with pytest.raises(ValueError, match=r"tokenizer.path=.*source has no tokenizer.json"):
        copy_pretrained(str(tmp_path / "source"), tmp_path / "copy")
    (tmp_path / "source" / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"tokenizer.path=.*tokenizer.json is no tokenizer"):
        copy_pretrained(str(tmp_path / "source"), tmp_path / "copy")
    with pytest.raises(ValueError, match="holds no tokenizer"):
        load_tokenizer(tmp_path)
