"""Plain-text corpora: documents end at a blank line, or at the end of a file."""

from collections.abc import Iterable, Iterator

from nsp_ablation.text.corpus.lines import read_lines
from nsp_ablation.text.corpus.piece import Piece, whole


def read_text(pieces: Iterable[Piece], document_border: str) -> Iterator[str]:
    """Yield the documents of text files in order; no document crosses a file.

    `document_border` is "blank_line" (one or more lines of white space end a document) or "file" (blank lines then
    separate paragraphs, and a file is one piece). A piece's documents are those between the first blank line that
    begins at its start or later (none at the file's own start) and the first that begins at its end or later. Raises
    ValueError for a file without text, and what `read_lines` raises.
    """
    assert document_border in ("blank_line", "file"), document_border
    blank_line_ends = document_border == "blank_line"
    for piece in pieces:
        assert blank_line_ends or (piece.start, piece.end) == (0, None), piece
        has_text = False
        for document in _documents(piece, blank_line_ends):
            has_text = True
            yield document
        if not has_text and piece.start == 0 and not any(_documents(whole(piece.path), blank_line_ends)):
            raise ValueError(f"{piece.path} holds no text; delete it or correct corpus.path")


def _documents(piece: Piece, blank_line_ends: bool) -> Iterator[str]:
    lines = list[str]()
    is_anothers = piece.start > 0 or piece.end == 0
    for offset, _, line in read_lines(piece.path, piece.start):
        is_blank = not line.strip()
        if piece.end is not None and offset >= piece.end and (is_blank or is_anothers):
            break
        if is_anothers:
            is_anothers = not is_blank
        elif is_blank and (blank_line_ends or not lines):
            if lines:
                yield "\n".join(lines)
                lines = []
        else:
            lines.append("" if is_blank else line)
    if lines:
        yield "\n".join(lines).rstrip("\n")
