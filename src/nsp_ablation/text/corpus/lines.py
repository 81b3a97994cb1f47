"""Lines of a UTF-8 text file, plain or compressed, streamed, from any byte on."""

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

from nsp_ablation.base.errors import InputError

COMPRESSED = (".gz", ".xz", ".zst")

_CHUNK_BYTES = 1 << 18
_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError)


def read_lines(path: Path, start: int = 0) -> Iterator[tuple[int, int, str]]:
    """Yield (offset, number, line) of every line that begins at byte `start` of a file or later, without its end.

    `offset` is the byte at which the line begins; numbers count from 1 at the first line yielded, and `line_number`
    turns them into the file's. Files named `.gz`, `.zst`, `.xz` are decompressed, and read from 0 alone. Only "\\n" and
    "\\r\\n" end a line; a byte order mark is dropped. Raises InputError naming the file, and the line where there is
    one, for bytes that are not UTF-8 and for a broken or cut compressed file.
    """
    number = 0
    try:
        with _open(path, start) as (offset, file):
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if offset == 0 else "utf-8")
                yield offset, number, text.rstrip("\n").removesuffix("\r")
                offset += len(line)
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}:{line_number(path, start, number)} is not UTF-8 (byte {error.object[error.start]:#04x}); "
            "convert the file, for example with `iconv -f LATIN1 -t UTF-8`"
        ) from error
    except _BROKEN as error:
        raise InputError(
            f"{path} cannot be decompressed after line {number} ({error}); fetch or compress it again"
        ) from error


def line_number(path: Path, start: int, number: int) -> int:
    """Return which line of its file `read_lines(path, start)` numbers `number`; reads the file up to `start`."""
    if start == 0:
        return number
    # The line that holds byte start - 1 is the last one before the first that `read_lines` yields.
    num_bytes, num_lines = start - 1, 1
    with open(path, "rb") as file:
        while chunk := file.read(min(num_bytes, _CHUNK_BYTES)):
            num_lines += chunk.count(b"\n")
            num_bytes -= len(chunk)
    return num_lines + number


@contextmanager
def _open(path: Path, start: int) -> Iterator[tuple[int, Iterable[bytes]]]:
    """Give the first line that begins at `start` or later as the byte where it begins, and all lines from it on."""
    assert start == 0 or path.suffix not in COMPRESSED, f"{path} cannot be read from byte {start}"
    with open(path, "rb") as file:
        if path.suffix == ".gz":
            with gzip.open(file) as stream:
                yield 0, stream
        elif path.suffix == ".xz":
            with lzma.open(file) as stream:
                yield 0, stream
        elif path.suffix == ".zst":
            yield 0, _split_lines(_zstd_chunks(file))
        else:
            if start:
                file.seek(start - 1)
                file.readline()
            yield file.tell(), file


def _zstd_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Decompress frame by frame: `zstandard`'s own reader stops at a cut file as if it were whole."""
    frame = None
    while chunk := file.read(_CHUNK_BYTES):
        while chunk:
            frame = frame or zstandard.ZstdDecompressor().decompressobj()
            yield frame.decompress(chunk)
            chunk = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise EOFError("the last frame has no end")


def _split_lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
    if rest:
        yield rest
