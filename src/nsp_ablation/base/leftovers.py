"""Temporary names: hidden, beside what they become, locked while their process lives; those of killed ones are removed.

A name is `.<name>.nsp-<8 hex digits><suffix>`, which nobody else gives. Its file is held by a lock of the kernel, which
ends with the process however that ends, so a name that is not held is a leftover. A directory, which NFS cannot lock,
is held by a file beside it with the suffix `.lock`.
"""

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from nsp_ablation.base.kernel_locks import lock, try_lock

_OURS = re.compile(r"\..+\.nsp-[0-9a-f]{8}(\.[^.]*)?", re.DOTALL)
_LOCK = ".lock"


@contextmanager
def temporary_file(path: Path) -> Iterator[Path]:
    """Give a new empty file beside `path`, of its suffix; it is removed at the end, unless it was moved."""
    with _held(path, path.suffix) as temporary:
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def temporary_directory(path: Path) -> Iterator[Path]:
    """Give a new empty directory beside `path`; it is removed at the end, unless it was moved."""
    with _held(path, _LOCK) as held:
        temporary = held.with_suffix("")
        try:
            temporary.mkdir()
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
            held.unlink(missing_ok=True)


def remove_leftovers(directory: Path) -> None:
    """Remove what processes that were killed left of the names above, and nothing else."""
    with os.scandir(directory) as entries:
        found = [Path(entry.path) for entry in entries if entry.name[0] == "." and _OURS.fullmatch(entry.name)]
    for path in found:
        with suppress(FileNotFoundError, PermissionError):  # gone meanwhile; of another user
            _remove_if_left(path)


@contextmanager
def _held(path: Path, suffix: str) -> Iterator[Path]:
    """Give a new empty file, locked."""
    remove_leftovers(path.parent)
    while True:
        temporary = path.with_name(f".{path.name}.nsp-{uuid4().hex[:8]}{suffix}")
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            try:
                lock(descriptor, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            if _is(temporary, descriptor):  # nobody took it for a leftover before it was locked
                yield temporary
                return
        finally:
            os.close(descriptor)


def _remove_if_left(path: Path) -> None:
    if path.is_symlink():  # never ours
        return
    if path.is_dir():
        if not os.path.lexists(f"{path}{_LOCK}"):  # else it is removed with that
            _remove_if_unlocked(path)
        return
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if try_lock(descriptor, path) and _is(path, descriptor):
            if path.suffix == _LOCK:
                shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink()
    finally:
        os.close(descriptor)


def _remove_if_unlocked(directory: Path) -> None:
    """Remove a directory that an earlier version made, unless that lives: it held the directory itself."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if try_lock(descriptor, directory):
            shutil.rmtree(directory)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
    finally:
        os.close(descriptor)


def _is(path: Path, descriptor: int) -> bool:
    """Whether `path` still names what was opened as `descriptor`."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
