"""JSON-lines corpora, plain or compressed, and parquet files: one document a row."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.first_bytes import PARQUET, UTF8, kind_of_file
from nsp_ablation.text.corpus.lines import line_number, read_lines
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, whole

_NUM_PARQUET_ROWS = 1024  # read at a time: long documents (books) then stay below a gigabyte


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Yield the documents of JSON-lines files (also `.gz`, `.zst`, `.xz`) and `.parquet` files, in order.

    A piece's rows are the lines that begin in it; lines of white space are skipped. Raises InputError naming file and
    line for a line that is no JSON object and a row without text at `text_key`, and for a file without rows.
    """
    text_key = options.text_key
    assert text_key is not None
    for piece in pieces:
        has_rows = False
        for text in _texts(piece, text_key, options.max_line_bytes):
            has_rows = True
            yield text
        if (
            not has_rows
            and piece.start == 0
            and next(_texts(whole(piece.path), text_key, options.max_line_bytes), None) is None
        ):
            raise InputError(f"{piece.path} holds no documents; delete it or correct corpus.path")


def cut(options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
    """Cut a file of UTF-8 at any byte and a Parquet file at row groups; one that is compressed stays whole."""
    kind = kind_of_file(piece.path)
    if kind is PARQUET:
        return _cut_row_groups(piece.path, max_bytes)
    return cut_bytes(piece.path, max_bytes) if kind is UTF8 else [piece]


def _texts(piece: Piece, text_key: str, max_line_bytes: int) -> Iterator[str]:
    if kind_of_file(piece.path) is PARQUET:
        return _parquet_texts(piece, text_key)
    return _json_texts(piece, text_key, max_line_bytes)


def _json_texts(piece: Piece, text_key: str, max_line_bytes: int) -> Iterator[str]:
    for offset, number, line in read_lines(piece.path, max_line_bytes, piece.start):
        if piece.end is not None and offset >= piece.end:
            return
        if not line.strip():
            continue
        try:
            text = text_of(_row(line), text_key)
        except InputError as error:
            raise InputError(f"{piece.path}:{line_number(piece.path, piece.start, number)} {error}") from error
        yield text


def _row(line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except RecursionError as error:
        raise InputError("is JSON that is nested too deep; corpus=jsonl needs one object on each line") from error
    except ValueError as error:  # JSONDecodeError, and a number of more digits than Python converts
        raise InputError(f"is not JSON ({error}); corpus=jsonl needs one object on each line") from error
    if not isinstance(row, dict):
        raise InputError(f"is not a JSON object but {line[:20]!r}; corpus=jsonl needs one object on each line")
    return row


def _parquet_texts(piece: Piece, text_key: str) -> Iterator[str]:
    """Yield the text of every row of a parquet file's row groups `[start, end)`.

    Raises InputError naming the file, and the row where there is one, for a file that is no parquet, a missing column
    and a row without text.
    """
    with _open_parquet(piece.path) as file:
        try:
            _check_key(file.schema_arrow.names, text_key)
        except InputError as error:
            raise InputError(f"{piece.path} {error}") from error
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        groups = list(range(file.num_row_groups))[piece.start : piece.end]
        number = sum(sizes[: piece.start])
        if not groups:
            return
        for batch in file.iter_batches(_NUM_PARQUET_ROWS, row_groups=groups, columns=[text_key]):
            for row in batch.to_pylist():
                number += 1
                try:
                    text = text_of(row, text_key)
                except InputError as error:
                    raise InputError(f"{piece.path}:{number} {error}") from error
                yield text


def _cut_row_groups(path: Path, max_bytes: int) -> list[Piece]:
    """Cut a parquet file into pieces of whole row groups of at most `max_bytes` (uncompressed), or one row group."""
    with _open_parquet(path) as file:
        sizes = [file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups)]
    pieces = [Piece(path, 0, 0, 0)]
    for number, num_bytes in enumerate(sizes):
        last = pieces[-1]
        if last.start < number and last.num_bytes + num_bytes > max_bytes:
            pieces.append(Piece(path, number, number + 1, num_bytes))
        else:
            pieces[-1] = Piece(path, last.start, number + 1, last.num_bytes + num_bytes)
    return pieces


@contextmanager
def _open_parquet(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except pyarrow.ArrowInvalid as error:
        raise InputError(f"{path} is not a parquet file ({error}); fetch it again") from error


def text_of(row: dict[str, Any], text_key: str) -> str:
    """Return a row's text. Raises InputError, to stand behind the row's place, where there is none at `text_key`."""
    _check_key(list(row), text_key)
    text = row[text_key]
    if not isinstance(text, str):
        raise InputError(
            f"has {text!r:.40} at corpus.text_key={text_key}, not text; drop such rows or name another key"
        )
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"holds text that is not valid Unicode ({error.reason}); repair or drop it") from error
    return text


def _check_key(keys: list[str], text_key: str) -> None:
    """Raise InputError, to stand behind the place, if no key is `text_key`."""
    if text_key not in keys:
        remedy = f"set corpus.text_key to one of {', '.join(keys)}" if keys else "the row is empty; delete it"
        raise InputError(f"has no corpus.text_key={text_key}; {remedy}")
