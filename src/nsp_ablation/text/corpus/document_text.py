"""A document's text while its lines or rows are read, of a bounded size."""

import io
from pathlib import Path

from nsp_ablation.base.errors import InputError


class DocumentText:
    """Lines of one document after the other of the file at `path`, none of more than `max_bytes` characters."""

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path, self._max_bytes = path, max_bytes
        # A list would take 60 bytes for each line, however short.
        self._text, self._length = io.StringIO(newline="\n"), 0

    def __bool__(self) -> bool:
        return self._length > 0

    def add(self, line: str) -> None:
        """Append a line, or rows of text. Raises InputError naming the file where the document becomes too long."""
        self._length += len(line) + 1
        if self._length > self._max_bytes + 1:
            raise InputError(
                f"{self._path} holds a document of more than {self._max_bytes:,} bytes; part documents by borders "
                f"(corpus.document_border, corpus.document_key), or raise corpus.max_line_bytes={self._max_bytes}"
            )
        self._text.write(line)
        self._text.write("\n")

    def take(self) -> str:
        """Return the document, without line ends at its end, and begin the next one."""
        text = self._text.getvalue().rstrip("\n")
        self._text, self._length = io.StringIO(newline="\n"), 0
        return text
