"""Whole-word masks of Chinese: a character is a word, however its bytes lie in tokens."""

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from nsp_ablation.base.randomness import sample_key
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings
from nsp_ablation.samples.batches.whole_words import separate_characters
from nsp_ablation.text.tokenization.token_bytes import token_bytes
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer, word_starts

CHINESE = "很中国人民的一是了我不在有他这为之大来以个\u3400\U00020000\uf900"
OTHERS = "ab Z9,。，は ก\U0001f600é"
TEXT = st.text(st.sampled_from(CHINESE + OTHERS), min_size=1, max_size=30)
EXAMPLES = ["我在中国 GPU，很大。", "中", "a中b", " 中 国 ", "中 \U0001f600国", "\U00020000人\u3400", "中国人民" * 4]


def as_bytes(text: str) -> list[str]:
    """Return each character as byte-level BPE writes its bytes."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return [split.pre_tokenize_str(character)[0][0] for character in text]


@pytest.fixture(scope="module")
def spelled(tmp_path_factory):
    """By kind: tokenizer, word starts and what tokens spell. `across`: tokens that end inside characters."""
    root, found = tmp_path_factory.mktemp("chinese"), {}
    texts = [*EXAMPLES, CHINESE, OTHERS, *("中国人民大来 中国 人民的" for _ in range(9))] * 3
    train_tokenizer(TokenizerOptions("bbpe", 300), iter(texts), root / "bbpe")
    train_tokenizer(TokenizerOptions("wordpiece", 60), iter(texts), root / "wordpiece")
    level = sorted(pre_tokenizers.ByteLevel.alphabet())
    (first, country), (other, _) = (as_bytes(text) for text in ("中国", "人民"))
    merges = [(first[2], country[0]), (first[2] + country[0], country[1]), ("Ġ", first[0]), (other[1], other[2])]
    vocabulary = {token: n for n, token in enumerate([*level, *("".join(pair) for pair in merges)])}
    across = Tokenizer(models.BPE(vocabulary, merges))
    across.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    (root / "across").mkdir()
    across.save(str(root / "across" / "tokenizer.json"))
    for kind in ("bbpe", "wordpiece", "across"):
        directory = root / kind
        found[kind] = load_tokenizer(directory), word_starts(directory), token_bytes(directory)
    return found


def borders(kind, spelled, text):
    """Return the ids of a text and, by the kernel, which of them begin a word."""
    tokenizer, starts, (spelling, offsets) = spelled[kind]
    ids = np.array(tokenizer.encode(text, add_special_tokens=False).ids, np.int64)
    special = np.zeros(len(ids), np.bool_)
    return ids, separate_characters(ids, special, spelling, offsets, starts[ids].copy())


def is_chinese(character: str) -> bool:
    return character in CHINESE


@pytest.mark.parametrize("kind", ["bbpe", "across"])
@settings(max_examples=150, deadline=None, derandomize=True)
@given(text=TEXT)
@example(text=EXAMPLES[0])
@example(text=EXAMPLES[4])
@example(text=EXAMPLES[6])
@example(text="中国")
@example(text="人中国 中国")
def test_words_of_byte_level_bpe_are_the_least_runs_of_tokens_that_hold_whole_characters(spelled, kind, text):
    tokenizer, starts, (spelling, offsets) = spelled[kind]
    ids, begins = borders(kind, spelled, text)
    pieces = [bytes(spelling[offsets[token] : offsets[token + 1]]) for token in ids]
    read = b"".join(pieces).decode()
    assert read.lstrip(" ") == text.lstrip(" ")
    character_at = np.repeat(np.arange(len(read)), [len(character.encode()) for character in read])
    ends = np.cumsum([len(piece) for piece in pieces])
    word_start = 0
    for number in range(1, len(ids)):
        byte = ends[number - 1]
        is_inside = byte < len(character_at) and character_at[byte - 1] == character_at[byte]
        before, after = read[character_at[byte - 1]], read[character_at[byte]]
        only_space = not b"".join(pieces[word_start:number]).strip(b" ")
        expected = starts[ids[number]] or is_chinese(before) or (is_chinese(after) and not only_space)
        assert begins[number] == (expected and not is_inside)
        word_start = number if begins[number] else word_start


@settings(max_examples=100, deadline=None, derandomize=True)
@given(text=TEXT)
@example(text=EXAMPLES[0])
def test_each_chinese_character_is_a_word_of_wordpiece(spelled, text):
    tokenizer, starts, _ = spelled["wordpiece"]
    ids, begins = borders("wordpiece", spelled, text)
    assert begins.tolist() == starts[ids].tolist()
    assert all(begins[n] for n, token in enumerate(ids) if is_chinese(tokenizer.id_to_token(token)))


@pytest.mark.parametrize("kind", ["bbpe", "across"])
def test_a_character_is_a_target_entirely_or_not_at_all(spelled, frame, kind):
    tokenizer, starts, spelling = spelled[kind]
    frame = dataclasses.replace(frame, vocab_size=len(starts))
    masks = Masks(MaskingOptions("dynamic", unit="whole_word"), 1, starts, spelling)
    ids, begins = borders(kind, spelled, "我不在中国，他为人民 GPU")
    input_ids = np.tile(np.array([0, *ids, 2]), 200)
    special = np.tile(np.array([True, *[False] * len(ids), True]), 200)
    ends = np.arange(201) * (len(ids) + 2)
    keys = sample_key(masks.epoch_key(1), np.arange(200, dtype=np.uint64))
    _, positions, _ = mask_kernel(input_ids, special, ends, keys, *mask_settings(frame, masks))
    chosen = np.isin(np.arange(len(input_ids)), positions).reshape(200, -1)[:, 1:-1]
    word = np.cumsum(begins) - 1
    for number in range(word[-1] + 1):
        rows = chosen[:, word == number]
        assert (rows.all(axis=1) == rows.any(axis=1)).all()
    assert 5 < len(set(word)) < len(ids)
    assert chosen.any()


def test_english_words_are_as_before(spelled):
    for kind in ("bbpe", "wordpiece", "across"):
        ids, begins = borders(kind, spelled, "Z9, ab  ab.Z é \U0001f600 はก")
        assert begins.tolist() == spelled[kind][1][ids].tolist()


def test_a_special_token_ends_a_character(spelled):
    tokenizer, starts, (spelling, offsets) = spelled["across"]
    ids = np.array([*tokenizer.encode("中", add_special_tokens=False).ids, 0, *tokenizer.encode("国").ids])
    special = np.zeros(len(ids), np.bool_)
    special[3] = True
    begins = separate_characters(ids, special, spelling, offsets, np.zeros(len(ids), np.bool_))
    assert begins.tolist() == [True, False, False, False, True, False, False]
