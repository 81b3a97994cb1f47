"""Tokenizers of others: what lies in one directory, and what weights to go on with were trained for."""

import json
import re
import shutil

import pytest
from transformers import AutoTokenizer

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.pipeline.tokenizer_checks import check_directory, check_initial_weights
from nsp_ablation.text.tokenization.agreement import SAMPLE
from nsp_ablation.text.tokenization.tokenizer import copy_pretrained, load_tokenizer, train_tokenizer

TEXTS = [*SAMPLE[:4], "The Fox ran, the fox slept; das Café schloss."] * 2


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """Cased and lower-cased WordPiece, and byte-level BPE."""
    root = tmp_path_factory.mktemp("tokenizers")
    train_tokenizer(TokenizerOptions("wordpiece", 330, max_word_characters=100), iter(TEXTS), root / "cased")
    train_tokenizer(TokenizerOptions("wordpiece", 300, lowercase=True), iter(TEXTS), root / "lower")
    train_tokenizer(TokenizerOptions("bbpe", 300), iter(TEXTS * 3), root / "bbpe")
    return root


def with_config(source, directory, **config):
    """Copy tokenizer.json and write this tokenizer_config.json beside it, as people do."""
    directory.mkdir()
    shutil.copyfile(source / "tokenizer.json", directory / "tokenizer.json")
    (directory / "tokenizer_config.json").write_text(json.dumps(config))
    return directory


def take_over(source, directory, texts=()):
    copy_pretrained(str(source), directory)
    check_directory(directory, "tokenizer.path", str(source), texts)


DISAGREEING = [
    ("cased", {"tokenizer_class": "BertTokenizer", "do_lower_case": True}),
    ("cased", {"tokenizer_class": "BertTokenizer"}),  # whose default is to lower-case
    ("lower", {"tokenizer_class": "BertTokenizer", "do_lower_case": False}),
    ("lower", {"tokenizer_class": "BertTokenizer", "tokenize_chinese_chars": False}),
    ("lower", {"tokenizer_class": "BertTokenizer", "strip_accents": False}),
    ("lower", {"tokenizer_class": "BertTokenizer"}),  # which knows no word of 120 characters
    ("bbpe", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": False}),
    ("bbpe", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True, "bos_token": "[BOS]"}),
    ("bbpe", {"tokenizer_class": "PreTrainedTokenizerFast", "extra_special_tokens": ["<entity>"]}),
]


@pytest.mark.parametrize(("kind", "config"), DISAGREEING)
def test_two_tokenizers_in_one_directory_are_refused_and_each_remedy_works(directories, kind, config, tmp_path):
    source = with_config(directories / kind, tmp_path / "source", **config)
    with pytest.raises(ValueError, match="tokenizer.json and AutoTokenizer") as error:
        take_over(source, tmp_path / "copy")
    message = str(error.value)
    assert f"tokenizer.path={source}" in message
    assert re.search(r"to tokenizer.json and .* to AutoTokenizer", message)
    AutoTokenizer.from_pretrained(source).save_pretrained(tmp_path / "saved")
    take_over(tmp_path / "saved", tmp_path / "copy of saved")
    kept = with_config(directories / kind, tmp_path / "kept", tokenizer_class="PreTrainedTokenizerFast")
    take_over(kept, tmp_path / "copy of kept")


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("cased", {"tokenizer_class": "BertTokenizer", "do_lower_case": False}),
        ("bbpe", {"tokenizer_class": "RobertaTokenizer", "add_prefix_space": True}),
        ("lower", {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 8}),
        ("lower", {}),
    ],
)
def test_one_tokenizer_is_taken_over(directories, kind, config, tmp_path):
    take_over(with_config(directories / kind, tmp_path / "source", **config), tmp_path / "copy", TEXTS)


def test_a_difference_that_only_the_corpus_shows_is_found(directories, tmp_path):
    source = with_config(
        directories / "cased", tmp_path / "source", tokenizer_class="BertTokenizer", do_lower_case=False
    )
    description = json.loads((source / "tokenizer.json").read_text())
    description["normalizer"] = {
        "type": "Sequence",
        "normalizers": [
            {"type": "Replace", "pattern": {"String": "xylo"}, "content": "the"},
            description["normalizer"],
        ],
    }
    (source / "tokenizer.json").write_text(json.dumps(description))
    take_over(source, tmp_path / "copy")
    with pytest.raises(ValueError, match="xylophone"):
        check_directory(tmp_path / "copy", "tokenizer.path", str(source), ["nothing here", "a xylophone"])


def test_weights_go_on_with_their_own_tokenizer_alone(directories, tmp_path):
    for kind in ("cased", "lower", "bbpe"):
        check_initial_weights(str(directories / kind), directories / kind, TEXTS)
    for run, origin in (("cased", "lower"), ("bbpe", "cased"), ("lower", "bbpe")):
        with pytest.raises(ValueError, match=rf"model.init_from=.*{origin} has another tokenizer") as error:
            check_initial_weights(str(directories / origin), directories / run, TEXTS)
        assert f"set tokenizer=pretrained tokenizer.path={directories / origin}" in str(error.value)
    remedied = tmp_path / "remedied"
    copy_pretrained(str(directories / "lower"), remedied)
    check_initial_weights(str(directories / "lower"), remedied, TEXTS)


def test_special_tokens_of_other_ids_are_another_tokenizer(directories, tmp_path):
    other = with_config(directories / "cased", tmp_path / "other", cls_token="[MASK]", mask_token="[CLS]")
    with pytest.raises(ValueError, match=r"other ids \(cls: 2 and 4, mask: 4 and 2\)"):
        check_initial_weights(str(other), directories / "cased", TEXTS)


def test_weights_beside_a_vocabulary_file_alone_are_compared_too(directories, tmp_path):
    source = tmp_path / "old"
    source.mkdir()
    shutil.copyfile(directories / "cased" / "vocab.txt", source / "vocab.txt")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    (source / "tokenizer_config.json").write_text(json.dumps(config))
    check_initial_weights(str(source), directories / "cased", TEXTS)
    with pytest.raises(ValueError, match="another tokenizer"):
        check_initial_weights(str(source), directories / "bbpe", TEXTS)


def test_weights_without_any_tokenizer_are_refused(directories, tmp_path):
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="model.init_from=.*bare"):
        check_initial_weights(str(tmp_path / "bare"), directories / "cased", TEXTS)
    assert load_tokenizer(directories / "cased").get_vocab_size() == 330
