"""Which lines of plain text part documents, and which are no text."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from nsp_ablation.options.corpus_options import BORDER_PATTERNS, CorpusOptions
from nsp_ablation.text.corpus.invisible import is_blank

_TITLE = re.compile(r'\btitle="([^"]*)"')


@dataclass(frozen=True)
class Borders:
    """`is_border` tells lines that part documents, `is_dropped` others that are no text: a paragraph ends there."""

    is_border: Callable[[str], object]
    is_dropped: Callable[[str], object] = is_blank


def borders_of(options: CorpusOptions) -> Borders:
    """Return the borders of plain text by `document_border` and `border_pattern`."""
    if options.document_border == "blank_line":
        return Borders(is_blank)
    if options.document_border == "file":
        return Borders(lambda line: False)
    assert options.document_border == "pattern", options.document_border
    assert options.border_pattern is not None
    border, dropped = BORDER_PATTERNS.get(options.border_pattern, (options.border_pattern, None))
    if dropped is None:
        return Borders(re.compile(border).search)
    is_heading = re.compile(dropped).search
    return Borders(re.compile(border).search, lambda line: is_blank(line) or is_heading(line))


def title_below(border: str) -> str | None:
    """Return the title that WikiExtractor repeats on the line below `<doc ... title="...">`."""
    found = _TITLE.search(border) if border.startswith("<doc ") else None
    return html.unescape(found.group(1)) if found else None


def layout_of(documents: list[str]) -> str | None:
    """Return the name of `BORDER_PATTERNS` of whose lines several stand in documents that other borders part."""
    for name, (border, _) in BORDER_PATTERNS.items():
        pattern = re.compile(border)
        if sum(bool(pattern.search(line)) for text in documents for line in text.split("\n")[:20]) > 1:
            return name
    return None
