"""WordPiece beyond English: alphabets of thousands of characters, words of hundreds, vowel signs that are marks."""

import random
import re
from dataclasses import replace

import pytest

from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer

WORDPIECE = TokenizerOptions("wordpiece")
THAI = ["ไม้", "และ", "คน", "ดิน", "รถ", "ข้าว", "ไฟ", "ปลา", "เมือง", "บ้าน"]
KHMER = ["ភាសា", "ខ្មែរ", "ប្រទេស", "ទឹក", "ផ្ទះ"]
HINDI = "किताब और पानी की कहानी में लड़की थी"
TAMIL = "தமிழ் மொழி நல்ல மொழி"


def chinese(num_characters: int, length: int, start: int = 0x4E00) -> list[str]:
    """Return texts whose n-th character is drawn in proportion to 1 / n; every one occurs."""
    draw = random.Random(1)
    characters = [chr(start + number) for number in range(num_characters)]
    drawn = draw.choices(characters, [1 / (1 + rank) for rank in range(num_characters)], k=length)
    text = "".join([*drawn, *characters])
    return [text[start : start + 50] + "。" for start in range(0, len(text), 50)]


def unwritten(words: list[str], length: int) -> str:
    """Return words written together, at least `length` characters."""
    draw, text = random.Random(2), ""
    while len(text) < length:
        text += draw.choice(words)
    return text


def trained(options: TokenizerOptions, texts: list[str], directory):
    """Train the largest vocabulary that the texts allow."""
    with pytest.raises(ValueError, match="larger than the vocabulary") as error:
        train_tokenizer(replace(options, vocab_size=50_000), iter(texts), directory)
    size = int(re.search(r"set tokenizer.vocab_size=(\d+)", str(error.value))[1])
    train_tokenizer(replace(options, vocab_size=size), iter(texts), directory)
    return load_tokenizer(directory)


def unknown_share(tokenizer, text: str) -> float:
    tokens = tokenizer.encode(text, add_special_tokens=False).tokens
    return tokens.count("[UNK]") / len(tokens)


@pytest.mark.parametrize(("num_characters", "start"), [(3500, 0x4E00), (2200, 0xAC00)])
def test_the_default_alphabet_leaves_no_more_than_one_character_in_2000_unknown(num_characters, start, tmp_path):
    texts = chinese(num_characters, 10_000, start)
    assert unknown_share(trained(WORDPIECE, texts, tmp_path / "default"), " ".join(texts)) <= 0.0005
    few = trained(replace(WORDPIECE, max_alphabet=1000), texts, tmp_path / "few")
    assert unknown_share(few, " ".join(texts)) > 0.05


def test_the_default_alphabet_holds_1000_characters_also_where_fewer_cover_the_text(tmp_path):
    rare = [chr(0x4E00 + number) for number in range(1300)]
    texts = ["fox dog " * 110_000, *rare]  # 99.8 % are six letters, and one in 3500 would be enough
    train_tokenizer(replace(WORDPIECE, vocab_size=1011), iter(texts), tmp_path)
    kept = [token for token in load_tokenizer(tmp_path).get_vocab() if len(token) == 1]
    assert len(kept) == 1000


@pytest.mark.parametrize("words", [THAI, KHMER])
@pytest.mark.parametrize("lowercase", [True, False])
def test_words_without_spaces_between_them_are_read(words, lowercase, tmp_path):
    text = [unwritten(words, 300) for _ in range(3)]
    tokenizer = trained(replace(WORDPIECE, lowercase=lowercase), text, tmp_path)
    assert all(unknown_share(tokenizer, line) == 0 for line in text)


@pytest.mark.parametrize("limit", [100, 500, 37])
def test_a_word_is_unknown_from_one_character_more_than_the_limit_on(limit, tmp_path):
    tokenizer = trained(replace(WORDPIECE, max_word_characters=limit), ["ab" * 30] * 3, tmp_path)
    assert unknown_share(tokenizer, "a" * limit) == 0
    assert tokenizer.encode("a" * (limit + 1), add_special_tokens=False).tokens == ["[UNK]"]


@pytest.mark.parametrize(("text", "sign"), [(HINDI, "\u0940"), (TAMIL, "\u0bcd"), ("naïve café", "ï")])
@pytest.mark.parametrize(
    ("lowercase", "strip_accents", "keeps"),
    [(True, None, False), (True, False, True), (True, True, False), (False, None, True), (False, True, False)],
)
def test_accents_and_vowel_signs_go_with_lowercasing_unless_told(text, sign, lowercase, strip_accents, keeps, tmp_path):
    if sign == "\u0940":
        sign = "\u0902"  # anusvara: a mark without width; the sign of long i has one and is never stripped
    options = replace(WORDPIECE, lowercase=lowercase, strip_accents=strip_accents)
    tokenizer = trained(options, [text] * 3, tmp_path)
    found = "".join(tokenizer.encode(text, add_special_tokens=False).tokens)
    assert (sign in found) == keeps
    assert "[UNK]" not in found


@pytest.mark.parametrize(
    ("kind", "texts"),
    [("bbpe", ["the fox"] * 3), ("wordpiece", ["the fox, the dog"] * 3), ("wordpiece", chinese(1500, 9000))],
)
def test_the_sizes_that_a_refusal_names_work(kind, texts, tmp_path):
    options = TokenizerOptions(kind)
    tokenizer = trained(options, texts, tmp_path / "large")
    with pytest.raises(ValueError, match="smaller than") as error:
        train_tokenizer(replace(options, vocab_size=6), iter(texts), tmp_path)
    smallest = int(re.search(r"raise it to (\d+) or more", str(error.value))[1])
    train_tokenizer(replace(options, vocab_size=smallest), iter(texts), tmp_path / "small")
    assert load_tokenizer(tmp_path / "small").get_vocab_size() == smallest <= tokenizer.get_vocab_size()
    with pytest.raises(ValueError, match="smaller than"):
        train_tokenizer(replace(options, vocab_size=smallest - 1), iter(texts), tmp_path)


@pytest.mark.parametrize("texts", [["the fox, the dog"] * 3, chinese(1500, 9000), [HINDI] * 3])
def test_the_alphabet_that_a_refusal_names_is_the_largest_that_fits(texts, tmp_path):
    options = replace(WORDPIECE, vocab_size=16)
    with pytest.raises(ValueError, match="smaller than") as error:
        train_tokenizer(options, iter(texts), tmp_path)
    fitting = int(re.search(r"set tokenizer.max_alphabet=(\d+)", str(error.value))[1])
    train_tokenizer(replace(options, max_alphabet=fitting), iter(texts), tmp_path / "fitting")
    with pytest.raises(ValueError, match="smaller than"):
        train_tokenizer(replace(options, max_alphabet=fitting + 1), iter(texts), tmp_path)


def test_a_cut_alphabet_is_named_where_a_vocabulary_is_out_of_reach(tmp_path):
    texts = chinese(1500, 9000)
    with pytest.raises(ValueError, match="or set tokenizer.max_alphabet=1501 to keep every character"):
        train_tokenizer(replace(WORDPIECE, vocab_size=1506, max_alphabet=900), iter(texts), tmp_path)
    train_tokenizer(replace(WORDPIECE, vocab_size=1506, max_alphabet=1501), iter(texts), tmp_path)
