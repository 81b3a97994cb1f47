"""Lines of a text file, plain or compressed, streamed, from any byte on."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from nsp_ablation.base.errors import InputError
from nsp_ablation.text.corpus.byte_stream import DecompressionError, open_bytes
from nsp_ablation.text.corpus.encoding_advice import encoding_advice
from nsp_ablation.text.corpus.invisible import is_blank

_CHUNK_BYTES = 1 << 18
_MAX_TEXT_BYTES = 1 << 30  # of a file that is held whole
_MAX_COUNTED_BYTES = 1 << 30  # a line that is longer still is not read to its end to tell its size


def read_lines(path: Path, max_line_bytes: int, start: int = 0) -> Iterator[tuple[int, int, str]]:
    """Yield (offset, number, line) of every line that begins at byte `start` of a file or later, without its end.

    `offset` is the byte at which the line begins; numbers count from 1 at the first line yielded, and `line_number`
    turns them into the file's. Only a file in UTF-8 is read from elsewhere than 0. Only "\\n" and "\\r\\n" end a line;
    a byte order mark is dropped. Raises InputError as `open_bytes` does, and naming the file and the line for a line of
    more than `max_line_bytes` (which is never held), one that is not UTF-8 or holds a NUL, and for a broken or cut
    compressed file.
    """
    number = 0
    try:
        with open_bytes(path) as file:
            offset = _seek_line(path, file, start, max_line_bytes)
            while line := file.readline(max_line_bytes + 1):
                number += 1
                if len(line) > max_line_bytes and not line.endswith(b"\n"):
                    raise _too_long(path, line_number(path, start, number), file, max_line_bytes)
                text, num_bytes = line.decode("utf-8-sig" if offset == 0 else "utf-8"), len(line)
                line = b""  # which may be long: it is not held while the text is used
                if "\0" in text:
                    raise _with_nul(path, line_number(path, start, number))
                text = text.rstrip("\n").removesuffix("\r")
                yield offset, number, text
                offset += num_bytes
    except UnicodeDecodeError as error:
        raise _not_utf8(path, line_number(path, start, number), error) from error
    except DecompressionError as error:
        raise InputError(
            f"{path} cannot be decompressed after line {number} ({error}); fetch or compress it again"
        ) from error


def read_text(path: Path) -> str:
    """Return the whole text of a file, as `read_lines` reads it but for line ends, which stay.

    Raises InputError as `read_lines` does.
    """
    try:
        with open_bytes(path) as file:
            content = file.read(_MAX_TEXT_BYTES + 1)
    except DecompressionError as error:
        raise InputError(f"{path} cannot be decompressed ({error}); fetch or compress it again") from error
    if len(content) > _MAX_TEXT_BYTES:
        raise InputError(f"{path} holds more than {_MAX_TEXT_BYTES:,} bytes of text; part it in several files")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _not_utf8(path, 1 + content.count(b"\n", 0, error.start), error) from error
    if "\0" in text:
        raise _with_nul(path, 1 + text.count("\n", 0, text.index("\0")))
    return text


def line_number(path: Path, start: int, number: int) -> int:
    """Return which line of its file `read_lines(path, ..., start)` numbers `number`; reads the file up to `start`."""
    if start == 0:
        return number
    # The line that holds byte start - 1 is the last one before the first that `read_lines` yields.
    num_bytes, num_lines = start - 1, 1
    with open(path, "rb") as file:
        while chunk := file.read(min(num_bytes, _CHUNK_BYTES)):
            num_lines += chunk.count(b"\n")
            num_bytes -= len(chunk)
    return num_lines + number


def _seek_line(path: Path, file: BinaryIO, start: int, max_line_bytes: int) -> int:
    """Go to the first line that begins at `start` or later and return the byte where it begins."""
    if start == 0:
        return 0
    file.seek(start - 1)
    if len(file.readline(max_line_bytes + 1)) > max_line_bytes:
        raise _too_long(path, line_number(path, start, 0), file, max_line_bytes)
    return file.tell()


def _too_long(path: Path, number: int, file: BinaryIO, max_line_bytes: int) -> InputError:
    """Return the error for a line of which `max_line_bytes` + 1 bytes are read, and count the others."""
    num_bytes = max_line_bytes + 1
    while num_bytes < _MAX_COUNTED_BYTES and (more := file.readline(_CHUNK_BYTES)):
        num_bytes += len(more)
        if more.endswith(b"\n"):
            break
    size = f"{num_bytes:,} bytes" if num_bytes < _MAX_COUNTED_BYTES else f"{num_bytes:,} bytes or more"
    return InputError(
        f"{path}:{number} is a line of {size}; end lines earlier (a document is several lines, or a JSON object each), "
        f"or raise corpus.max_line_bytes={max_line_bytes}"
    )


def _with_nul(path: Path, number: int) -> InputError:
    return InputError(
        f"{path}:{number} holds a NUL byte, which no text has; remove it with `tr -d '\\000'` or leave it out"
    )


def _not_utf8(path: Path, number: int, error: UnicodeDecodeError) -> InputError:
    byte = error.object[error.start]
    advice = encoding_advice(path, error.object)
    return InputError(f"{path}:{number} is not UTF-8 (byte {byte:#04x}); {advice}")


def line_before(path: Path, start: int, max_line_bytes: int) -> str | None:
    """Return the last line that is not blank of those that begin before byte `start` of a file in UTF-8, or None."""
    with open(path, "rb") as file:
        end = start
        while end > 0:
            begin = _line_start(file, end - 1)
            file.seek(begin)
            line = file.readline(max_line_bytes + 1).decode("utf-8-sig", "replace")
            if not is_blank(line):
                return line
            end = begin
    return None


def _line_start(file: BinaryIO, position: int) -> int:
    """Return where the line that holds byte `position` begins."""
    while position > 0:
        begin = max(0, position - _CHUNK_BYTES)
        file.seek(begin)
        found = file.read(position - begin).rfind(b"\n")
        if found >= 0:
            return begin + found + 1
        position = begin
    return 0
