"""The document: the unit within which a format may take sentences as contiguous. Readers give them.

In the text a blank line separates paragraphs, or each line is a sentence (BERT's layout). What is wrong with a document
is said where it is read, with file and line.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

# A document of fewer characters is whole: a novel has about as many, and an encoder reads a few thousand at a time.
_MAX_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Document:
    """A text, and the name of the work that it is part of (`corpus.work_key`); None: it is a work by itself.

    `id` and `source` are its own name and where it comes from (`corpus.id_key`, `corpus.source_key`), for lists of
    documents alone.
    """

    text: str
    work: str | None = None
    id: str | None = None
    source: str | None = None

    def heldout_digest(self) -> bytes:
        """Return the SHA-256, 32 bytes, by which it is held out: of the work's name, else of the text.

        So the chapters of one novel, which share their names, fall on one side.
        """
        return text_digest(self.text if self.work is None else self.work)


def text_digest(text: str) -> bytes:
    """Return the SHA-256 of a document's text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def is_heldout(digest: bytes, fraction: float) -> bool:
    """Return whether the document of a `heldout_digest` is held out: so every seed, order and process agrees.

    Over many documents `fraction` of them are; raising `fraction` only adds to them. Equal texts, and the documents of
    one work, fall on one side.
    """
    return int.from_bytes(digest[:8], "little") < fraction * 2**64


def is_read(digest: bytes, fraction: float) -> bool:
    """Return whether a document that is not held out is trained on, by its `heldout_digest`, where a fraction is.

    The bits are none of those that say what is held out; raising `fraction` only adds documents, and whole works.
    """
    return int.from_bytes(digest[16:24], "little") < fraction * 2**64


def least_heldout_fraction(digest: bytes) -> float:
    """Return the fraction above which the document of a `heldout_digest` is held out."""
    return int.from_bytes(digest[:8], "little") / 2**64


def is_tuning(digest: bytes) -> bool:
    """Return whether a held-out document, by its `heldout_digest`, is of the half that settings are chosen on.

    The other half is the one that is reported. The bit is none of those that `is_heldout` looks at.
    """
    return bool(digest[8] & 1)


def blocks_of(text: str) -> Iterator[str]:
    """Yield a document's text in blocks of at most 2^20 characters, so that what is made of one stays small.

    A longer document is cut at blank lines, else at line ends, at spaces, or anywhere; no sentence crosses a cut.
    """
    start = 0
    while len(text) - start > _MAX_BLOCK:
        found = (text.rfind(border, start + 1, start + _MAX_BLOCK) for border in ("\n\n", "\n", " "))
        end = next((position for position in found if position > 0), start + _MAX_BLOCK)
        yield text[start:end]
        start = end
    yield text[start:] if start else text
