"""Plain-text corpora: documents end at a blank line, or at the end of a file."""

from collections.abc import Iterator

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.first_bytes import UTF8, kind_of_file
from nsp_ablation.text.corpus.lines import read_lines
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, whole


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[str]:
    """Yield the documents of text files in order; no document crosses a file.

    `document_border` is "blank_line" (one or more lines of white space end a document) or "file" (blank lines then
    separate paragraphs, and a file is one piece). A piece's documents are those between the first blank line that
    begins at its start or later (none at the file's own start) and the first that begins at its end or later. Raises
    InputError for a file without text, and what `read_lines` raises.
    """
    assert options.document_border in ("blank_line", "file"), options.document_border
    blank_line_ends = options.document_border == "blank_line"
    for piece in pieces:
        assert blank_line_ends or (piece.start, piece.end) == (0, None), piece
        has_text = False
        for document in _documents(piece, blank_line_ends, options.max_line_bytes):
            has_text = True
            yield document
        if (
            not has_text
            and piece.start == 0
            and not any(_documents(whole(piece.path), blank_line_ends, options.max_line_bytes))
        ):
            raise InputError(f"{piece.path} holds no text; delete it or correct corpus.path")


def cut(options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
    """Cut a file of UTF-8 at any byte; one that is compressed, in another encoding, or a document, stays whole."""
    stays_whole = options.document_border == "file" or kind_of_file(piece.path) is not UTF8
    return [piece] if stays_whole else cut_bytes(piece.path, max_bytes)


def _documents(piece: Piece, blank_line_ends: bool, max_line_bytes: int) -> Iterator[str]:
    lines = list[str]()
    belongs_to_previous_piece = piece.start > 0 or piece.end == 0
    for offset, _, line in read_lines(piece.path, max_line_bytes, piece.start):
        is_blank = not line.strip()
        if piece.end is not None and offset >= piece.end and (is_blank or belongs_to_previous_piece):
            break
        if belongs_to_previous_piece:
            belongs_to_previous_piece = not is_blank
        elif is_blank and (blank_line_ends or not lines):
            if lines:
                yield "\n".join(lines)
                lines = []
        else:
            lines.append("" if is_blank else line)
    if lines:
        yield "\n".join(lines).rstrip("\n")
