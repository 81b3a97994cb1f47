"""Sentence segmentation with `sentencex` (rule-based, by language; no download)."""

import re

from sentencex import segment

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_LONE_OR_ODD_BREAK = re.compile(r"\n(?!\n\S)(?<!\n\n)")  # a line end that is no part of "\n\n" between two characters


def split_sentences(text: str, language: str, one_per_line: bool) -> list[str]:
    """Return a document's sentences in order, stripped, without empty ones.

    No sentence crosses a blank line. Other line ends are white space (hard-wrapped text), unless `one_per_line`: then
    each line is one sentence, as in BERT's pre-training files, and `language` (an ISO 639-1 code) is not used.
    """
    if one_per_line:
        parts = text.split("\n")
    elif _LONE_OR_ODD_BREAK.search(text):
        paragraphs = [" ".join(paragraph.split("\n")) for paragraph in _BLANK_LINES.split(text)]
        parts = [part for paragraph in paragraphs for part in segment(language, paragraph)]
    else:
        # sentencex itself never crosses "\n\n"; one call a document is 1.3 x faster than one a paragraph
        parts = segment(language, text)
    return list(filter(None, map(str.strip, parts)))
