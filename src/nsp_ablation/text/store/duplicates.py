"""Exact duplicates among the documents of a corpus, after folding white space and case: 8 bytes per document."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nsp_ablation.text.store.array_file import read_pieces

# In this file of a shard's part stand the digests (D,) uint64 of its documents that have a token.
FOLDED_FILE = "folded_digest.npy"

_SPACES = b"\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f "  # the white space of `str.split` within ASCII
_SPACE = 32
_FOLD_ASCII = bytes.maketrans(_SPACES + bytes(range(65, 91)), b" " * len(_SPACES) + bytes(range(97, 123)))
_BLOCK_CHARACTERS = 1 << 20
_MIN_BYTES = 512  # below it numpy's calls take longer than Python's own way
_MAX_DIGESTS = 1 << 22  # looked at together: 32 MiB, however many documents there are


def folded_digest(text: str) -> bytes:
    """Return the digest, 8 bytes, of a text of which every run of white space is one space and all case is folded.

    Of 10^8 different documents, fewer than one pair in 1,000 corpora has one digest. A long text is folded in blocks,
    which take eight times their size.
    """
    digest, is_parted, has_begun = hashlib.blake2b(digest_size=8), False, False
    for start in range(0, len(text), _BLOCK_CHARACTERS):
        block = text[start : start + _BLOCK_CHARACTERS]
        folded = _fold_plainly(block.encode("utf-8"))
        if folded is None:
            folded = " ".join(block.casefold().split()).encode()
        if folded:
            if has_begun and (is_parted or block[0].isspace()):
                digest.update(b" ")
            digest.update(folded)
            has_begun, is_parted = True, False
        is_parted = is_parted or block[-1].isspace()
    return digest.digest()


def _fold_plainly(data: bytes) -> bytes | None:
    """Return UTF-8 text folded, None where that takes more than folding ASCII: 5 x as fast where it does not."""
    if len(data) < _MIN_BYTES:
        return None
    if not data.isascii():
        array = np.frombuffer(data, np.uint8)
        others = array[array >= 0x80].tobytes().decode()
        if len(others) > len(data) // 4 or others != others.casefold() or len(others.split()) > 1:
            return None
        if others[0].isspace() or others[-1].isspace():
            return None
    array = np.frombuffer(data.translate(_FOLD_ASCII), np.uint8)
    is_space = array == _SPACE
    is_repeated = is_space[1:] & is_space[:-1]
    if is_repeated.any():
        array = array[np.append(True, ~is_repeated)]
    return array.tobytes().strip(b" ")


@dataclass(frozen=True)
class Duplicates:
    """How many documents repeat an earlier one of their own part, and how many held-out ones stand in training too."""

    training: int
    held_out: int
    in_both: int


def count_duplicates(training: list[Path], held_out: list[Path]) -> Duplicates:
    """Count the duplicates of two parts of a corpus, each given by files of digests (D,) uint64.

    Memory is bounded: with many documents the files are read several times, each time for a part of the digests.
    """
    num_digests = sum(len(piece) for path in [*training, *held_out] for piece in read_pieces(path))
    num_parts = 1 + num_digests // _MAX_DIGESTS
    counts = np.zeros(3, np.int64)
    for part in range(num_parts):
        trained, held = (_of_part(paths, part, num_parts) for paths in (training, held_out))
        distinct = np.unique(trained)
        num_shared = int(np.isin(held, distinct).sum())
        counts += len(trained) - len(distinct), len(held) - len(np.unique(held)), num_shared
    return Duplicates(*counts.tolist())


def _of_part(paths: list[Path], part: int, num_parts: int) -> np.ndarray:
    """Return the digests (N,) uint64 of which `part` is the rest after division by `num_parts`."""
    pieces = (piece[piece % np.uint64(num_parts) == part] for path in paths for piece in read_pieces(path))
    return np.concatenate([np.zeros(0, np.uint64), *pieces])
