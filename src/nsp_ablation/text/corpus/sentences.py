"""Sentence segmentation with `sentencex` (rule-based, by language; no download)."""

import re

from sentencex import segment

from nsp_ablation.text.corpus.invisible import INVISIBLE, is_blank
from nsp_ablation.text.corpus.quotations import split_quotations

_BLANK_LINES = re.compile(rf"\n(?:(?:[^\S\n]|[{INVISIBLE}])*\n)+\s*")
_LONE_OR_ODD_BREAK = re.compile(r"\n(?!\n\S)(?<!\n\n)")  # a line end that is no part of "\n\n" between two characters


def split_sentences(text: str, language: str, one_per_line: bool, quotations: bool) -> list[str]:
    """Return a document's sentences in order, stripped, without empty ones.

    `quotations`: what stands within quotation marks or brackets is split, too. No sentence crosses a blank line. Other
    line ends are white space (hard-wrapped text), unless `one_per_line`: then each line is one sentence, as in BERT's
    pre-training files, and `language` (an ISO 639 code) and `quotations` are not used.
    """
    if one_per_line:
        parts = text.split("\n")
    elif _LONE_OR_ODD_BREAK.search(text):
        paragraphs = [" ".join(paragraph.split("\n")) for paragraph in _BLANK_LINES.split(text)]
        parts = [part for paragraph in paragraphs for part in segment(language, paragraph)]
    else:
        # sentencex itself never crosses "\n\n"; one call a document is 1.3 x faster than one a paragraph
        parts = segment(language, text)
    if quotations and not one_per_line:
        parts = split_quotations(parts, language)
    sentences = list(filter(None, map(str.strip, parts)))
    return sentences if text.isascii() else [sentence for sentence in sentences if not is_blank(sentence)]
