"""Which lines of plain text part documents, and which are no text."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from nsp_ablation.options.corpus_options import BORDER_LAYOUTS, BorderLayout, CorpusOptions
from nsp_ablation.text.corpus.invisible import is_blank

_TITLE = re.compile(r'\btitle="([^"]*)"')


@dataclass(frozen=True)
class Borders:
    """`is_border` tells lines that part documents, `is_dropped` others that are no text: a paragraph ends there.

    `lines_are_paragraphs`: one ends at every line.
    """

    is_border: Callable[[str], object]
    is_dropped: Callable[[str], object] = is_blank
    lines_are_paragraphs: bool = False


def borders_of(options: CorpusOptions) -> Borders:
    """Return the borders of plain text by `document_border` and `border_pattern`."""
    if options.document_border == "blank_line":
        return Borders(is_blank)
    if options.document_border == "file":
        return Borders(lambda line: False)
    assert options.document_border == "pattern", options.document_border
    assert options.border_pattern is not None
    layout = BORDER_LAYOUTS.get(options.border_pattern, BorderLayout(options.border_pattern))
    is_border = re.compile(layout.border).search
    if layout.blank_parts:
        return Borders(lambda line: is_blank(line) or is_border(line), lines_are_paragraphs=True)
    if layout.dropped is None:
        return Borders(is_border)
    is_heading = re.compile(layout.dropped).search
    return Borders(is_border, lambda line: is_blank(line) or is_heading(line))


def title_below(border: str) -> str | None:
    """Return the title that WikiExtractor repeats on the line below `<doc ... title="...">`."""
    found = _TITLE.search(border) if border.startswith("<doc ") else None
    return html.unescape(found.group(1)) if found else None


def layout_of(documents: list[str]) -> str | None:
    """Return the name of `BORDER_LAYOUTS` of whose lines several stand in documents that other borders part."""
    for name, layout in BORDER_LAYOUTS.items():
        pattern = re.compile(layout.border)
        if sum(bool(pattern.search(line)) for text in documents for line in text.split("\n")[:20]) > 1:
            return name
    return None
