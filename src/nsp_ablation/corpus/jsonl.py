"""JSON-lines corpora, plain or compressed, and parquet files: one document a row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nsp_ablation.corpus.document import Document
from nsp_ablation.corpus.lines import read_lines


def read_jsonl(paths: list[Path], text_key: str) -> Iterator[Document]:
    """Yield the documents of JSON-lines files (also `.gz`, `.zst`, `.xz`) and `.parquet` files, in order.

    A row's name is its `id` if it has one, else `file:line` (`file:row`). Lines of white space are skipped. Raises
    ValueError for a line that is no JSON object, a row without text at `text_key`, and a file without rows.
    """
    for path in paths:
        is_parquet = path.suffix == ".parquet"
        place = ""
        for place, row in _parquet_rows(path, text_key) if is_parquet else _json_rows(path):
            yield Document(str(row["id"]) if row.get("id") is not None else place, _text(row, text_key, place))
        if not place:
            raise ValueError(f"{path} holds no documents; delete it or correct corpus.path")


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in read_lines(path):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{place} is not JSON ({error}); corpus=jsonl needs one object on each line") from error
        if not isinstance(row, dict):
            raise ValueError(
                f"{place} is not a JSON object but {line[:20]!r}; corpus=jsonl needs one object on each line"
            )
        yield place, row


def _parquet_rows(path: Path, text_key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            columns = file.schema_arrow.names
            _check_key(columns, text_key, str(path))
            number = 0
            # 1,024 rows at a time: long documents (books) then stay below a gigabyte
            for batch in file.iter_batches(1024, columns=[name for name in ("id", text_key) if name in columns]):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{path}:{number}", row
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{path} is not a parquet file ({error}); fetch it again") from error


def _text(row: dict[str, Any], text_key: str, place: str) -> str:
    _check_key(list(row), text_key, place)
    text = row[text_key]
    if not isinstance(text, str):
        raise ValueError(
            f"{place} has {text!r:.40} at corpus.text_key={text_key}, not text; drop such rows or name another key"
        )
    return text


def _check_key(keys: list[str], text_key: str, place: str) -> None:
    if text_key not in keys:
        remedy = f"set corpus.text_key to one of {', '.join(keys)}" if keys else "the row is empty; delete it"
        raise ValueError(f"{place} has no corpus.text_key={text_key}; {remedy}")
