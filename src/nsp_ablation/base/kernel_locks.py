"""Locks of the kernel (flock) on a file; each ends with its process, however that ends, on shared file systems too.

NFS locks a file exclusively where it is open for writing alone, and no directory (flock(2)); Lustre has locks where it
is mounted with `-o flock`. Where a file system has none, that is an error: a lock file without the kernel, which others
use instead, outlives a killed process.
"""

import errno
import fcntl
import os
import time
from pathlib import Path

from nsp_ablation.base.errors import InputError

# Lustre without `-o flock`; FUSE and older systems; NFS whose server has no lock manager.
_LACKING = {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK}
_HELD = {errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES}  # EACCES: some file systems
_POLL_SECONDS = 0.05  # a lock that is waited for in the kernel is handed over late by some servers of NFS


class LockHeldError(Exception):
    """Another process holds the lock, and the time to wait for it is over."""


def try_lock(descriptor: int, path: Path, *, is_shared: bool = False) -> bool:
    """Lock an open file, for writing where the lock is exclusive; False where another process holds it.

    Raises InputError where the file system of `path` has no locks.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _HELD:
            return False
        if error.errno not in _LACKING:
            raise
        raise InputError(
            f"{path}: its file system has no file locks (flock: {error.strerror}), and two processes might make the "
            "same file; mount it with locks (Lustre: -o flock; NFS: a server with a lock manager), or set "
            "paths.artifacts and paths.results to another disk"
        ) from error
    return True


def lock(descriptor: int, path: Path, timeout_seconds: float | None = None, *, is_shared: bool = False) -> None:
    """Lock an open file as `try_lock` does, and wait for it; None: as long as it takes.

    Raises LockHeldError after `timeout_seconds`, InputError as `try_lock` does.
    """
    until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while not try_lock(descriptor, path, is_shared=is_shared):
        if until is not None and time.monotonic() >= until:
            raise LockHeldError(f"{path} is held by another process")
        time.sleep(_POLL_SECONDS)


def unlock(descriptor: int) -> None:
    """Give a lock back, for processes that were forked meanwhile too; it is closed then."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Say whether a process holds a lock on a file, that is there or not.

    Where none can be held, False; where that cannot be told, since the file is another user's on NFS, True.
    """
    try:
        descriptor = _open(path)
    except OSError:
        return False
    try:
        return not try_lock(descriptor, path)
    except InputError:
        return False
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        return True
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Open a file to lock it exclusively; of another user, for reading, which suffices on local file systems."""
    try:
        return os.open(path, os.O_RDWR)
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        return os.open(path, os.O_RDONLY)
