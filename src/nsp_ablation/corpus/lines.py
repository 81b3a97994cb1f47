"""Lines of a UTF-8 text file, plain or compressed, streamed."""

import gzip
import lzma
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

_CHUNK_BYTES = 1 << 18
_BROKEN = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError)


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (number, line) of a file (`.gz`, `.zst`, `.xz` are decompressed); lines count from 1 and lose their end.

    Only "\\n" and "\\r\\n" end a line; a byte order mark is dropped. Raises ValueError naming the file, and the line
    where there is one, for bytes that are not UTF-8 and for a broken or cut compressed file.
    """
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield number, text.rstrip("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path}:{number} is not UTF-8 (byte {error.object[error.start]:#04x}); "
            "convert the file, for example with `iconv -f LATIN1 -t UTF-8`"
        ) from error
    except _BROKEN as error:
        raise ValueError(
            f"{path} cannot be decompressed after line {number} ({error}); fetch or compress it again"
        ) from error


@contextmanager
def _open(path: Path) -> Iterator[Iterable[bytes]]:
    with open(path, "rb") as file:
        if path.suffix == ".gz":
            with gzip.open(file) as stream:
                yield stream
        elif path.suffix == ".xz":
            with lzma.open(file) as stream:
                yield stream
        elif path.suffix == ".zst":
            yield _split_lines(_zstd_chunks(file))
        else:
            yield file


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
        yield from lines
    if rest:
        yield rest
