"""The bytes of a text file, decompressed and in UTF-8, a bounded number at a time.

However much a compressed block expands to, no step makes more than `_CHUNK_BYTES` of it (Zstandard: 32 MiB). What a
compression itself needs comes to it: its window, which the file chooses (xz up to 1.5 GiB, `zstd --long=31` 2 GiB).
"""

import bz2
import codecs
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from nsp_ablation.text.corpus.first_bytes import HEAD_BYTES, UTF8, FileKind, kind_of, open_file

_CHUNK_BYTES = 1 << 18
# A block of Zstandard has 4 bytes at least and 128 KiB of text at most, and its decoder takes no bound on what it
# makes: 1 KiB is 32 MiB at most.
_ZSTD_BYTES = 1 << 10
_MAX_ZSTD_WINDOW = 1 << 31
_MEMBERS: dict[str, Callable[[], Any]] = {
    "gzip": partial(zlib.decompressobj, wbits=31),
    "bzip2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}


class DecompressionError(Exception):
    """A compressed file that is cut or damaged. Whoever reads it knows the file and how far it was read."""


@contextmanager
def open_bytes(path: Path) -> Iterator[BinaryIO]:
    """Give the bytes of a text file: decompressed, and from UTF-16 or UTF-32 with a byte order mark to UTF-8.

    The first bytes decide what a file is; only a file that is UTF-8 as it stands can be sought in. Reading raises
    DecompressionError. Raises InputError naming the file, what it is and what to do, where it is no text.
    """
    with open_file(path) as file:
        kind = kind_of(file.read(HEAD_BYTES))
        file.seek(0)
        if kind is UTF8:
            yield file
            return
        chunks, inside = iter(lambda: file.read(_CHUNK_BYTES), b""), ""
        if kind.decompressor:
            inside = f" inside {kind.name}"
            head, chunks = _with_head(_decompressed(file, kind.decompressor))
            kind = kind_of(head)
            if kind.decompressor:
                raise kind.refusal(path, inside)
        if kind.is_refused:
            raise kind.refusal(path, inside)
        yield io.BufferedReader(_ChunkReader(_transcoded(chunks, kind)), _CHUNK_BYTES)


def _with_head(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, `HEAD_BYTES` at least where there are as many, and all of the chunks."""
    head = b""
    while len(head) < HEAD_BYTES and (chunk := next(chunks, b"")):
        head += chunk
    return head, chain([head], chunks)


def _transcoded(chunks: Iterator[bytes], kind: FileKind) -> Iterator[bytes]:
    """Yield text in UTF-8. Bytes that are no text of the kind's encoding come as they are refused: as no UTF-8."""
    if kind.encoding is None:
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(kind.encoding)("surrogatepass")
    for chunk in chain(chunks, [b""]):
        yield decoder.decode(chunk, final=not chunk).encode("utf-8", "surrogatepass")


class _ChunkReader(io.RawIOBase):
    """A stream of the bytes of chunks, which may be of any size and empty."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._left = chunks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return 0
            self._left = memoryview(chunk)
        num_bytes = min(len(buffer), len(self._left))
        buffer[:num_bytes] = self._left[:num_bytes]
        self._left = self._left[num_bytes:]
        return num_bytes


def _decompressed(file: BinaryIO, decompressor: str) -> Iterator[bytes]:
    """Yield what a file of one or several compressed members holds. Raises DecompressionError."""
    return _zstd_chunks(file) if decompressor == "zstd" else _member_chunks(file, _MEMBERS[decompressor])


def _member_chunks(file: BinaryIO, new_member: Callable[[], Any]) -> Iterator[bytes]:
    """Decompress member by member; zeros behind a member are padding."""
    data = file.read(_CHUNK_BYTES)
    while data:
        member = new_member()
        while not member.eof:
            is_hungry = not data and getattr(member, "needs_input", True)
            data = file.read(_CHUNK_BYTES) if is_hungry else data
            is_cut = is_hungry and not data
            try:
                chunk = member.decompress(data, _CHUNK_BYTES)
            except (zlib.error, lzma.LZMAError, OSError) as error:  # bz2 raises OSError for damage
                raise DecompressionError(str(error)) from error
            if chunk:
                yield chunk
            elif is_cut and not member.eof:
                raise DecompressionError("it is cut: the end of its last part is missing")
            data = getattr(member, "unconsumed_tail", b"")
        data = member.unused_data.lstrip(b"\0")
        while not data and (more := file.read(_CHUNK_BYTES)):
            data = more.lstrip(b"\0")


def _zstd_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Decompress frame by frame: `zstandard`'s own reader stops at a cut file as if it were whole."""
    frame = None
    while chunk := file.read(_ZSTD_BYTES):
        while chunk:
            frame = frame or zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW).decompressobj()
            try:
                text = frame.decompress(chunk)
            except zstandard.ZstdError as error:
                raise DecompressionError(str(error)) from error
            if text:
                yield text
            chunk = frame.unused_data if frame.eof else b""
            frame = None if frame.eof else frame
    if frame:
        raise DecompressionError("it is cut: the end of its last frame is missing")
