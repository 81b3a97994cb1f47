"""A file is what its first bytes say, under any name: read, or refused with advice that works."""

import bz2
import gzip
import io
import lzma
import pickle
import re
import shutil
import subprocess
import tarfile
import zipfile

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from nsp_ablation.base.errors import InputError
from nsp_ablation.text.corpus.first_bytes import PARQUET, kind_of, kind_of_file
from nsp_ablation.text.corpus.lines import read_lines, read_text

TEXT = "Café “one”.\nTwo.\n\nThree.\n"
UTF8 = TEXT.encode()


def long_window(data: bytes) -> bytes:
    """Zstandard with a window of 256 MiB, as `zstd --long=28` makes for a large file."""
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return frame.compress(data) + frame.flush()


def skippable(data: bytes) -> bytes:
    return b"\x5a\x2a\x4d\x18" + len(data).to_bytes(4, "little") + data


HALF = len(UTF8) // 2
READ = {
    "plain": UTF8,
    "with a byte order mark": b"\xef\xbb\xbf" + UTF8,
    "gzip": gzip.compress(UTF8),
    "gzip of two members and padding": gzip.compress(UTF8[:HALF]) + gzip.compress(UTF8[HALF:]) + bytes(700),
    "bzip2": bz2.compress(UTF8),
    "bzip2 of two": bz2.compress(UTF8[:HALF]) + bz2.compress(UTF8[HALF:]),
    "xz": lzma.compress(UTF8),
    "xz of two and padding": lzma.compress(UTF8[:HALF]) + bytes(4) + lzma.compress(UTF8[HALF:]),
    "lzma": lzma.compress(UTF8, format=lzma.FORMAT_ALONE),
    "zstd": zstandard.compress(UTF8),
    "zstd with a long window": long_window(UTF8),
    "zstd with skippable frames": skippable(b"x" * 5000) + zstandard.compress(UTF8) + skippable(b"") + skippable(b"y"),
    "zstd of two frames": zstandard.compress(UTF8[:HALF]) + zstandard.compress(UTF8[HALF:]),
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16BE": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "UTF-32": TEXT.encode("utf-32"),
    "UTF-16 in gzip": gzip.compress(TEXT.encode("utf-16")),
}


@pytest.mark.parametrize("name", ["a.txt", "A.TXT.GZ", "a.zst", "a b[1]\n.xz", "a.tar"])
@pytest.mark.parametrize("packing", READ)
def test_text_is_read_however_it_is_packed_and_named(tmp_path, packing, name):
    path = tmp_path / name
    path.write_bytes(READ[packing])
    assert read_text(path) == TEXT
    assert [line for _, _, line in read_lines(path, 100)] == TEXT.splitlines()


def tar(**members: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(f"{name}.txt")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return file.getvalue()


def old_tar() -> bytes:
    """A tar archive from before the format had a mark."""
    header = bytearray(tar(one=TEXT))
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header)


def zipped(**members: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"{name}.txt", text)
    return file.getvalue()


REFUSED = {
    "a tar archive": tar(one=TEXT),
    "a tar archive, not text": old_tar(),
    "a tar archive inside gzip": gzip.compress(tar(one=TEXT)),
    "a tar archive inside xz": lzma.compress(tar(one=TEXT)),
    "a ZIP archive": zipped(one=TEXT),
    "gzip inside bzip2": bz2.compress(gzip.compress(UTF8)),
    "UTF-16LE without a byte order mark": TEXT.encode("utf-16-le"),
    "UTF-16BE without a byte order mark": TEXT.encode("utf-16-be"),
    "UTF-32LE without a byte order mark": TEXT.encode("utf-32-le"),
    "UTF-32BE without a byte order mark": TEXT.encode("utf-32-be"),
    "UTF-16LE without a byte order mark, not text": ("我们在一起。\n" * 9).encode("utf-16-le"),
    "a pickle": pickle.dumps([TEXT]),
    "a PDF": b"%PDF-1.7\n\x00",
    "a 7z archive": b"7z\xbc\xaf\x27\x1c" + bytes(20),
    "a RAR archive": b"Rar!\x1a\x07\x01\x00",
    "binary (it holds NUL bytes)": b"\x7fELF\x02\x01" + bytes(range(256)),
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n",
    "an SQLite database": b"SQLite format 3\0" + bytes(20),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_text_is_named_in_one_line(tmp_path, what):
    path = tmp_path / "a.txt"
    path.write_bytes(REFUSED[what])
    for read in (read_text, lambda path: list(read_lines(path, 100))):
        with pytest.raises(InputError, match=re.escape(f"a.txt is {what}")) as error:
            read(path)
        assert "\n" not in str(error.value)


def run_advice(error: InputError, path) -> bytes:
    """Run the command that an error advises and return the text that it makes."""
    (command,) = re.findall("`([^`]+)`", str(error))
    if not shutil.which(command.split()[0]):
        pytest.skip(f"{command.split()[0]} is not installed")
    target = path.parent / "advised"
    is_archive = "DIRECTORY" in command
    if is_archive:
        target.mkdir()
    command = command.replace("DIRECTORY" if is_archive else "NEW", f"'{target}'")
    subprocess.run(["bash", "-c", f"set -e -o pipefail; {command}"], check=True, timeout=20)
    return b"".join(file.read_bytes() for file in sorted(target.iterdir())) if is_archive else target.read_bytes()


ADVISED = [what for what in REFUSED if "archive" in what or "UTF" in what]


@pytest.mark.parametrize("what", [what for what in ADVISED if not what.startswith(("a 7z", "a RAR"))])
def test_advice_on_what_is_refused_gives_its_text(tmp_path, what):
    path = tmp_path / "it's a name.txt"
    path.write_bytes(REFUSED[what])
    with pytest.raises(InputError) as error:
        read_text(path)
    expected = "我们在一起。\n" * 9 if "not text" in what and "UTF" in what else TEXT
    assert run_advice(error.value, path).decode() == expected


WESTERN = "“I’m at the café,” she said – déjà vu… ünd so weiter.\n" * 3
GERMAN = "Ein schöner Tag für Müller.\n"
ENCODED = {
    "CP1252": (WESTERN.encode("cp1252"), WESTERN, "it fits CP1252: convert it with `iconv -f CP1252 -t UTF-8 "),
    "Latin-1": ("Déjà vu.\n".encode("latin-1"), "Déjà vu.\n", "it fits CP1252: convert it with `iconv -f CP1252"),
    "damaged UTF-8": (GERMAN.encode() + b"x\xff\n", GERMAN + "x\n", "it is UTF-8 elsewhere: drop what is damaged with"),
}


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress])
@pytest.mark.parametrize("name", ENCODED)
def test_advice_on_another_encoding_gives_its_text(tmp_path, name, compress):
    content, text, message = ENCODED[name]
    path = tmp_path / "it's a name"
    path.write_bytes(compress(content))
    for read in (read_text, lambda path: list(read_lines(path, 1000))):
        with pytest.raises(InputError, match=r"is not UTF-8 \(byte 0x..\); ") as error:
            read(path)
    assert message in str(error.value) or compress is not bytes
    subprocess.run(
        ["bash", "-c", re.search("`(.*)`", str(error.value))[1].replace("NEW", str(tmp_path / "new"))], check=False
    )
    assert read_text(tmp_path / "new") == text


@pytest.mark.parametrize(("encoding", "text"), [("gb18030", "我们在北京。\n"), ("cp1251", "Мы живём.\n")])
def test_text_of_another_script_is_not_taken_for_western(tmp_path, encoding, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding) * 5)
    with pytest.raises(InputError, match=rf"iconv -f ENCODING .*it fits .*{encoding.upper()}"):
        read_text(path)


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd", "zstd of two frames"])
def test_a_cut_or_damaged_file_is_refused_at_every_byte(tmp_path, packing):
    """Cut anywhere behind its first bytes; of two frames, the border between them is the end of a whole file."""
    path, content = tmp_path / "a.txt", READ[packing]
    border = len(zstandard.compress(UTF8[:HALF])) if "frames" in packing else None
    for length in range(11, len(content)):
        if length != border:
            path.write_bytes(content[:length])
            with pytest.raises(InputError, match=r"a\.txt cannot be decompressed .*it is cut"):
                read_text(path)
    path.write_bytes(content + b"no member of it")
    with pytest.raises(InputError, match=r"a\.txt cannot be decompressed"):
        read_text(path)


def test_parquet_is_known_by_its_bytes(tmp_path):
    path = tmp_path / "A.PQ"
    pyarrow.parquet.write_table(pyarrow.table({"text": ["One."]}), path)
    assert kind_of_file(path) is PARQUET
    with pytest.raises(InputError, match="is Parquet, not text; read it with corpus=jsonl"):
        read_text(path)


def test_words_that_begin_like_a_mark_are_text():
    for text in ("BZh is a name.", "PK: a story", "Rar! is a cry.", "ustar", "", "\x1f"):
        assert kind_of(text.encode()).name == "text in UTF-8", text


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz", "zstd"])
def test_a_long_line_is_refused_by_file_line_and_size(tmp_path, packing):
    compress = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zstd": zstandard.compress}[packing]
    path = tmp_path / "a"
    path.write_bytes(compress(b"short\n" + b"x" * 3_000_000 + b"\nshort\n"))
    with pytest.raises(InputError, match=r"a:2 is a line of 3,000,00\d bytes; .*corpus\.max_line_bytes=1000"):
        list(read_lines(path, 1000))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_a_line_of_just_the_bound_is_read(tmp_path, end):
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10 + end)
    length = 10 + (end == b"\r\n")
    assert [line for _, _, line in read_lines(path, length)] == ["x" * 10]
    with pytest.raises(InputError, match="a:1 is a line of"):
        list(read_lines(path, length - 1))


def test_a_nul_behind_the_first_bytes_is_refused_with_its_line(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"line\n" * 2000 + b"\0")
    for read in (read_text, lambda path: list(read_lines(path, 100))):
        with pytest.raises(InputError, match=r"a:2001 holds a NUL byte"):
            read(path)
