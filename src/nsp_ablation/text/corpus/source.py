"""The source of a corpus: where its documents are read, as plain values that any process can be given."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import islice
from typing import Protocol

from nsp_ablation.options.corpus_options import READERS, CorpusOptions
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.piece import Piece, pack


class Reader(Protocol):
    """A module that reads corpora; `READERS` names it. `cut` is asked for whole files alone."""

    def read(self, options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[Document]:
        """Yield the documents in order. Raises InputError, naming the place, for what it cannot read."""

    def cut(self, options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
        """Cut a file into pieces of about `max_bytes` that together yield the same documents in the same order."""


@dataclass(frozen=True)
class Source:
    """The files, if any, that `options.reader` reads, by the other options."""

    options: CorpusOptions
    pieces: tuple[Piece, ...]

    @property
    def num_bytes(self) -> int:
        """The size of the files; 0 for the hub, which does not tell it."""
        return sum(piece.num_bytes for piece in self.pieces)


def read_documents(source: Source) -> Iterator[Document]:
    """Yield the documents in the corpus' order, at most `num_documents`. Raises InputError as the readers do."""
    options = source.options
    return islice(_reader(options).read(options, source.pieces), options.num_documents)


def read_source(source: Source) -> Iterator[str]:
    """Yield the texts of `read_documents`."""
    return (document.text for document in read_documents(source))


def cut_source(source: Source, max_bytes: int) -> list[Source]:
    """Cut a source into sources of about `max_bytes` that together yield the same documents in the same order.

    Plain files are cut at any byte (JSON lines at lines, text at blank lines) and parquet files at row groups; a
    compressed file, and a text file that is one document, stay whole. A source without files, or with a number of
    documents, cannot be cut. The cut is a function of the files' sizes (and of parquet files' row groups) alone.
    """
    options = source.options
    if not source.pieces or options.num_documents is not None:
        return [source]
    assert all((piece.start, piece.end) == (0, None) for piece in source.pieces), source.pieces
    pieces = [part for piece in source.pieces for part in _reader(options).cut(options, piece, max_bytes)]
    return [replace(source, pieces=group) for group in pack(pieces, max_bytes)]


def _reader(options: CorpusOptions) -> Reader:
    module: Reader = import_module(READERS[options.reader].module)  # type: ignore[assignment]
    return module
