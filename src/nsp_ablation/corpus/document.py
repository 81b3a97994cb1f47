"""The document: the unit within which a format may take sentences as contiguous."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Document:
    """A text and its name. In `text` a blank line separates paragraphs, or each line is a sentence (BERT's layout)."""

    id: str
    text: str


def is_heldout(text: str, fraction: float) -> bool:
    """Return whether a document is held out: a function of its text alone, so that every seed and order agrees.

    Over many documents `fraction` of them are; raising `fraction` only adds to them. Equal texts fall on one side.
    """
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "little") < fraction * 2**64
