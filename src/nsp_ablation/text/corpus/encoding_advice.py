"""What to do with a file that is not UTF-8: which encoding its bytes fit."""

import shlex
from pathlib import Path

from nsp_ablation.text.corpus.byte_stream import open_bytes
from nsp_ablation.text.corpus.first_bytes import kind_of_file

_SAMPLE_BYTES = 1 << 20
_OTHERS = ("GB18030", "SHIFT_JIS", "EUC-JP", "EUC-KR", "BIG5", "CP1251")


def encoding_advice(path: Path, line: bytes) -> str:
    """Return how a file with a line that is not UTF-8 is converted: a shell command.

    A file that holds letters in UTF-8 elsewhere is damaged, not in another encoding. Few bytes beyond ASCII are Western
    European text: CP1252, of which Latin-1 is a part. Many are another script, whose encoding its reader must know.
    """
    decompress = kind_of_file(path).remedy.strip("`").removesuffix(" > NEW")
    name = shlex.quote(str(path))
    command = f"{decompress.format(path=name)} | iconv" if decompress else "iconv"
    given = "" if decompress else f" {name}"
    sample = _sample(path) + line
    if _has_utf8_letters(sample):
        return f"it is UTF-8 elsewhere: drop what is damaged with `{command} -c -f UTF-8 -t UTF-8{given} > NEW`"
    num_high = sum(byte >= 0x80 for byte in sample)
    num_letters = sum(byte >= 0x80 or chr(byte).isalpha() for byte in sample)
    if num_high < 0.4 * num_letters and _fits(sample, "CP1252"):
        return f"it fits CP1252: convert it with `{command} -f CP1252 -t UTF-8{given} > NEW`"
    fitting = [encoding for encoding in _OTHERS if _fits(sample, encoding)]
    known = f"it fits {', '.join(fitting)}" if fitting else "`iconv -l` lists encodings"
    return f"convert it with `{command} -f ENCODING -t UTF-8{given} > NEW` ({known})"


def _sample(path: Path) -> bytes:
    with open_bytes(path) as file:
        sample = file.read(_SAMPLE_BYTES)
    return sample[: sample.rfind(b"\n") + 1]


def _has_utf8_letters(sample: bytes) -> bool:
    """Whether there are characters beyond ASCII in valid UTF-8, at least as many as bytes that are not."""
    text = sample.decode("utf-8", "replace")
    num_bad = text.count("\ufffd")
    return sum(not character.isascii() for character in text) - num_bad > num_bad


def _fits(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
