"""What an artifact directory was when it was built: the size and SHA-256 of each file, held against it when opened.

Sizes are compared always. Content is hashed for weights, for files up to 4 MiB, and for a larger file whose time of
change is later than that of the checksums; so opening a large store costs a few milliseconds, and every change that
goes through the file system is seen.
"""

import json
from functools import cache
from pathlib import Path

from nsp_ablation.base.fingerprint import file_sha256

CHECKSUMS = "checksums.json"
_ALWAYS_HASHED_BYTES, _WEIGHTS = 4 << 20, ".safetensors"


def checksums(directory: Path) -> str:
    """Return the text of `checksums.json`: {path below `directory`: [bytes, SHA-256]} of every other file."""
    files = {str(path.relative_to(directory)): [path.stat().st_size, file_sha256(path)] for path in _files(directory)}
    return json.dumps(files, indent=1) + "\n"


def check_artifact(directory: Path) -> None:
    """Raise ValueError naming the file of an artifact that is missing, was cut short or was edited."""
    written = directory / CHECKSUMS
    try:
        expected = json.loads(written.read_text(encoding="utf-8"))
        signature = tuple((name, *_stamp(directory / name)) for name in expected)
    except (OSError, ValueError) as error:
        raise ValueError(f"artifact {directory} is damaged ({error}); {_REMEDY}") from error
    _check(directory, signature, written.stat().st_mtime_ns)


@cache  # an artifact is asked for many times in a run; one that did not change since is not read again
def _check(directory: Path, signature: tuple[tuple[str, int, int], ...], written_ns: int) -> None:
    expected = json.loads((directory / CHECKSUMS).read_text(encoding="utf-8"))
    for name, num_bytes, changed_ns in signature:
        wanted_bytes, sha256 = expected[name]
        if num_bytes != wanted_bytes:
            reason = f"has {num_bytes} bytes instead of {wanted_bytes}"
        elif _is_hashed(name, num_bytes, changed_ns > written_ns) and file_sha256(directory / name) != sha256:
            reason = "is not what was built (SHA-256)"
        else:
            continue
        raise ValueError(f"{directory / name} {reason}; {_REMEDY}")


_REMEDY = "delete its directory, and the same command builds it anew"


def _is_hashed(name: str, num_bytes: int, is_newer: bool) -> bool:
    return is_newer or num_bytes <= _ALWAYS_HASHED_BYTES or name.endswith(_WEIGHTS)


def _files(directory: Path) -> list[Path]:
    return sorted(path for path in directory.rglob("*") if path.is_file() and path.name != CHECKSUMS)


def _stamp(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns
