"""Paths below `paths.artifacts` and `paths.results` that may be written and deleted: never through a symbolic link.

The two roots themselves may be links: that is the user's choice.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.kernel_locks import LockHeldError, lock, unlock
from nsp_ablation.base.leftovers import remove_leftovers

_QUIET_SECONDS = 2.0  # that a lock may be held without a word


def owned(root: Path, *names: str) -> Path:
    """Return the path of `names` (which may hold several parts) below `root`.

    Raises InputError naming the part below `root` that is a symbolic link.
    """
    path = root
    for part in Path(*names).parts:
        assert part != "..", names
        path = path / part
        if path.is_symlink():
            raise InputError(
                f"{path} is a symbolic link to {os.readlink(path)}; nothing is written or deleted behind it: delete "
                "the link and run the same command again, or set paths.artifacts or paths.results to another disk"
            )
    return path


def make_directory(path: Path) -> Path:
    """Return a directory, made where it is missing. Raises DamageError where something else is in its place."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        file = next((each for each in [*reversed(path.parents), path] if each.exists() and not each.is_dir()), path)
        raise DamageError(f"{file} is not a directory; delete it and run the same command again") from error
    return path


@contextmanager
def locked(path: Path, timeout_seconds: float | None = None) -> Iterator[None]:
    """Hold a kernel lock on a file, which is made and stays; it ends with this process. Says so where that takes long.

    Raises LockHeldError after `timeout_seconds` (None: never), InputError for a link, for a file that may not be
    written and for a file system without locks, DamageError where `path` is no file.
    """
    owned(path.parent, path.name)
    make_directory(path.parent)
    try:
        descriptor = _open_locked(path, _QUIET_SECONDS if timeout_seconds is None else timeout_seconds)
    except LockHeldError:
        if timeout_seconds is not None:
            raise
        print(f"  waiting | {path.parent.name}/{path.stem}: another process makes it", flush=True)
        descriptor = _open_locked(path, None)
    try:
        yield
    finally:
        unlock(descriptor)


def _open_locked(path: Path, timeout_seconds: float | None) -> int:
    while True:
        descriptor = open_lock(path)
        try:
            lock(descriptor, path, timeout_seconds)
            if os.fstat(descriptor).st_nlink:  # else it was deleted meanwhile, and another process may lock a new one
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def open_lock(path: Path) -> int:
    """Return the descriptor of a file to lock, which is made where it is missing. Raises as `locked` does."""
    owned(path.parent, path.name)
    with _lock_named(path):
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)


@contextmanager
def _lock_named(path: Path) -> Iterator[None]:
    """Turn the errors of opening a file to lock into those that name it and what to do."""
    try:
        yield
    except PermissionError as error:
        raise InputError(
            f"{path} cannot be opened to lock it; make it writable, or delete it and run the same command again"
        ) from error
    except OSError as error:
        if not isinstance(error, IsADirectoryError) and error.errno not in (errno.EISDIR, errno.ENXIO):
            raise
        raise DamageError(f"{path} is no file of locks; delete it and run the same command again") from error


def remove_file(path: Path) -> None:
    """Delete a file, where it is there. Raises DamageError where a directory is in its place."""
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError) as error:  # macOS: "Operation not permitted"
        if not path.is_dir():
            raise
        raise DamageError(f"{path} is a directory, not a file; delete it and run the same command again") from error


def remove_own(directory: Path, *patterns: str) -> None:
    """Delete the files of a directory that match `patterns`, those of killed writers, and itself if nothing is left."""
    if directory.is_symlink() or not directory.is_dir():
        return
    remove_leftovers(directory)
    for pattern in patterns:
        for path in directory.glob(pattern):
            if path.is_symlink() or path.is_file():
                path.unlink()
    with suppress(OSError):  # a file that is not ours lies there
        directory.rmdir()
