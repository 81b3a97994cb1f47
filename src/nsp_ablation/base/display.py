"""The terminal, which is no part of a result: where it is closed, ends early, is full or knows few characters, what is
shown there changes, and nothing else.
"""

import codecs
import errno
import io
import os
import select
import sys
import unicodedata
from typing import Any, TextIO

_STANDARD = (0, 1, 2)
_SHOWN = {"–": "-", "—": "-", "−": "-", "×": "x", "·": ".", "…": "...", "→": "->", "≤": "<=", "≥": ">=", "±": "+-"}
_HANDLER = "nsp-ablation-shown"


def guard_terminal() -> None:
    """Let whatever is printed from now on be shown or lost, never raise; before any file is opened.

    A descriptor 0, 1 or 2 that is closed is opened on the null device: the next file would get its number, and with it
    what others print. Streams that somebody has replaced (tests) are left alone.
    """
    for descriptor in _STANDARD:
        try:
            os.fstat(descriptor)
        except OSError:
            null = os.open(os.devnull, os.O_RDWR)  # the lowest free number
            if null != descriptor:
                os.dup2(null, descriptor)
                os.close(null)
            os.set_inheritable(descriptor, True)
    if sys.stdout is sys.__stdout__:
        sys.stdout = shown_or_lost(sys.stdout, 1, "standard output")
    if sys.stderr is sys.__stderr__:
        sys.stderr = shown_or_lost(sys.stderr, 2, None)


def shown_or_lost(stream: TextIO | None, descriptor: int, name: str | None) -> TextIO:
    """Return a text stream on an open descriptor, of the encoding of `stream`, whose writes never raise.

    Characters that the encoding lacks are shown by others. The first failure is said on standard error where `name` is
    given and nobody has closed the other end on purpose (`| head`).
    """
    codecs.register_error(_HANDLER, _shown)
    raw = _ShownOrLost(io.FileIO(descriptor, "w", closefd=False), name)
    encoding = "utf-8" if stream is None else stream.encoding
    is_terminal = os.isatty(descriptor)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, _HANDLER, line_buffering=is_terminal or descriptor == 2)


class _ShownOrLost(io.RawIOBase):
    """Bytes to a descriptor until it fails; nothing from then on."""

    def __init__(self, file: io.FileIO, name: str | None) -> None:
        self._file, self._name, self._is_lost = file, name, False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._file.fileno()

    def isatty(self) -> bool:
        return self._file.isatty()

    def write(self, data: Any) -> int:
        while not self._is_lost:
            try:
                written = self._file.write(data)
            except OSError as error:
                self._is_lost = True
                if self._name is not None and error.errno != errno.EPIPE and sys.stderr is not None:
                    print(f"{self._name} cannot be written ({error.strerror}); no more is shown", file=sys.stderr)
            else:
                if written is not None:
                    return written
                select.select([], [self._file], [])  # a terminal that another program has set not to block
        return len(data)


def _shown(error: UnicodeError) -> tuple[str, int]:
    """Return characters that every encoding has for those that one lacks (a handler of codecs)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    if character in _SHOWN:
        return _SHOWN[character]
    if "BOX DRAWINGS" in (name := unicodedata.name(character, "")):
        return "-" if "HORIZONTAL" in name and "AND" not in name else "|" if name.endswith("VERTICAL") else "+"
    if "BLOCK" in name.split():
        return "#"
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return letters or character.encode("ascii", "backslashreplace").decode()
