"""Temporary names: hidden, beside what they become, locked while their process lives; those of killed ones are removed.

A name is `.<name>.nsp-<8 hex digits><suffix>`, which nobody else gives. Its file or directory is held by a lock of the
kernel (flock), which ends with the process however that ends, so a name that is not held is a leftover.
"""

import fcntl
import os
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_OURS = re.compile(r"\..+\.nsp-[0-9a-f]{8}(\.[^.]*)?", re.DOTALL)


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Give a new empty file beside `path`, of its suffix; it is removed at the end, unless it was moved."""
    with _held(path, path.suffix, lambda name: os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)) as temporary:
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def temporary_directory(path: Path) -> Iterator[Path]:
    """Give a new empty directory beside `path`; it is removed at the end, unless it was moved."""
    with _held(path, "", _make_directory) as temporary:
        try:
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def remove_leftovers(directory: Path) -> None:
    """Remove what processes that were killed left of the names above, and nothing else."""
    with os.scandir(directory) as entries:
        found = [Path(entry.path) for entry in entries if entry.name[0] == "." and _OURS.fullmatch(entry.name)]
    for path in found:
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile; of another user
            _remove_if_left(path)


def _make_directory(path: Path) -> int:
    path.mkdir()
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY)


@contextmanager
def _held(path: Path, suffix: str, make: Callable[[Path], int]) -> Iterator[Path]:
    """Give a new name that `make` has made and opened, locked."""
    remove_leftovers(path.parent)
    while True:
        temporary = path.with_name(f".{path.name}.nsp-{uuid4().hex[:8]}{suffix}")
        descriptor = make(temporary)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is(temporary, descriptor):  # nobody took it for a leftover before it was locked
                yield temporary
                return
        finally:
            os.close(descriptor)


def _remove_if_left(path: Path) -> None:
    if path.is_symlink():  # never ours
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is(path, descriptor):
            shutil.rmtree(path) if stat.S_ISDIR(os.fstat(descriptor).st_mode) else path.unlink()
    except BlockingIOError:  # of a process that lives
        pass
    finally:
        os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    """Whether `path` still names what was opened as `descriptor`."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
