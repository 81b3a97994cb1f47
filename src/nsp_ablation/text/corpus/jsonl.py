"""JSON-lines corpora, plain or compressed, and parquet files: one document a row."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.lines import COMPRESSED, line_number, read_lines
from nsp_ablation.text.corpus.parquet import cut_row_groups, read_row_groups
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, whole
from nsp_ablation.text.corpus.row import text_of


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Yield the documents of JSON-lines and parquet files, by `read_jsonl`."""
    assert options.text_key is not None
    return read_jsonl(pieces, options.text_key)


def cut(options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
    """Cut a plain file at any byte and a parquet file at row groups; a compressed one stays whole."""
    if piece.path.suffix in COMPRESSED:
        return [piece]
    return (cut_row_groups if piece.path.suffix == ".parquet" else cut_bytes)(piece.path, max_bytes)


def read_jsonl(pieces: Iterable[Piece], text_key: str) -> Iterator[str]:
    """Yield the documents of JSON-lines files (also `.gz`, `.zst`, `.xz`) and `.parquet` files, in order.

    A piece's rows are the lines that begin in it; lines of white space are skipped. Raises ValueError naming file and
    line for a line that is no JSON object and a row without text at `text_key`, and for a file without rows.
    """
    for piece in pieces:
        has_rows = False
        for text in _texts(piece, text_key):
            has_rows = True
            yield text
        if not has_rows and piece.start == 0 and next(_texts(whole(piece.path), text_key), None) is None:
            raise ValueError(f"{piece.path} holds no documents; delete it or correct corpus.path")


def _texts(piece: Piece, text_key: str) -> Iterator[str]:
    return (read_row_groups if piece.path.suffix == ".parquet" else _json_texts)(piece, text_key)


def _json_texts(piece: Piece, text_key: str) -> Iterator[str]:
    for offset, number, line in read_lines(piece.path, piece.start):
        if piece.end is not None and offset >= piece.end:
            return
        if not line.strip():
            continue
        try:
            text = text_of(_row(line), text_key)
        except ValueError as error:
            raise ValueError(f"{piece.path}:{line_number(piece.path, piece.start, number)} {error}") from error
        yield text


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON ({error}); corpus=jsonl needs one object on each line") from error
    if not isinstance(row, dict):
        raise ValueError(f"is not a JSON object but {line[:20]!r}; corpus=jsonl needs one object on each line")
    return row
