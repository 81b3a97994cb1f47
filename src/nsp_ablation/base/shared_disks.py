"""Whether the locks of a file system are seen by other machines, by how it is mounted (Linux)."""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from nsp_ablation.base.errors import InputError

_MOUNTS = Path("/proc/self/mountinfo")
_LUSTRE, _NFS = {"lustre"}, {"nfs", "nfs4"}
_LOCAL = {"localflock", "nolock", "local_lock=all", "local_lock=flock"}


def check_shared_locks(paths: Iterable[str]) -> None:
    """Raise InputError naming the first path whose locks hold on this machine alone; for work of several machines."""
    for path in paths:
        if (problem := local_locks_problem(Path(path))) is not None:
            raise InputError(problem)


def local_locks_problem(path: Path) -> str | None:
    """Return why locks of files below `path` hold on this machine alone, None where nothing says so.

    A file system of one machine's own is None, too: it is not shared at all.
    """
    try:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:  # macOS
        return None
    mount = _mount_of(os.path.realpath(path), mounts)
    if mount is None or mount[1] not in _LUSTRE | _NFS:
        return None
    point, kind, options = mount
    if not (local := options & _LOCAL):
        return None
    remedy = "flock" if kind in _LUSTRE else "local_lock=none, and without nolock"
    return (
        f"{path}: {point} ({kind}) is mounted with {', '.join(sorted(local))}, so other machines do not see its file "
        f"locks, and would make the same files at once; mount it with {remedy}, or use one machine"
    )


def _mount_of(path: str, mounts: str) -> tuple[str, str, set[str]] | None:
    """Return (mount point, type, options) of the innermost mount that holds an absolute path; see proc(5)."""
    found = None
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        fields, (kind, _, of_super) = before.split(), after.split(" ", 2)
        point = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), fields[4])
        holds = path == point or path.startswith(f"{point.rstrip('/')}/")
        if holds and (found is None or len(point) >= len(found[0])):
            found = point, kind, {*fields[5].split(","), *of_super.split(",")}
    return found
