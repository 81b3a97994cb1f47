"""Corpora of the Hugging Face hub (or a local directory in its layout), streamed by the `datasets` library."""

from collections.abc import Iterator
from itertools import chain, groupby
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions, DatasetOptions
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.piece import Piece


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[Document]:
    """Yield the documents of the data sets of `corpus.hub`, one after the other; there are no pieces."""
    return map(Document, chain.from_iterable(map(read_dataset, options.hub)))


def read_dataset(dataset: DatasetOptions) -> Iterator[str]:
    """Yield the texts of one data set, streamed: a row each, or neighbouring rows of equal `document_key`.

    Joined rows stand on lines of their own, or with `sentence_rows` are paragraphs. Raises InputError naming the key of
    `corpus.hub` where the data set, the split or a column is not to be had.
    """
    key, between = dataset.document_key, "\n\n" if dataset.sentence_rows else "\n"
    for _, group in groupby(enumerate(_rows(dataset)), lambda item: item[0] if key is None else item[1][key]):
        yield between.join(row[dataset.text_key] for _, row in group)


def _rows(dataset: DatasetOptions) -> Iterator[dict[str, Any]]:
    """Yield the rows, each checked for its keys."""
    name, number = f"corpus.hub path={dataset.path}", 0
    for number, row in enumerate(_stream(dataset), start=1):
        for field in ("text_key", "document_key"):
            key = getattr(dataset, field)
            if key is not None and key not in row:
                raise InputError(f"{name} has no {field}={key}; name one of its columns {', '.join(row)}")
        if not isinstance(row[dataset.text_key], str):
            raise InputError(f"{name} row {number} holds no text at text_key={dataset.text_key}; name another key")
        yield row
    if not number:
        raise InputError(f"{name} holds no documents; name another split or revision")


def _stream(dataset: DatasetOptions) -> Iterator[dict[str, Any]]:
    import datasets

    path, name, revision, split = dataset.path, dataset.name, dataset.revision, dataset.split
    try:
        yield from datasets.load_dataset(path, name, revision=revision, split=split, streaming=True)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        # `datasets` raises each of these for a hub out of reach, an unknown name or split, and a script data set
        reason = " ".join(str(error).split())[:200]
        raise InputError(
            f"corpus.hub {path=!s} {name=!s} {revision=!s} {split=!s} cannot be read ({reason}); connect "
            "to the hub, correct the entry, or take local files with corpus=jsonl corpus.path=GLOB"
        ) from error
