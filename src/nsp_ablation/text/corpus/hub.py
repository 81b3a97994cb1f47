"""Corpora of the Hugging Face hub (or a local directory in its layout), streamed by the `datasets` library."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.piece import Piece


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Yield the documents of the data sets of `corpus.hub`, one after the other; there are no pieces."""
    for dataset in options.hub:
        yield from read_hub(**vars(dataset))


def read_hub(
    path: str, name: str | None, revision: str | None, split: str, text_key: str, document_key: str | None
) -> Iterator[str]:
    """Yield the documents of one data set, streamed: a row each, or neighbouring rows of equal `document_key`.

    Joined rows stand on lines of their own. Raises ValueError naming the key of `corpus.hub` where the data set, the
    split or a column is not to be had.
    """
    rows = _checked(_stream(path, name, revision, split), path, text_key, document_key)
    if document_key is None:
        for row in rows:
            yield row[text_key]
        return
    for _, group in groupby(rows, key=lambda row: row[document_key]):
        yield "\n".join(row[text_key] for row in group)


def _stream(path: str, name: str | None, revision: str | None, split: str) -> Iterator[dict[str, Any]]:
    import datasets

    try:
        yield from datasets.load_dataset(path, name, revision=revision, split=split, streaming=True)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        # `datasets` raises each of these for a hub out of reach, an unknown name or split, and a script data set
        reason = " ".join(str(error).split())[:200]
        raise ValueError(
            f"corpus.hub path={path} name={name} revision={revision} split={split} cannot be read ({reason}); connect "
            "to the hub, correct the entry, or take local files with corpus=jsonl corpus.path=GLOB"
        ) from error


def _checked(
    rows: Iterator[dict[str, Any]], path: str, text_key: str, document_key: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the rows, each checked for its keys."""
    number = 0
    for number, row in enumerate(rows, start=1):
        for field, key in (("text_key", text_key), ("document_key", document_key)):
            if key is not None and key not in row:
                raise ValueError(
                    f"corpus.hub path={path} has no {field}={key}; name one of its columns {', '.join(row)}"
                )
        if not isinstance(row[text_key], str):
            raise ValueError(
                f"corpus.hub path={path} row {number} holds no text at text_key={text_key}; name another key"
            )
        yield row
    if not number:
        raise ValueError(f"corpus.hub path={path} holds no documents; name another split or revision")
