"""The files of a corpus, and pieces of them: what a shard reads, so that many processes can share one large file."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.visible_files import expand_paths


@dataclass(frozen=True)
class Piece:
    """A file or a part of it: `[start, end)` in bytes of a plain file, in row groups of a parquet file.

    Bytes need not meet the border of a line: readers say which lines and documents are the piece's, each exactly one
    piece's wherever a file is cut. `end` is None where the file is read to its end. `num_bytes` is the piece's size.
    """

    path: Path
    start: int
    end: int | None
    num_bytes: int


def expand(path: str | list[str]) -> list[Path]:
    """Return the files of `corpus.path` as `expand_paths` does. Raises InputError where a path matches none."""
    for pattern in [path] if isinstance(path, str) else path:
        if not expand_paths(pattern):
            raise InputError(f"corpus.path={pattern} matches no file; give a file, a directory with files or a glob")
    return expand_paths(path)


def whole(path: Path) -> Piece:
    """Return a file as one piece."""
    return Piece(path, 0, None, path.stat().st_size)


def cut_bytes(path: Path, max_bytes: int) -> list[Piece]:
    """Cut a plain file into the fewest pieces of at most `max_bytes`, equal to a byte; an empty file is one piece."""
    num_bytes = path.stat().st_size
    num_pieces = max(1, -(-num_bytes // max_bytes))
    borders = [num_bytes * number // num_pieces for number in range(num_pieces + 1)]
    return [Piece(path, start, end, end - start) for start, end in pairwise(borders)]


def pack(pieces: Iterable[Piece], max_bytes: int) -> list[tuple[Piece, ...]]:
    """Group neighbours, in order, into groups of at most `max_bytes`; a larger piece is a group by itself."""
    groups: list[tuple[Piece, ...]] = []
    capacity = 0
    for piece in pieces:
        if not groups or piece.num_bytes > capacity:
            groups.append(())
            capacity = max_bytes
        groups[-1] += (piece,)
        capacity -= piece.num_bytes
    return groups
