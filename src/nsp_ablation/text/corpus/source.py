"""The source of a corpus: where its documents are read, as plain values that any process can be given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from nsp_ablation.text.corpus.hub import read_hub
from nsp_ablation.text.corpus.jsonl import read_jsonl
from nsp_ablation.text.corpus.lines import COMPRESSED
from nsp_ablation.text.corpus.parquet import cut_row_groups
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, pack
from nsp_ablation.text.corpus.plain_text import read_text


@dataclass(frozen=True)
class Source:
    """Files that `reader` "text" (with `document_border`) or "jsonl" (with `text_key`) reads, or "hub" data sets.

    `hub` holds the arguments of `read_hub`, one mapping a data set. Reading stops after `max_documents`, if not None.
    """

    reader: str
    pieces: tuple[Piece, ...]
    text_key: str | None
    document_border: str | None
    hub: tuple[dict[str, Any], ...]
    max_documents: int | None

    @property
    def num_bytes(self) -> int:
        """The size of the files; 0 for the hub, which does not tell it."""
        return sum(piece.num_bytes for piece in self.pieces)


def read_source(source: Source) -> Iterator[str]:
    """Yield the documents' texts in the corpus' order. Raises ValueError as the readers do."""
    return islice(_read(source), source.max_documents)


def cut_source(source: Source, max_bytes: int) -> list[Source]:
    """Cut a source into sources of about `max_bytes` that together yield the same documents in the same order.

    Plain files are cut at any byte (JSON lines at lines, text at blank lines) and parquet files at row groups; a
    compressed file, and a text file that is one document, stay whole. The hub, and a source with `max_documents`,
    cannot be cut. The cut is a function of the files' sizes (and of parquet files' row groups) alone.
    """
    if source.reader == "hub" or source.max_documents is not None:
        return [source]
    pieces = [part for piece in source.pieces for part in _cut(piece, source, max_bytes)]
    return [replace(source, pieces=group) for group in pack(pieces, max_bytes)]


def _read(source: Source) -> Iterator[str]:
    if source.reader == "text":
        assert source.document_border is not None
        yield from read_text(source.pieces, source.document_border)
    elif source.reader == "jsonl":
        assert source.text_key is not None
        yield from read_jsonl(source.pieces, source.text_key)
    else:
        assert source.reader == "hub", source.reader
        for dataset in source.hub:
            yield from read_hub(**dataset)


def _cut(piece: Piece, source: Source, max_bytes: int) -> list[Piece]:
    assert (piece.start, piece.end) == (0, None), piece
    if piece.path.suffix in COMPRESSED or source.document_border == "file":
        return [piece]
    if source.reader == "jsonl" and piece.path.suffix == ".parquet":
        return cut_row_groups(piece.path, max_bytes)
    return cut_bytes(piece.path, max_bytes)
