"""Two tokenizers are told apart by what they make of text, and by nothing else."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.agreement import SAMPLE, difference, sample_of
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer

NAMES = ("one", "two")


@pytest.fixture(scope="module")
def cased(tmp_path_factory):
    """A WordPiece of every character of SAMPLE: all of it is read, so that each change of a setting shows."""
    directory = tmp_path_factory.mktemp("cased")
    texts = [*SAMPLE, *(text.lower() for text in SAMPLE)] * 2
    train_tokenizer(TokenizerOptions("wordpiece", 400, max_word_characters=100), iter(texts), directory)
    return directory


def changed(directory, change) -> Tokenizer:
    """Return the tokenizer of a directory after a change of its tokenizer.json."""
    description = json.loads((directory / "tokenizer.json").read_text())
    change(description)
    return Tokenizer.from_str(json.dumps(description))


def swap_two_tokens(description):
    vocabulary = description["model"]["vocab"]
    first, second = [token for token in vocabulary if token.startswith("##")][3:5]
    vocabulary[first], vocabulary[second] = vocabulary[second], vocabulary[first]


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_a_tokenizer_agrees_with_itself_and_keeps_its_settings(kind, request):
    first, second = (load_tokenizer(request.getfixturevalue(kind)) for _ in range(2))
    first.encode_special_tokens = True
    assert difference(first, second, sample_of(["any text"]), NAMES) is None
    assert (first.encode_special_tokens, second.encode_special_tokens) == (True, False)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["normalizer"].update(lowercase=True),
        lambda d: d["normalizer"].update(strip_accents=True),
        lambda d: d["normalizer"].update(handle_chinese_chars=False),
        lambda d: d["normalizer"].update(clean_text=False),
        lambda d: d["model"].update(max_input_chars_per_word=200),
        lambda d: d["model"].update(unk_token="[PAD]"),
        lambda d: d.update(pre_tokenizer={"type": "WhitespaceSplit"}),
        swap_two_tokens,
    ],
)
def test_each_change_of_wordpiece_is_found_and_both_results_are_shown(cased, change):
    found = difference(load_tokenizer(cased), changed(cased, change), sample_of(()), NAMES)
    assert found is not None
    assert " to one and " in found
    assert "\n" not in found


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d["pre_tokenizer"].update(add_prefix_space=False),
        lambda d: d["model"].update(merges=d["model"]["merges"][:-1]),
        lambda d: d.update(normalizer={"type": "NFKC"}),
        lambda d: d.update(normalizer={"type": "Lowercase"}),
    ],
)
def test_each_change_of_byte_level_bpe_is_found(bbpe, change):
    texts = ["The quick brown fox jumps over the lazy dog, resting near the cafés of Zürich"]
    assert difference(load_tokenizer(bbpe), changed(bbpe, change), sample_of(texts), NAMES) is not None


def test_a_word_that_only_the_corpus_has_is_found(bbpe):
    same = Tokenizer.from_str(load_tokenizer(bbpe).to_str())
    same.add_tokens(["zzyzx"])
    assert "'zzyzx'" in difference(load_tokenizer(bbpe), same, sample_of(()), NAMES)  # by its vocabulary
    assert "'zzyzx' is 'z z y z x'" in difference(
        load_tokenizer(bbpe), same, sample_of(["on to zzyzx"]), NAMES
    )  # by its reading


@pytest.mark.parametrize("special", [True, False])
def test_an_added_token_is_found_though_no_text_has_it(cased, special):
    other = load_tokenizer(cased)
    other.add_tokens([AddedToken("<entity>", special=special)])
    found = difference(load_tokenizer(cased), other, sample_of(()), NAMES)
    assert found == "'<entity>' is no token to one and is id 400 to two (400 and 401 tokens)"
    assert difference(other, other, sample_of(()), NAMES) is None


def test_a_vocabulary_of_the_same_size_from_another_corpus_is_found(tmp_path):
    for name, text in (("one", "apple apple pear pear"), ("two", "horse horse mouse mouse")):
        train_tokenizer(TokenizerOptions("bbpe", 264), iter([text]), tmp_path / name)
    first, second = (load_tokenizer(tmp_path / name) for name in NAMES)
    assert first.get_vocab_size() == second.get_vocab_size()
    assert difference(first, second, sample_of(()), NAMES) is not None
