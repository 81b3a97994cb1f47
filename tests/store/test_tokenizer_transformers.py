"""Trained directories mean the same to `tokenizers` and to `transformers`."""

import shutil

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, special_tokens, train_tokenizer

KINDS = ("bbpe", "wordpiece")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SENTENCE = "  Hello <mask>  fox, [SEP] it isn't <s>[MASK] Zürich 東京\t\u00a0resting </s> "


@pytest.fixture(scope="module")
def loaded(transformers, bbpe, wordpiece, tmp_path_factory):
    """By kind, our tokenizer and those of `transformers`: by AutoTokenizer, by class, and after save_pretrained.

    BertTokenizer reads words of at most 100 characters, so WordPiece is not declared as one of its.
    """
    classes = (("bbpe", bbpe, transformers.RobertaTokenizer), ("wordpiece", wordpiece, transformers.BertTokenizer))
    tokenizers = {}
    for kind, directory, model_class in classes:
        auto = transformers.AutoTokenizer.from_pretrained(directory)
        assert type(auto) is (model_class if kind == "bbpe" else transformers.PreTrainedTokenizerFast)
        saved = tmp_path_factory.mktemp("saved") / kind
        auto.save_pretrained(saved)
        again = [transformers.AutoTokenizer.from_pretrained(saved), model_class.from_pretrained(saved)]
        tokenizers[kind] = (load_tokenizer(directory), [auto, model_class.from_pretrained(directory), *again])
    return tokenizers


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXT, second=TEXT.filter(bool))  # `transformers` takes an empty second text for none
@example(text=SENTENCE, second=SENTENCE)
def test_transformers_gives_the_same_ids(loaded, kind, text, second):
    ours, theirs = loaded[kind]
    for tokenizer in theirs:
        assert tokenizer(text, add_special_tokens=False).input_ids == ours.encode(text, add_special_tokens=False).ids
        assert tokenizer(text).input_ids == ours.encode(text).ids
        assert tokenizer(text, second).input_ids == ours.encode(text, second).ids


@pytest.mark.parametrize("kind", KINDS)
@given(text=TEXT)
@example(text=SENTENCE)
def test_transformers_gives_the_same_offsets(loaded, kind, text):
    ours, theirs = loaded[kind]
    expected = ours.encode(text).offsets
    assert all(tokenizer(text, return_offsets_mapping=True)["offset_mapping"] == expected for tokenizer in theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_offsets_are_those_of_the_words_without_spaces(loaded, kind):
    text = "fox  fox"
    for tokenizer in loaded[kind][1]:
        encoded = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
        pieces = [text[start:end] for start, end in encoded["offset_mapping"]]
        assert [piece for piece in pieces if piece] == ["fox", "fox"]


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_and_layout_agree(loaded, kind, request):
    ours = special_tokens(request.getfixturevalue(kind))
    for tokenizer in loaded[kind][1]:
        found = [getattr(tokenizer, f"{role}_token_id") for role in ("cls", "sep", "mask", "pad", "unk")]
        assert found == [ours.cls, ours.sep, ours.mask, ours.pad, ours.unk]
        assert sorted(tokenizer.all_special_ids) == list(ours.all_ids)
        assert len(tokenizer) == loaded[kind][0].get_vocab_size()
        single = tokenizer("fox").input_ids
        assert (single[0], single[-1]) == (ours.cls, ours.sep)
        pair = tokenizer("fox", "fox").input_ids
        assert pair.count(ours.sep) == {"bbpe": 3, "wordpiece": 2}[kind]


def test_a_mask_in_running_text_takes_the_space_before_it(loaded):
    tokens = loaded["bbpe"][0].encode("fox <mask> fox", add_special_tokens=False).ids
    assert [loaded["bbpe"][0].id_to_token(token) for token in tokens] == ["Ġfox", "<mask>", "Ġfox"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_models_own_files_hold_the_same_vocabulary(transformers, loaded, kind, request, tmp_path):
    """RoBERTa's vocab.json and merges.txt, BERT's vocab.txt, without tokenizer.json."""
    source = request.getfixturevalue(kind)
    shutil.copytree(source, tmp_path / "old")
    (tmp_path / "old" / "tokenizer.json").unlink()
    classes = {"bbpe": transformers.RobertaTokenizer, "wordpiece": transformers.BertTokenizer}
    old = classes[kind].from_pretrained(tmp_path / "old")
    text = "The fox isn't resting; it jumped, Zürich."
    assert old(text, text).input_ids == loaded[kind][0].encode(text, text).ids


@pytest.mark.parametrize("lowercase", [True, False])
@pytest.mark.parametrize("strip_accents", [None, True, False])
@pytest.mark.parametrize("max_word_characters", [100, 30, 500])
def test_each_setting_of_wordpiece_is_the_same_to_transformers(
    transformers, lowercase, strip_accents, max_word_characters, tmp_path
):
    options = TokenizerOptions("wordpiece", 90, lowercase, strip_accents, max_word_characters=max_word_characters)
    train_tokenizer(options, iter(["The quick brown fox, das Café in Zürich: 東京 किताब हिंदी " * 3]), tmp_path)
    ours, theirs = load_tokenizer(tmp_path), transformers.AutoTokenizer.from_pretrained(tmp_path)
    for text in ("ZÜRICH zürich Café 東京कि हिंदी", *("a" * length for length in (30, 31, 100, 101, 500, 501))):
        assert theirs(text).input_ids == ours.encode(text).ids
