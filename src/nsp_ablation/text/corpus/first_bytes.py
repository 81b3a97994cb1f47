"""What a file is, by its first bytes; its name says nothing."""

import codecs
import shlex
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from nsp_ablation.base.errors import InputError

HEAD_BYTES = 4096


@dataclass(frozen=True)
class FileKind:
    """A kind of file. `remedy` makes a file that is read, and is a shell command with {path} in it, or a sentence.

    `decompressor` (of `byte_stream.py`) and `encoding` (a codec's name) say how text is read from it; neither: as it
    stands. A kind with `is_refused` is never read as text.
    """

    name: str
    remedy: str = ""
    decompressor: str | None = None
    encoding: str | None = None
    is_refused: bool = False

    def refusal(self, path: Path, inside: str = "") -> InputError:
        """Return the error that says what the file is, and how text is made of it."""
        remedy = self.remedy.format(path=shlex.quote(str(path)))
        return InputError(f"{path} is {self.name}{inside}, not text; {remedy}")


def _refused(name: str, remedy: str) -> FileKind:
    return FileKind(name, remedy, is_refused=True)


UTF8 = FileKind("text in UTF-8")
PARQUET = _refused("Parquet", "read it with corpus=jsonl, which reads Parquet, too")
_TAR = _refused("a tar archive", "unpack it with `tar -xf {path} -C DIRECTORY` and name what it holds")
_UNZIP = "unpack it with `python3 -m zipfile -e {path} DIRECTORY` and name what it holds"
_EXPORT = "write its texts as JSON lines or Parquet with the program that made it"

# The first bytes of a file, longer ones first where one begins like another.
_MAGIC: tuple[tuple[bytes, FileKind], ...] = (
    (b"\x1f\x8b", FileKind("gzip", "`gzip -dc {path} > NEW`", decompressor="gzip")),
    *(
        (b"BZh%d" % level + block, FileKind("bzip2", "`bzip2 -dc {path} > NEW`", decompressor="bzip2"))
        for level in range(1, 10)
        for block in (b"1AY&SY", b"\x17rE8P\x90")
    ),
    (b"\xfd7zXZ\0", FileKind("xz", "`xz -dc {path} > NEW`", decompressor="xz")),
    (b"]\0\0", FileKind("lzma", "`xz -dc {path} > NEW`", decompressor="xz")),
    *(
        (magic, FileKind("Zstandard", "`zstd -dc --long=31 {path} > NEW`", decompressor="zstd"))
        for magic in (b"\x28\xb5\x2f\xfd", *(bytes([0x50 + low]) + b"\x2a\x4d\x18" for low in range(16)))  # skippable
    ),
    (b"PAR1", PARQUET),
    (b"PARE", _refused("encrypted Parquet", "decrypt it with the program that made it")),
    (b"PK\x03\x04", _refused("a ZIP archive", _UNZIP)),
    (b"PK\x05\x06", _refused("an empty ZIP archive", "leave it out")),
    (b"PK\x07\x08", _refused("a ZIP archive in several parts", "join and unpack it with `7z x {path}`")),
    (b"7z\xbc\xaf\x27\x1c", _refused("a 7z archive", "unpack it with `7z x {path}` and name what it holds")),
    (b"Rar!\x1a\x07", _refused("a RAR archive", "unpack it with `unrar x {path}` and name what it holds")),
    (b"\x04\x22\x4d\x18", _refused("LZ4", "decompress it with `lz4 -dc {path} > NEW`")),
    (b"\x1f\x9d", _refused("compressed by compress", "decompress it with `gzip -dc {path} > NEW`")),
    (b"%PDF-", _refused("a PDF", "take its text out with `pdftotext {path} NEW`")),
    *((b"\x80" + bytes([protocol]), _refused("a pickle", _EXPORT)) for protocol in range(2, 6)),
    (b"\x93NUMPY", _refused("a NumPy array", _EXPORT)),
    (b"\x89HDF\r\n\x1a\n", _refused("HDF5", _EXPORT)),
    (b"ARROW1\0\0", _refused("an Arrow file", _EXPORT)),
    (b"\xff\xff\xff\xff", _refused("an Arrow stream", _EXPORT)),
    (b"Obj\x01", _refused("Avro", _EXPORT)),
    (b"SQLite format 3\0", _refused("an SQLite database", _EXPORT)),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", _refused("an Office document", "save it as plain text")),
    (b"{\\rtf", _refused("a rich text document", "save it as plain text")),
    (
        b"version https://git-lfs.github.com/spec/",
        _refused("a pointer of Git LFS", "fetch the file that it stands for with `git lfs pull`"),
    ),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, FileKind("UTF-32", encoding="utf-32")),
    (codecs.BOM_UTF32_BE, FileKind("UTF-32", encoding="utf-32")),
    (codecs.BOM_UTF16_LE, FileKind("UTF-16", encoding="utf-16")),
    (codecs.BOM_UTF16_BE, FileKind("UTF-16", encoding="utf-16")),
)
_BINARY = _refused(
    "binary (it holds NUL bytes)", "leave it out, or, if it is text in UTF-16 without a byte order mark, convert it"
)


def kind_of(head: bytes) -> FileKind:
    """Return what a file with these first bytes (`HEAD_BYTES` of them, all of a shorter file) is."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if len(head) >= tarfile.BLOCKSIZE and _is_tar(head[: tarfile.BLOCKSIZE]):
        return _TAR
    return _kind_with_nul(head) if b"\0" in head else UTF8


def kind_of_file(path: Path) -> FileKind:
    """Return what a file is. Raises InputError where it cannot be read."""
    with open_file(path) as file:
        return kind_of(file.read(HEAD_BYTES))


def open_file(path: Path) -> BinaryIO:
    """Open a file's bytes. Raises InputError naming it where the system refuses."""
    try:
        return open(path, "rb")
    except OSError as error:
        raise InputError(f"{path} cannot be opened ({error.strerror}); make it readable or name another") from error


def _is_tar(block: bytes) -> bool:
    """Whether a block is a tar header: old archives have no mark, but every one has a sum of the block's bytes."""
    try:
        tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _kind_with_nul(head: bytes) -> FileKind:
    """Return what a file with NUL bytes is: UTF-32 or UTF-16 without a byte order mark, binary, or text with a few.

    Text is told from other bytes by what its characters are: letters, not codes that no script has.
    """
    if head.count(0) < 0.2 * len(head) and _is_text(head.replace(b"\0", b""), "utf-8"):
        return UTF8  # refused with its line when it is read
    for encoding in ("UTF-32LE", "UTF-32BE", "UTF-16LE", "UTF-16BE"):
        if _is_text(head[: len(head) // 4 * 4], encoding):
            return _wide(encoding)
    return _BINARY


def _is_text(data: bytes, encoding: str) -> bool:
    text = data.decode(encoding, "ignore" if encoding == "utf-8" else "replace")
    num_ascii = sum(" " <= character <= "~" or character in "\t\r\n" for character in text)
    num_printable = num_ascii + sum(character.isprintable() and character > "~" for character in text)
    return (
        num_ascii > 0.01 * len(text)
        and num_printable > 0.95 * len(text) - 1
        and len(text.encode(encoding, "replace")) > 0.95 * len(data) - 4
    )


def _wide(encoding: str) -> FileKind:
    remedy = f"convert it with `iconv -f {encoding} -t UTF-8 {{path}} > NEW`"
    return _refused(f"{encoding} without a byte order mark", remedy)
