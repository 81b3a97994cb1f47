"""Plain-text corpora: documents end at a blank line, or at the end of a file."""

from collections.abc import Iterator
from pathlib import Path

from nsp_ablation.corpus.document import Document
from nsp_ablation.corpus.lines import read_lines


def read_text(paths: list[Path], document_border: str) -> Iterator[Document]:
    """Yield the documents of text files in order, named `file:first line`; no document crosses a file.

    `document_border` is "blank_line" (one or more lines of white space end a document) or "file" (blank lines then
    separate paragraphs). Raises ValueError for a file without text, and what `read_lines` raises.
    """
    assert document_border in ("blank_line", "file"), document_border
    for path in paths:
        has_text = False
        for document in _documents(path, document_border == "blank_line"):
            has_text = True
            yield document
        if not has_text:
            raise ValueError(f"{path} holds no text; delete it or correct corpus.path")


def _documents(path: Path, blank_line_ends: bool) -> Iterator[Document]:
    first, lines = 1, list[str]()
    for number, line in read_lines(path):
        is_blank = not line.strip()
        if is_blank and (blank_line_ends or not lines):
            if lines:
                yield Document(f"{path}:{first}", "\n".join(lines))
                lines = []
            continue
        if not lines:
            first = number
        lines.append("" if is_blank else line)
    if lines:
        yield Document(f"{path}:{first}", "\n".join(lines).rstrip("\n"))
