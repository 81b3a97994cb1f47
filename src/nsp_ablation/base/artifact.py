"""Artifacts on disk: whole or absent, built once even when two processes start together, noticed when damaged.

A directory holds the size and SHA-256 of its files, against which it is held when opened. Sizes are compared always.
Content is hashed for weights, for files up to 4 MiB, and for a larger file whose time of change is later than that of
the checksums; so opening a large store costs a few milliseconds, and every change that goes through the file system is
seen.
"""

import errno
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from filelock import FileLock

from nsp_ablation.base.errors import DamageError, FullDiskError
from nsp_ablation.base.fingerprint import file_sha256

CHECKSUMS = "checksums.json"
_ALWAYS_HASHED_BYTES, _WEIGHTS = 4 << 20, ".safetensors"
_NAME_DIGITS = 8  # random, of temporary names

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# How libraries tell it that raise errors of their own: tokenizers, safetensors (Rust), numpy, torch.
_FULL_TEXTS = re.compile(r"No space left on device|Disk quota exceeded|File too large|\d+ requested and \d+ written")


@contextmanager
def full_disk_named(path: Path) -> Iterator[None]:
    """Turn the error of a full disk, a quota or a limit of file sizes into a FullDiskError that names `path`."""
    try:
        yield
    except FullDiskError:
        raise
    except Exception as error:
        causes = [cause for cause in _chain(error) if _is_full(cause)]
        if not causes:
            raise
        reason = " ".join(str(getattr(causes[0], "strerror", None) or causes[0]).split())
        raise FullDiskError(
            f"{path} cannot be written: {reason}; make room, or set paths.artifacts and paths.results to another disk, "
            "and run the same command again"
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and those in whose handling it was raised: torch.save ends with one of its own."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_full(error: BaseException) -> bool:
    return getattr(error, "errno", None) in _FULL or _FULL_TEXTS.search(str(error)) is not None


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it becomes `path`, on an error it is removed.

    Raises FullDiskError where the disk is full.
    """
    with full_disk_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path, path.suffix)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _beside(path: Path, suffix: str = "") -> Path:
    """Return a new hidden name beside `path`."""
    return path.with_name(f".{path.name}.{uuid4().hex[:_NAME_DIGITS]}{suffix}")


def write_text(path: Path, text: str) -> None:
    """Write a text file (UTF-8) that is never seen half-written."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; NaN is refused (ValueError), since JSON has none."""
    write_text(path, json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file of ours.

    Raises DamageError naming it where it cannot be read (a directory, no permission), is not UTF-8 or is not JSON.
    """
    remedy = "delete it, and the run writes it anew"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DamageError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, lists within lists without end
        raise DamageError(f"{path} is not JSON ({' '.join(str(error).split())}); {remedy}") from error


def build_once(directory: Path, build: Callable[[Path], None]) -> Path:
    """Return `directory`, made by `build(temporary_directory)` if it is not there yet.

    The directory appears whole (one rename), with the checksums of its files, against which it is held when it is
    there already. A kernel file lock beside it makes a second process wait and share; it dies with its holder. What
    `build` raises passes through and leaves nothing behind. Raises FullDiskError where the disk is full, DamageError
    naming the file where the directory was damaged since it was built.
    """
    if not directory.exists():
        directory.parent.mkdir(parents=True, exist_ok=True)
        with full_disk_named(directory), FileLock(f"{directory}.lock"):
            if not directory.exists():
                _build(directory, build)
                return directory
    check_artifact(directory)
    return directory


def _build(directory: Path, build: Callable[[Path], None]) -> None:
    """Build `directory` under its lock, and remove what builders left behind that were killed."""
    left_over = re.compile(rf"\.{re.escape(directory.name)}\.[0-9a-f]{{{_NAME_DIGITS}}}")
    for path in directory.parent.iterdir():
        if left_over.fullmatch(path.name) and path.is_dir():  # and none whose name only begins alike
            shutil.rmtree(path, ignore_errors=True)
    temporary = _beside(directory)
    temporary.mkdir()
    try:
        build(temporary)
        files = sorted(path for path in temporary.rglob("*") if path.is_file() and path.name != CHECKSUMS)
        sums = {str(path.relative_to(temporary)): [path.stat().st_size, file_sha256(path)] for path in files}
        (temporary / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
        os.rename(temporary, directory)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def check_artifact(directory: Path) -> None:
    """Raise DamageError naming the file of an artifact that is missing, was cut short or was edited."""
    remedy, written = "delete its directory, and the same command builds it anew", directory / CHECKSUMS
    try:
        expected = json.loads(written.read_text(encoding="utf-8"))
        stats = {name: (directory / name).stat() for name in expected}
    except (OSError, ValueError) as error:
        raise DamageError(f"artifact {directory} is damaged ({error}); {remedy}") from error
    written_ns = written.stat().st_mtime_ns
    for name, (num_bytes, sha256) in expected.items():
        found_bytes, changed_ns = stats[name].st_size, stats[name].st_mtime_ns
        is_hashed = changed_ns > written_ns or found_bytes <= _ALWAYS_HASHED_BYTES or name.endswith(_WEIGHTS)
        if found_bytes != num_bytes:
            reason = f"has {found_bytes} bytes instead of {num_bytes}"
        elif is_hashed and file_sha256(directory / name) != sha256:
            reason = "is not what was built (SHA-256)"
        else:
            continue
        raise DamageError(f"{directory / name} {reason}; {remedy}")
