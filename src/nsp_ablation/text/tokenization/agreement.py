"""Whether two tokenizers are one: compared wherever two meet, on text, with both results shown where they differ.

Two vocabularies of equal size, or two files of one directory, may give a text different ids, and nothing else tells:
embeddings would stand for other tokens than those they were trained for.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from tokenizers import Tokenizer

# Capitals, accents in both normal forms, scripts without spaces, digits, punctuation, spaces, strings that spell
# special tokens, and a word longer than BERT reads.
SAMPLE = (
    "Mara found the Lantern near Inés, in ZÜRICH; it isn't naïve (is it?)",
    "cafe\u0301 caf\u00e9 A\u030angstro\u0308m \u0130stanbul \u00df \ufb01n \uff21\uff11",
    "東京は日本の首都です。中国GPU很好,한국어 ภาษาไทย हिंदी की किताब ру́сский العربية",
    "1907-05-17 3.14 $1,000 50% x_y #tag @name a/b\\c <html> & \u201cquoted\u201d \u2014 \U0001f600",
    "  two  spaces,\ttabs\u00a0and\u3000others \u200b\u00ad",
    "[CLS] [SEP] [MASK] [PAD] [UNK] <s> </s> <pad> <mask> <unk> [mask] a[MASK]b a<mask>b",
    "e" * 120,
)
_NUM_TEXTS, _NUM_CHARACTERS = 200, 2000  # of a corpus: some 100,000 tokens, read in under a second
_NUM_SHOWN = 6


def sample_of(texts: Iterable[str]) -> Iterator[str]:
    """Yield SAMPLE, and the beginnings of the first texts of a corpus."""
    yield from SAMPLE
    for text in islice(texts, _NUM_TEXTS):
        yield text[:_NUM_CHARACTERS]


def difference(first: Tokenizer, second: Tokenizer, texts: Iterable[str], names: tuple[str, str]) -> str | None:
    """Return in words where two tokenizers differ, None where they agree on every text and on every token's id.

    `names` are those of the two in that sentence. Text is read both ways: strings that spell special tokens as text, as
    stores are encoded, and as special tokens. Leaves both as they were.
    """
    texts = list(texts)
    for as_text in (True, False):
        settings = first.encode_special_tokens, second.encode_special_tokens
        first.encode_special_tokens = second.encode_special_tokens = as_text
        try:
            for text in texts:
                if found := _difference_in(text, first, second, names):
                    return found
        finally:
            first.encode_special_tokens, second.encode_special_tokens = settings
    return _vocabulary_difference(first.get_vocab(), second.get_vocab(), names)


def _difference_in(text: str, first: Tokenizer, second: Tokenizer, names: tuple[str, str]) -> str | None:
    encodings = [tokenizer.encode(text, add_special_tokens=False) for tokenizer in (first, second)]
    ids = [encoding.ids for encoding in encodings]
    if ids[0] == ids[1]:
        return None
    length = min(map(len, ids))
    at = next((position for position in range(length) if ids[0][position] != ids[1][position]), length)
    starts = [encoding.offsets[at][0] for encoding in encodings if at < len(encoding)]
    start = text.rfind(" ", 0, min(starts) + 1) + 1
    shown = [" ".join(encoding.tokens[at : at + _NUM_SHOWN]) or "nothing" for encoding in encodings]
    if shown[0] == shown[1]:
        shown = [" ".join(map(str, row[at : at + _NUM_SHOWN])) for row in ids]
    return f"{text[start : start + 40]!r} is {shown[0]!r} to {names[0]} and {shown[1]!r} to {names[1]}"


def _vocabulary_difference(first: Mapping[str, int], second: Mapping[str, int], names: tuple[str, str]) -> str | None:
    unequal = {token for token in {*first, *second} if first.get(token) != second.get(token)}
    if not unequal:
        return None
    token = min(unequal, key=lambda token: (min(first.get(token, 2**40), second.get(token, 2**40)), token))
    shown = [f"is id {found[token]}" if token in found else "is no token" for found in (first, second)]
    sizes = f"{len(first)} and {len(second)} tokens"
    return f"{token!r} {shown[0]} to {names[0]} and {shown[1]} to {names[1]} ({sizes})"
