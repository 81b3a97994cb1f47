"""Fingerprints: equal content has an equal name, and a changed byte has another."""

import hashlib
import json
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_TICK_NS = 1_000_000_000  # a file that changed so lately may change again without a later time of change


def fingerprint(value: Any) -> str:
    """Return 16 hex digits (64 bits) that depend on `value` alone.

    `value` is anything JSON can hold; the order of a mapping's keys does not matter. Raises TypeError for other types.
    """
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, which are never in memory all at once.

    A process reads a file once, and again when its size, time of change or inode is another: keys and artifacts are
    asked for in every cell.
    """
    state = path.stat()
    if time.time_ns() - state.st_ctime_ns < _TICK_NS:
        return _read_sha256(path)
    return _settled_sha256(path, (state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns))


@cache
def _settled_sha256(path: Path, state: tuple[int, ...]) -> str:
    return _read_sha256(path)


def _read_sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_fingerprint(paths: list[Path]) -> str:
    """Return one fingerprint of several files' bytes, in the order given; names and times do not count."""
    return fingerprint([file_sha256(path) for path in paths])


def array_sha256(array: "np.ndarray") -> str:
    """Return the SHA-256 of an array's dtype, shape and bytes (C order)."""
    import numpy as np  # 0.1 s, which what only reads JSON does without

    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def strings_sha256(strings: list[str]) -> str:
    """Return the SHA-256 of a list of strings, in order (used for example ids)."""
    return hashlib.sha256(json.dumps(strings, ensure_ascii=True).encode()).hexdigest()
