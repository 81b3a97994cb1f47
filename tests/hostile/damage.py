"""What can happen to a file, and to a directory: each is a function of its path.

`other` is another file of the same kind, `foreign` a file or directory of somebody else.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

Damage = Callable[[Path, Path | None, Path], None]


def cut(path: Path, other: Path | None, foreign: Path) -> None:
    path.write_bytes(
        path.read_bytes()[:-1] if path.stat().st_size < 100 else path.read_bytes()[: path.stat().st_size // 2]
    )


def emptied(path: Path, other: Path | None, foreign: Path) -> None:
    path.write_bytes(b"")


def flipped(path: Path, other: Path | None, foreign: Path) -> None:
    """One bit of the byte in the middle, which stays a letter or a digit where it is one."""
    content = bytearray(path.read_bytes())
    if content:
        middle = len(content) // 2
        content[middle] ^= 1
    path.write_bytes(content)


def digit(path: Path, other: Path | None, foreign: Path) -> None:
    """The last digit becomes another one: a file that is as well-formed as before."""
    content = bytearray(path.read_bytes())
    places = [place for place, byte in enumerate(content) if chr(byte).isdigit()]
    if places:
        content[places[-1]] = ord("7") if content[places[-1]] != ord("7") else ord("3")
    path.write_bytes(content)


def appended(path: Path, other: Path | None, foreign: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n{}\n")


def not_text(path: Path, other: Path | None, foreign: Path) -> None:
    """One byte that is not UTF-8."""
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 3] + b"\xff" + content[len(content) // 3 + 1 :])


def foreign_json(path: Path, other: Path | None, foreign: Path) -> None:
    """Sound JSON of another program."""
    path.write_text('{"version": 3, "rows": [{"name": "Anna"}, null]}\n')


def other_schema(path: Path, other: Path | None, foreign: Path) -> None:
    """The first key, or column, has another name, as an older version's would, and the digest says so."""
    if path.suffix == ".csv":
        path.write_text(f"old_{path.read_text()}")
        return
    values = json.loads(path.read_text())
    first = next(name for name in values if name != "digest")
    values = {f"old_{name}" if name == first else name: value for name, value in values.items() if name != "digest"}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    path.write_text(json.dumps({**values, "digest": hashlib.sha256(text.encode()).hexdigest()}))


def deleted(path: Path, other: Path | None, foreign: Path) -> None:
    path.unlink()


def directory(path: Path, other: Path | None, foreign: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "file").write_text("in the way")


def swapped(path: Path, other: Path | None, foreign: Path) -> None:
    assert other is not None
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


def linked(path: Path, other: Path | None, foreign: Path) -> None:
    path.unlink()
    path.symlink_to(foreign / "file.json")


def dangling(path: Path, other: Path | None, foreign: Path) -> None:
    path.unlink()
    path.symlink_to(foreign / "nothing")


def unreadable(path: Path, other: Path | None, foreign: Path) -> None:
    """Root reads all the same: `conftest.py` then refuses the file in its place."""
    path.chmod(0)


TO_FILES: dict[str, Damage] = {
    function.__name__: function
    for function in (
        *(cut, emptied, flipped, digit, appended, not_text, foreign_json, other_schema, deleted),
        *(directory, swapped, linked, dangling, unreadable),
    )
}


def directory_emptied(path: Path, other: Path | None, foreign: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def directory_deleted(path: Path, other: Path | None, foreign: Path) -> None:
    shutil.rmtree(path)


def directory_is_a_file(path: Path, other: Path | None, foreign: Path) -> None:
    shutil.rmtree(path)
    path.write_text("in the way")


def directory_is_linked(path: Path, other: Path | None, foreign: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to(foreign, target_is_directory=True)


def directory_swapped(path: Path, other: Path | None, foreign: Path) -> None:
    assert other is not None
    middle = path.with_name("middle")
    os.rename(path, middle)
    os.rename(other, path)
    os.rename(middle, other)


TO_DIRECTORIES: dict[str, Damage] = {
    function.__name__: function
    for function in (
        directory_emptied,
        directory_deleted,
        directory_is_a_file,
        directory_is_linked,
        directory_swapped,
    )
}
