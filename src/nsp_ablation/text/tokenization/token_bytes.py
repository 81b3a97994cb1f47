"""What each token of a vocabulary spells, as bytes of UTF-8: a token may end inside a character."""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, num_ids


def token_bytes(directory: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the bytes (N,) uint8 of all tokens end to end, and offsets (V+1,) int64: token t is [t, t + 1).

    A leading space is a byte like others; WordPiece's `##` spells nothing, and neither do added tokens and ids that no
    token has. The tokenizer is byte-level BPE or WordPiece (`tokenizer.word_starts` refuses others).
    """
    spelled, _ = spelled_tokens(load_tokenizer(directory))
    offsets = np.concatenate([[0], np.cumsum([len(spelling) for spelling in spelled])]).astype(np.int64)
    return np.frombuffer(b"".join(spelled), np.uint8), offsets


def spelled_tokens(tokenizer: Tokenizer) -> tuple[list[bytes], frozenset[int]]:
    """Return what each token spells, as `token_bytes`, and which ids of WordPiece begin a word (none have `##`).

    Special tokens begin none. Byte-level BPE spells the space before a word, so that none of its ids is among them.
    """
    model = json.loads(tokenizer.to_str())["model"]
    spelled, begins = [b""] * num_ids(tokenizer), set()
    added = tokenizer.get_added_tokens_decoder()
    byte_of = {character: byte for byte, character in _byte_level_characters().items()}
    for token, token_id in tokenizer.get_vocab(with_added_tokens=False).items():
        if token_id in added:
            continue
        if model["type"] == "BPE":
            spelled[token_id] = bytes(byte_of[character] for character in token if character in byte_of)
            continue
        rest = token.removeprefix(model["continuing_subword_prefix"])
        spelled[token_id] = rest.encode("utf-8", "replace")
        if rest == token:
            begins.add(token_id)
    return spelled, frozenset(begins)


def _byte_level_characters() -> dict[int, str]:
    """Return the character by which byte-level BPE writes each byte (Radford et al. 2019): itself where it prints."""
    printing = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printing]
    return {byte: chr(byte) for byte in printing} | {byte: chr(256 + number) for number, byte in enumerate(others)}
