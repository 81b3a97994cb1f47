"""Plain-text corpora: documents end at a blank line, at a line of a pattern, or at the end of a file."""

from collections.abc import Iterator

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.borders import Borders, borders_of, title_below
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.document_text import DocumentText
from nsp_ablation.text.corpus.first_bytes import UTF8, kind_of_file
from nsp_ablation.text.corpus.lines import read_lines
from nsp_ablation.text.corpus.piece import Piece, cut_bytes, whole


def read(options: CorpusOptions, pieces: tuple[Piece, ...]) -> Iterator[Document]:
    """Yield the documents of text files in order; no document crosses a file.

    `document_border` is "blank_line" (one or more lines without anything to be seen end a document), "pattern" (lines
    that `border_pattern` finds part documents and are no text) or "file" (a file is one piece); but for the first,
    blank lines separate paragraphs. A piece's documents are those between the first border that begins at its start or
    later (none at the file's own start) and the first that begins at its end or later. Raises InputError for a file
    without text, for a document of more than `max_line_bytes`, and what `read_lines` raises.
    """
    borders = borders_of(options)
    for piece in pieces:
        assert options.document_border != "file" or (piece.start, piece.end) == (0, None), piece
        has_text = False
        for text in _documents(piece, borders, options.max_line_bytes):
            has_text = True
            yield Document(text)
        first = whole(piece.path)
        if not has_text and piece.start == 0 and not any(_documents(first, borders, options.max_line_bytes)):
            raise InputError(f"{piece.path} holds no text; delete it or correct corpus.path")


def cut(options: CorpusOptions, piece: Piece, max_bytes: int) -> list[Piece]:
    """Cut a file of UTF-8 at any byte; one that is compressed, in another encoding, or a document, stays whole."""
    stays_whole = options.document_border == "file" or kind_of_file(piece.path) is not UTF8
    return [piece] if stays_whole else cut_bytes(piece.path, max_bytes)


def _documents(piece: Piece, borders: Borders, max_line_bytes: int) -> Iterator[str]:
    document, title = DocumentText(piece.path, max_line_bytes), None
    belongs_to_previous_piece = piece.start > 0 or piece.end == 0
    for offset, _, line in read_lines(piece.path, max_line_bytes, piece.start):
        is_border = borders.is_border(line)
        if piece.end is not None and offset >= piece.end and (is_border or belongs_to_previous_piece):
            break
        if is_border:
            if document:
                yield document.take()
            belongs_to_previous_piece, title = False, title_below(line)
        elif not belongs_to_previous_piece and line != title:
            is_dropped = borders.is_dropped(line)
            if document or not is_dropped:
                if document and borders.lines_are_paragraphs:
                    document.add("")
                document.add("" if is_dropped else line)
                title = None
        elif not belongs_to_previous_piece:
            title = None
    if document:
        yield document.take()
