"""Artifacts on disk: whole or absent, built once even when two processes start together, noticed when damaged.

A directory holds the size and SHA-256 of its files, against which it is held when opened. Sizes are compared always.
Content is hashed for weights, for files up to 4 MiB, and for a larger file whose time of change (of content, name or
mode) is later than that of the checksums; so opening a large store costs a few milliseconds, and every change that goes
through the file system is seen.
"""

import errno
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import DamageError, FullDiskError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.base.leftovers import temporary_directory, temporary_file
from nsp_ablation.base.owned_paths import locked, make_directory, owned

CHECKSUMS = "checksums.json"
_ALWAYS_HASHED_BYTES, _WEIGHTS = 4 << 20, ".safetensors"

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# How libraries tell it that raise errors of their own: tokenizers, safetensors (Rust), pyarrow; numpy; torch; SQLite.
_FULL_TEXTS = re.compile(
    r"No space left on device|Disk quota exceeded|File too large|\d+ requested and \d+ written"
    r"|unexpected pos \d+ vs \d+|database or disk is full"
)


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
    """Give a temporary path beside `path`, of an empty file; on success it becomes `path`, on an error it is removed.

    Raises FullDiskError where the disk is full, DamageError where a directory lies in the place of the file or a file
    in that of its directory.
    """
    with full_disk_named(path), temporary_file(make_directory(path.parent) / path.name) as temporary:
        yield temporary
        try:
            os.replace(temporary, path)
        except IsADirectoryError as error:
            raise DamageError(f"{path} is a directory, not a file; delete it and run the same command again") from error


@contextmanager
def whole_directory(path: Path) -> Iterator[Path]:
    """Give a temporary directory beside `path`; on success it becomes `path`, which is not there yet.

    Raises FullDiskError where the disk is full.
    """
    with full_disk_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary_directory(path) as temporary:
            yield temporary
            os.rename(temporary, path)


def copy_whole(source: Path, target: Path, texts: Mapping[str, str]) -> None:
    """Copy a directory, with text files by name beside its own, to appear whole under a new name.

    Raises FullDiskError where the disk is full.
    """
    with whole_directory(target) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)
        for name, text in texts.items():
            (temporary / name).write_text(text, encoding="utf-8")


def copy_files(pairs: Iterable[tuple[Path, Path]]) -> None:
    """Copy each (source, target) whose source is a file; no target is ever seen half-written.

    Raises as `atomic_path`.
    """
    for source, target in pairs:
        if source.is_file():
            with atomic_path(target) as temporary:
                shutil.copyfile(source, temporary)


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
    naming the file where the directory was damaged since it was built, InputError where it is a symbolic link.
    """
    owned(directory.parent, directory.name)
    if not directory.exists():
        with full_disk_named(directory), locked(Path(f"{directory}.lock")):
            if not directory.exists():
                with temporary_directory(directory) as temporary:
                    _build(temporary, build)
                    os.rename(temporary, directory)
                return directory
    check_artifact(directory)
    return directory


def _build(temporary: Path, build: Callable[[Path], None]) -> None:
    """Build into `temporary`, with checksums, all of the mode that the umask gives (safetensors: for its owner)."""
    build(temporary)
    mode = temporary.stat().st_mode & 0o666
    files = sorted(path for path in temporary.rglob("*") if path.is_file() and path.name != CHECKSUMS)
    for path in files:
        path.chmod(mode)
    sums = {str(path.relative_to(temporary)): [path.stat().st_size, file_sha256(path)] for path in files}
    (temporary / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")


def check_artifact(directory: Path) -> None:
    """Raise DamageError naming the file of an artifact that is missing, was cut short or was edited."""
    remedy, written = "delete its directory, and the same command builds it anew", directory / CHECKSUMS
    try:
        expected = _read_checksums(written)
        stats = {name: (directory / name).stat() for name in expected}
        written_ns, started_ns = written.stat().st_mtime_ns, time.time_ns()
        changed = [name for name in expected if max(stats[name].st_mtime_ns, stats[name].st_ctime_ns) > written_ns]
        for name, (num_bytes, sha256) in expected.items():
            found_bytes = stats[name].st_size
            is_hashed = name in changed or found_bytes <= _ALWAYS_HASHED_BYTES or name.endswith(_WEIGHTS)
            if found_bytes != num_bytes:
                raise DamageError(f"{directory / name} has {found_bytes} bytes instead of {num_bytes}; {remedy}")
            if is_hashed and file_sha256(directory / name) != sha256:
                raise DamageError(f"{directory / name} is not what was built (SHA-256); {remedy}")
    except OSError as error:  # missing, a directory, unreadable
        raise DamageError(f"artifact {directory} is damaged ({error}); {remedy}") from error
    is_ours = written.stat().st_uid == os.geteuid()
    if is_ours and any(expected[name][0] > _ALWAYS_HASHED_BYTES for name in changed):
        with suppress(OSError):  # a copy: not hashed again, unless it changes again
            os.utime(written, ns=(started_ns, started_ns))


def _read_checksums(path: Path) -> dict[str, tuple[int, str]]:
    """Return size and SHA-256 by name. Raises DamageError where the file does not hold these."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if outside := [name for name in found if Path(name).is_absolute() or ".." in Path(name).parts]:
            raise ValueError(f"{outside[0]} is not below it")
        return {name: (int(num_bytes), str(sha256)) for name, (num_bytes, sha256) in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DamageError(
            f"{path} holds no checksums ({error}); delete its directory, and the same command builds it anew"
        ) from error


def remove_artifact(directory: Path) -> None:
    """Delete the files of an artifact, and of artifacts in it, by their checksums; others stay, with the directory."""
    for written in sorted(directory.rglob(CHECKSUMS)):
        for name in _read_checksums(written):
            path = owned(written.parent, name)
            path.unlink(missing_ok=True)
        written.unlink()
    for path in directory.rglob("*.lock"):
        path.unlink()
    for path in sorted([directory, *directory.rglob("*")], reverse=True):  # a directory after what it holds
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # not empty
                path.rmdir()
