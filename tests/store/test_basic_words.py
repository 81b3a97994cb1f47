"""Words do not depend on the vocabulary that text was encoded in, and their tokens are all that hold a part of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.basic_words import UNKNOWN, WordReader, cut_text, is_readable
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer

TEXTS = [
    "The quick brown fox jumps over the lazy dog, 1907 times. It isn't lazy; it's resting near Zürich, at 9:30!",
    "A dog and a fox met in Zürich. The dog said: 'Who's there?' The fox wasn't there: it had jumped 23 times.",
    "Über naïve cafés in 東京, the fox jumped and jumped, and the dogs were resting, resting, resting.",
]
# Accents in both normal forms, apostrophes, numbers, marks, spaces of all kinds, control and invisible characters,
# scripts without spaces, characters that fall apart into a mark, and what WordPiece does not know.
PIECES = [
    *("Zürich", "Zu\u0308rich", "zurich", "cafés.", "naïve", "isn't", "it's", "dogs'", "1907", "9:30"),
    *("3.14", "x2", "a_b"),
    *("--", "(the", "fox)", "fox", "“fox”", "\u00a0", "\u3000fox", "\t", "東京", "東fox", "fox京", "東東"),
    *("東 東", "。"),
    *("hy\u00adphen", "a\x0bb", "\ufffd", "\u200b", "\u0301", "a≠b", "\u037e", "ῥ", "İt", "ß", "ﬁn", "½", "5°C", "K"),
    *("þing", "∂", "smørbrød", "हिंदी", "한국어", "\U0001f600", "q" * 120, "[MASK]", "[UNK]", "<unk>", "##ing"),
]  # fmt: skip


@pytest.fixture(scope="module")
def vocabularies(tmp_path_factory):
    """Byte-level BPE, and WordPiece lower-case, cased, and with accents; each lacks characters. With readers."""
    made, root = {}, tmp_path_factory.mktemp("vocabularies")
    few = {"max_alphabet": 45}
    for name, options in {
        "bbpe": TokenizerOptions("bbpe", 310),
        "lower": TokenizerOptions("wordpiece", 105, lowercase=True, **few),
        "cased": TokenizerOptions("wordpiece", 105, **few),
        "accents": TokenizerOptions("wordpiece", 105, lowercase=True, strip_accents=False, **few),
    }.items():
        train_tokenizer(options, iter(TEXTS), root / name)
        tokenizer = load_tokenizer(root / name)
        tokenizer.encode_special_tokens = True
        made[name] = tokenizer, WordReader(tokenizer)
    return made


def encode(tokenizer, text):
    return tokenizer.encode(text, add_special_tokens=False)


def words_of(vocabulary, *texts):
    tokenizer, reader = vocabulary
    return reader.words([np.array(encode(tokenizer, text).ids, np.int64) for text in texts])


drawn_text = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", "  "])), max_size=8).map(
    lambda rows: "".join(piece + space for piece, space in rows)
)


@given(drawn_text)
@settings(max_examples=40, deadline=None)
def test_every_vocabulary_gives_the_words_of_the_text_but_for_those_that_it_lacks(vocabularies, text):
    expected = cut_text(text)
    assert words_of(vocabularies["bbpe"], text) == [expected]
    (found,) = words_of(vocabularies["lower"], text)
    assert len(found) == len(expected)
    assert all(word in (UNKNOWN, other) for word, other in zip(found, expected, strict=True))
    assert found.count(UNKNOWN) == encode(vocabularies["lower"][0], text).tokens.count("[UNK]")
    for name in ("cased", "accents"):
        if "[UNK]" not in encode(vocabularies[name][0], text).tokens:
            assert words_of(vocabularies[name], text) == [expected]


def test_words_are_those_of_berts_basic_tokenizer(vocabularies):
    text = "Zürich's Zu\u0308rich_2: naïve, “3.14” 東京GPU hy\u00adphen a≠b\tİt \ufffd!"
    found = cut_text(text)
    assert " ".join(found) == "zurich ' s zurich _ 2 : naive , “ 3 . 14 ” 東 京 gpu hyphen a = b it !"
    assert words_of(vocabularies["bbpe"], text, "", " \u200b") == [found, [], []]
    (lacking,) = words_of(vocabularies["lower"], "the þing, the ∂þ∂ q the")
    assert lacking == ["the", UNKNOWN, ",", "the", UNKNOWN, "q", "the"]


@given(drawn_text)
@settings(max_examples=30, deadline=None)
def test_the_tokens_of_a_word_are_those_of_wordpieces_own_words(vocabularies, text):
    for name in ("lower", "accents"):
        tokenizer, reader = vocabularies[name]
        encoding = encode(tokenizer, text)
        ranges = reader.word_tokens(np.array(encoding.ids, np.int64))
        words = np.array(encoding.word_ids, np.int64)
        expected = [np.flatnonzero(words == number).tolist() for number in np.unique(words)]
        assert [list(range(*row)) for row in ranges.tolist()] == expected


@given(drawn_text)
@settings(max_examples=30, deadline=None)
def test_the_tokens_of_a_word_are_the_fewest_of_byte_level_bpe_that_spell_it(vocabularies, text):
    tokenizer, reader = vocabularies["bbpe"]
    encoding = encode(tokenizer, text)
    ids = np.array(encoding.ids, np.int64)

    def spelled(tokens):
        return cut_text(tokenizer.decode([encoding.ids[n] for n in tokens], skip_special_tokens=False))

    ranges = reader.word_tokens(ids).tolist()
    assert ranges == sorted(ranges)
    for (first, end), word in zip(ranges, cut_text(text), strict=True):
        assert word in spelled(range(first, end))
        assert word not in spelled(range(first, end - 1))
        assert word not in spelled(range(first + 1, end)) or encoding.tokens[first] == "Ġ"
    others = sorted({*range(len(ids))} - {n for row in ranges for n in range(*row)})
    assert spelled(others) == []


def test_a_space_that_is_a_token_belongs_to_the_word_behind_it(vocabularies):
    tokenizer, reader = vocabularies["bbpe"]
    encoding = encode(tokenizer, "the Xfox, the  X")
    assert encoding.tokens[:3] == ["Ġthe", "Ġ", "X"]
    ranges = reader.word_tokens(np.array(encoding.ids, np.int64)).tolist()
    assert ranges[0] == [0, 1]
    assert ranges[1][0] == 1
    last = ranges[-1]
    assert encoding.tokens[last[0] : last[1]] == ["Ġ", "X"]


def test_a_token_of_two_words_is_a_token_of_either(tmp_path):
    texts = ["東京東京東京 isn't isn't isn't"] * 5
    train_tokenizer(TokenizerOptions("bbpe", 273), iter(texts), tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    encoding = encode(tokenizer, texts[0])
    ranges = WordReader(tokenizer).word_tokens(np.array(encoding.ids, np.int64))
    words = dict(zip(cut_text(texts[0]), ranges.tolist(), strict=True))
    assert "'t" in encoding.tokens
    assert words["'"] == words["t"]
    assert ranges[0].tolist() == ranges[1].tolist(), "both characters of one token"


@pytest.mark.parametrize(
    ("word", "expected"),
    [("fox", True), ("x2", True), ("1907", True), ("東", True), ("हिंदी", True), ("e\u0301", True), ("½", True)]
    + [(UNKNOWN, False), (",", False), ("_", False), ("5°c", False), ("∂", False), ("\u0301e", False)],
)
def test_words_are_readable_that_hold_letters_and_digits_alone(word, expected):
    assert is_readable(word) is expected
