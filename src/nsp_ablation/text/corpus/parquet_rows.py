"""Rows of Parquet files, a bounded number at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.text.corpus.parquet_pages import page_sizes
from nsp_ablation.text.corpus.piece import Piece

_NUM_ROWS = 64  # read at a time: as fast as 1024, and rows that a dictionary packs into little stay few
_BATCH_BYTES = 16 << 20
_BUFFER_BYTES = 1 << 20


def read_parquet_rows(piece: Piece, keys: list[str], max_cell_bytes: int) -> Iterator[tuple[bool, int, dict[str, Any]]]:
    """Yield (whether it is the piece's, number in the file, row) of every row from row group `start` on.

    Rows hold `keys` alone, those that the file has. Raises InputError naming the file where it is no Parquet, or a cell
    has more than `max_cell_bytes`.
    """
    with open_parquet(piece.path) as file:
        names = [name for name in file.schema_arrow.names if name in keys]
        number = sum(file.metadata.row_group(group).num_rows for group in range(piece.start))
        for group in range(piece.start, file.num_row_groups):
            is_own = piece.end is None or group < piece.end
            num_rows = _num_rows_at_a_time(piece.path, file.metadata.row_group(group), names, max_cell_bytes)
            for batch in file.iter_batches(num_rows, row_groups=[group], columns=names):
                for row in _rows(batch, names):
                    number += 1
                    yield is_own, number, row


def last_row(path: Path, group: int, keys: list[str]) -> dict[str, Any] | None:
    """Return the last row of a row group, or of one before it where it is empty; None where there is none."""
    with open_parquet(path) as file:
        for number in range(group, -1, -1):
            if num_rows := file.metadata.row_group(number).num_rows:
                table = file.read_row_group(number, columns=[name for name in file.schema_arrow.names if name in keys])
                return table.slice(num_rows - 1).to_pylist()[0]  # type: ignore[no-any-return]
    return None


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file. Raises InputError naming it where it is damaged, or a column is of no use."""
    import pyarrow
    import pyarrow.parquet

    try:
        # A buffer and no reading ahead: columns are read as they are needed, not row groups as a whole.
        with pyarrow.parquet.ParquetFile(path, buffer_size=_BUFFER_BYTES, pre_buffer=False) as file:
            yield file
    except (pyarrow.ArrowInvalid, pyarrow.ArrowNotImplementedError, OSError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"{path} is not a parquet file that can be read ({reason}); fetch or write it again"
        ) from error


def _rows(batch: Any, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the rows one by one, so that the cells of a batch are not all Python objects at once."""
    columns = [batch.column(name) for name in names]
    for index in range(batch.num_rows):
        yield {name: column[index].as_py() for name, column in zip(names, columns, strict=True)}


def _num_rows_at_a_time(path: Path, group: Any, names: list[str], max_cell_bytes: int) -> int:
    """Return how many rows of a row group are read together: `_BATCH_BYTES` on average.

    Raises InputError where a page, which is decompressed as a whole, has more than twice `max_cell_bytes`: so that many
    cells of half that size, or one of that size beside others, are read.
    """
    columns = [group.column(number) for number in range(group.num_columns)]
    columns = [column for column in columns if column.path_in_schema in names]
    with open(path, "rb") as file:
        for column in columns:
            start = min(filter(None, (column.dictionary_page_offset, column.data_page_offset)))
            largest = max(page_sizes(file, start, start + column.total_compressed_size), default=0)
            if largest > 2 * max_cell_bytes:
                raise InputError(
                    f"{path} holds a page of {largest:,} bytes in column {column.path_in_schema}; write it with fewer "
                    f"rows a page (in pyarrow write_batch_size=16), or set corpus.max_line_bytes={-(-largest // 2)}"
                )
    average = sum(column.total_uncompressed_size for column in columns) // max(1, group.num_rows)
    return max(1, min(_NUM_ROWS, _BATCH_BYTES // max(1, average)))
