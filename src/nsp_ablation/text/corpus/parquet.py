"""Parquet files: one document a row."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nsp_ablation.text.corpus.piece import Piece
from nsp_ablation.text.corpus.row import check_key, text_of

# Rows read at a time: long documents (books) then stay below a gigabyte.
_NUM_ROWS = 1024


def read_row_groups(piece: Piece, text_key: str) -> Iterator[str]:
    """Yield the text of every row of a parquet file's row groups `[start, end)`.

    Raises ValueError naming the file, and the row where there is one, for a file that is no parquet, a missing column
    and a row without text.
    """
    with _open(piece.path) as file:
        try:
            check_key(file.schema_arrow.names, text_key)
        except ValueError as error:
            raise ValueError(f"{piece.path} {error}") from error
        sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
        groups = list(range(file.num_row_groups))[piece.start : piece.end]
        number = sum(sizes[: piece.start])
        if not groups:
            return
        for batch in file.iter_batches(_NUM_ROWS, row_groups=groups, columns=[text_key]):
            for row in batch.to_pylist():
                number += 1
                try:
                    text = text_of(row, text_key)
                except ValueError as error:
                    raise ValueError(f"{piece.path}:{number} {error}") from error
                yield text


def cut_row_groups(path: Path, max_bytes: int) -> list[Piece]:
    """Cut a parquet file into pieces of whole row groups of at most `max_bytes` (uncompressed), or one row group."""
    with _open(path) as file:
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
def _open(path: Path) -> Iterator[Any]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a parquet file ({error}); fetch it again") from error
