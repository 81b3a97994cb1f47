"""JSON-lines corpora, plain or compressed, and Parquet files: one document a row, or in rows of one key."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.document_text import DocumentText
from nsp_ablation.text.corpus.first_bytes import PARQUET, UTF8, kind_of_file
from nsp_ablation.text.corpus.invisible import is_blank
from nsp_ablation.text.corpus.lines import line_before, line_number, read_lines
from nsp_ablation.text.corpus.parquet_rows import last_row, open_parquet, read_parquet_rows
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, whole

Row = tuple[bool, dict[str, Any]]  # whether it begins in the piece
Keys = dict[str, str]  # by the setting of `corpus` that names each: text_key, and those of the others that are set
_NAMING = ("work_key", "id_key", "source_key")  # keys of names
_NO_KEY: Any = object()  # of what stands before the first row: no row has it


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[Document]:
    """Yield the documents of JSON-lines files (compressed ones, too) and Parquet files, in order.

    A piece's rows are the lines that begin in it; lines of white space are skipped. A row is a document, or with
    `document_key` neighbouring rows of one key are, which stand on lines of their own; it is the piece's in which its
    first row begins. No document crosses a file. Its work, its id and its source are what `work_key`, `id_key` and
    `source_key` of its first row say. Raises InputError naming file and line for a line that is no JSON object and a
    row without text at `text_key`, or without a name at one of those keys, and for a file without rows.
    """
    for piece in pieces:
        has_rows = False
        for document in _documents(piece, options):
            has_rows = True
            yield document
        if not has_rows and piece.start == 0 and next(_documents(whole(piece.path), options), None) is None:
            raise InputError(f"{piece.path} holds no documents; delete it or correct corpus.path")


def cut(options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
    """Cut a file of UTF-8 at any byte and a Parquet file at row groups; one that is compressed stays whole."""
    kind = kind_of_file(piece.path)
    if kind is PARQUET:
        return _cut_row_groups(piece.path, max_bytes)
    return cut_bytes(piece.path, max_bytes) if kind is UTF8 else [piece]


def _documents(piece: Piece, options: CorpusOptions) -> Iterator[Document]:
    named = {name: getattr(options, name) for name in ("text_key", "document_key", *_NAMING)}
    keys: Keys = {name: str(key) for name, key in named.items() if key is not None}
    text_key, document_key = keys["text_key"], options.document_key
    is_parquet = kind_of_file(piece.path) is PARQUET
    rows = (_parquet_rows if is_parquet else _json_rows)(piece, keys, options.max_line_bytes)
    if document_key is None:
        yield from (_document(row[text_key], row, options) for is_own, row in rows if is_own)
        return
    document, first, is_own_document = DocumentText(piece.path, options.max_line_bytes), dict[str, Any](), False
    before = _key_before(piece, document_key, options.max_line_bytes, is_parquet)
    for is_own, row in rows:
        if before is _NO_KEY or row[document_key] != before:
            if is_own_document:
                yield _document(document.take(), first, options)
            is_own_document, before, first = is_own, row[document_key], _names(row, options)
        if is_own_document:
            document.add(row[text_key])
        elif not is_own:
            return
    if is_own_document:
        yield _document(document.take(), first, options)


def _document(text: str, row: dict[str, Any], options: CorpusOptions) -> Document:
    """Return the document of a text whose first row this is.

    Its work is the first `work_parts` parts between slashes of the name at `work_key`, all of it if None.
    """
    work, own, source = (str(row[key]) if key is not None else None for key in _naming_keys(options))
    return Document(text, work and "/".join(work.split("/")[: options.work_parts]), own, source)


def _names(row: dict[str, Any], options: CorpusOptions) -> dict[str, Any]:
    """Return what a row names, without its text, which may be long."""
    return {key: row[key] for key in _naming_keys(options) if key is not None}


def _naming_keys(options: CorpusOptions) -> tuple[str | None, ...]:
    return (options.work_key, options.id_key, options.source_key)


def _key_before(piece: Piece, document_key: str, max_line_bytes: int, is_parquet: bool) -> Any:
    """Return the document key of the last row before a piece, `_NO_KEY` where there is none."""
    if piece.start == 0:
        return _NO_KEY
    if is_parquet:
        row = last_row(piece.path, piece.start - 1, [document_key])
        return _NO_KEY if row is None else row[document_key]
    line = line_before(piece.path, piece.start, max_line_bytes)
    try:
        return _NO_KEY if line is None else _row(line, {"document_key": document_key})[document_key]
    except InputError:
        return _NO_KEY  # the piece before says which line it is


def _json_rows(piece: Piece, keys: Keys, max_line_bytes: int) -> Iterator[Row]:
    """Yield the rows of lines that begin in a piece, and with a document key those that follow."""
    for offset, number, line in read_lines(piece.path, max_line_bytes, piece.start):
        is_own = piece.end is None or offset < piece.end
        if not is_own and "document_key" not in keys:
            return
        if is_blank(line):
            continue
        try:
            row = _checked(_row(line, keys), keys)
        except InputError as error:
            raise InputError(f"{piece.path}:{line_number(piece.path, piece.start, number)} {error}") from error
        line = ""  # which may be long: it is not held while its text is used
        yield is_own, row


def _row(line: str, keys: Keys) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except RecursionError as error:
        raise InputError("is JSON that is nested too deep; corpus=jsonl needs one object on each line") from error
    except ValueError as error:  # JSONDecodeError, and a number of more digits than Python converts
        raise InputError(f"is not JSON ({error}); corpus=jsonl needs one object on each line") from error
    if not isinstance(row, dict):
        raise InputError(f"is not a JSON object but {line[:20]!r}; corpus=jsonl needs one object on each line")
    _check_keys(list(row), keys)
    return {key: row[key] for key in keys.values()}


def _parquet_rows(piece: Piece, keys: Keys, max_line_bytes: int) -> Iterator[Row]:
    """Yield the rows of row groups `[start, end)`, and with a document key those that follow."""
    with open_parquet(piece.path) as file:
        try:
            _check_keys(file.schema_arrow.names, keys)
        except InputError as error:
            raise InputError(f"{piece.path} {error}") from error
    for is_own, number, row in read_parquet_rows(piece, list(keys.values()), max_line_bytes):
        if not is_own and "document_key" not in keys:
            return
        try:
            yield is_own, _checked(row, keys)
        except InputError as error:
            raise InputError(f"{piece.path}:{number} {error}") from error


def _cut_row_groups(path: Path, max_bytes: int) -> list[Piece]:
    """Cut a parquet file into pieces of whole row groups of at most `max_bytes` (uncompressed), or one row group."""
    with open_parquet(path) as file:
        sizes = [file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups)]
    pieces = [Piece(path, 0, 0, 0)]
    for number, num_bytes in enumerate(sizes):
        last = pieces[-1]
        if last.start < number and last.num_bytes + num_bytes > max_bytes:
            pieces.append(Piece(path, number, number + 1, num_bytes))
        else:
            pieces[-1] = Piece(path, last.start, number + 1, last.num_bytes + num_bytes)
    return pieces


def _checked(row: dict[str, Any], keys: Keys) -> dict[str, Any]:
    text_of(row, keys["text_key"])
    for field in _NAMING:
        if (key := keys.get(field)) is not None and not _is_name(row[key]):
            what = {"work_key": "the work", "id_key": "the document", "source_key": "the source"}[field]
            raise InputError(f"has {row[key]!r:.40} at corpus.{field}={key}, not a name; name {what} or another key")
    return row


def _is_name(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""


def text_of(row: dict[str, Any], text_key: str) -> str:
    """Return a row's text. Raises InputError, to stand behind the row's place, where there is none at `text_key`."""
    _check_keys(list(row), {"text_key": text_key})
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


def _check_keys(names: list[str], keys: Keys) -> None:
    """Raise InputError, to stand behind the place, if a key is not among the names."""
    for field, key in keys.items():
        if key not in names:
            remedy = f"set corpus.{field} to one of {', '.join(names)}" if names else "the row is empty; delete it"
            raise InputError(f"has no corpus.{field}={key}; {remedy}")
