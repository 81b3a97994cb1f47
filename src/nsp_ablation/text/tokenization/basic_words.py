"""Words as BERT cuts text before it makes pieces of them: the same ones whatever vocabulary the text was encoded in.

Text is lower-cased, loses accents and control characters, and is cut at white space, around punctuation marks and
around Chinese characters (`BertNormalizer` and `BertPreTokenizer` of `tokenizers`, themselves); a mark is a word, too.
Tokens are spelled out first, so byte-level BPE, which changes nothing of a text, and WordPiece, which cuts it by this
very rule, give the same words. A word that WordPiece lacks is one unknown token, so that it is one word here as well.
"""

import json
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from nsp_ablation.text.tokenization.token_bytes import spelled_tokens

UNKNOWN = ""  # a word that the vocabulary lacks, which nothing tells
_SPACE = b" "


def cut_text(text: str) -> list[str]:
    """Return the words of a text."""
    return [_folded(text[start:end]) for start, end in _cutter().encode(text, add_special_tokens=False).offsets]


def is_readable(word: str) -> bool:
    """Whether a word is letters and digits, with whatever marks stand over or beside them, and not unknown."""
    return word[:1].isalnum() and all(one.isalnum() or unicodedata.category(one)[0] == "M" for one in word)


class WordReader:
    """Reads the words of sentences in the tokens of one vocabulary, byte-level BPE or WordPiece."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        spelled, begins = spelled_tokens(tokenizer)
        self._spelled = [_SPACE + one if number in begins else one for number, one in enumerate(spelled)]
        name = json.loads(tokenizer.to_str())["model"].get("unk_token")
        self._unknown = -1 if name is None else tokenizer.token_to_id(name)

    def words(self, sentences: Sequence[np.ndarray]) -> list[list[str]]:
        """Return the words of whole sentences of ids (n,) each, UNKNOWN in the place of those that are unknown."""
        borders = [self._known_parts(ids) for ids in sentences]
        texts = [
            b"".join(self._pieces(ids[start:end])).decode()
            for ids, parts in zip(sentences, borders, strict=True)
            for start, end in parts
        ]
        encodings = _cutter().encode_batch(texts, add_special_tokens=False)
        cut = iter(
            [
                [_folded(text[start:end]) for start, end in encoding.offsets]
                for text, encoding in zip(texts, encodings, strict=True)
            ]
        )
        found = []
        for parts in borders:
            words = next(cut)
            for _ in parts[1:]:
                words = [*words, UNKNOWN, *next(cut)]
            found.append(words)
        return found

    def word_tokens(self, ids: np.ndarray) -> np.ndarray:
        """Return the tokens [first, end) of each word (W, 2) int64 of a whole sentence of ids (n,), unknown ones too.

        They are all tokens that hold a part of the word, and its space where that is a token by itself. WordPiece has a
        border at every word's; a token of byte-level BPE may hold a neighbouring mark or Chinese character as well.
        """
        found = [np.zeros((0, 2), np.int64)]
        for start, end in self._known_parts(ids):
            if start:
                found.append(np.array([[start - 1, start]]))
            found.append(start + _token_ranges(self._pieces(ids[start:end])))
        return np.concatenate(found).astype(np.int64)

    def _pieces(self, ids: np.ndarray) -> list[bytes]:
        return [self._spelled[token] for token in ids.tolist()]

    def _known_parts(self, ids: np.ndarray) -> list[tuple[int, int]]:
        """Return the tokens [start, end) before the first unknown one, between every two, and after the last."""
        unknown = np.flatnonzero(ids == self._unknown).tolist()
        return list(zip([0, *(at + 1 for at in unknown)], [*unknown, len(ids)], strict=True))


def _token_ranges(pieces: list[bytes]) -> np.ndarray:
    """Return the pieces [first, end) of each word (W, 2) that they spell together."""
    spelled = b"".join(pieces)
    text = spelled.decode()
    codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    sizes = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    byte_of = np.concatenate([[0], np.cumsum(sizes)])
    characters = np.array(_cutter().encode(text, add_special_tokens=False).offsets, np.int64).reshape(-1, 2)
    low, high = byte_of[characters].T
    borders = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    first = np.searchsorted(borders, low, side="right") - 1
    is_space = np.append(np.array([piece == _SPACE for piece in pieces], bool), False)
    first -= (borders[first] == low) & is_space[first - 1]
    return np.stack([first, np.searchsorted(borders, high, side="left")], axis=1)


@cache
def _cutter() -> Tokenizer:
    """Return a tokenizer whose tokens are words, of which it tells where they stand in a text."""
    cutter = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    cutter.normalizer = normalizers.BertNormalizer(strip_accents=True, lowercase=True)
    cutter.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return cutter


@lru_cache(maxsize=1 << 17)
def _folded(written: str) -> str:
    """Return a word as it is compared: lower-case, without accents and control characters."""
    folded: str = _cutter().normalizer.normalize_str(written)
    return folded.strip()
