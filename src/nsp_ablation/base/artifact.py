"""Artifacts on disk: whole or absent, built once even when two processes start together."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on an error it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(descriptor)
    os.chmod(name, 0o666 & ~_umask())
    try:
        yield Path(name)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) that is never seen half-written."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN is refused (ValueError), since JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file. Raises ValueError naming the file where it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON ({error}); delete it, and the run writes it anew") from error


def build_once(directory: Path, build: Callable[[Path], None]) -> Path:
    """Return `directory`, made by `build(temporary_directory)` if it is not there yet.

    The directory appears whole (one rename). A kernel file lock beside it makes a second process wait and share; it
    dies with its holder. What `build` raises passes through and leaves nothing behind; what a killed build left behind
    is removed by the next one.
    """
    if directory.exists():
        return directory
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if directory.exists():
            return directory
        for left_over in _temporary_directories(directory):
            shutil.rmtree(left_over, ignore_errors=True)
        temporary = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}."))
        try:
            build(temporary)
            os.chmod(temporary, 0o777 & ~_umask())
            os.rename(temporary, directory)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return directory


def _temporary_directories(directory: Path) -> list[Path]:
    """Return the directories that `mkdtemp` made for `directory`, and for none whose name only begins alike."""
    name = re.compile(rf"\.{re.escape(directory.name)}\.[a-z0-9_]{{8}}")
    return [path for path in directory.parent.iterdir() if name.fullmatch(path.name) and path.is_dir()]


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
