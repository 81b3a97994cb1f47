"""The document: the unit within which a format may take sentences as contiguous. Readers give its text.

In the text a blank line separates paragraphs, or each line is a sentence (BERT's layout). A document has no name: what
is wrong with one is said where it is read, with file and line.
"""

import hashlib


def text_digest(text: str) -> bytes:
    """Return the SHA-256 of a document's text, 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def is_heldout(digest: bytes, fraction: float) -> bool:
    """Return whether the document of a `text_digest` is held out: so every seed, order and process agrees.

    Over many documents `fraction` of them are; raising `fraction` only adds to them. Equal texts fall on one side.
    """
    return int.from_bytes(digest[:8], "little") < fraction * 2**64


def least_heldout_fraction(digest: bytes) -> float:
    """Return the fraction above which the document of a `text_digest` is held out."""
    return int.from_bytes(digest[:8], "little") / 2**64
