"""The cells of a sweep on disk: each keeps one file, `cells/<key>.json`, that says how it stands.

Whoever runs a cell holds a kernel lock beside the file, which ends with its process however that ends; so a cell that
is `running` and whose lock is free was killed.
"""

import datetime
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.kernel_locks import is_held, lock
from nsp_ablation.base.owned_paths import make_directory, open_lock, owned, remove_file
from nsp_ablation.reporting.records.digest import read_sealed, write_sealed
from nsp_ablation.reporting.records.typed_json import parse

CELL_STATUSES = ("planned", "running", "done", "failed", "stopped")
KILLED = "killed"  # of a cell that is read as running, but that no process runs
_KEY = re.compile(r"[A-Za-z0-9_=,+][A-Za-z0-9._=,+-]{0,199}")
_REMEDY = "delete the file, and run the command of its sweep again"


@dataclass(frozen=True)
class CellProgress:
    """How far a cell is: what it does now, the update that it is at and of how many, its speed, its loss, and how long
    this phase still takes.

    The speed is in real tokens per second. None where the work has no updates, or none that were timed.
    """

    phase: str
    update: int | None = None
    num_updates: int | None = None
    tokens_per_second: float | None = None
    loss: float | None = None
    seconds_left: float | None = None

    def text(self) -> str:
        """Return it as a reader sees it: "pretrain, update 120 of 7,000, loss 6.312, 61,000 tokens/s, 0:02:10 left"."""
        parts = [self.phase]
        if self.update is not None:
            parts.append(f"update {self.update:,}" + (f" of {self.num_updates:,}" if self.num_updates else ""))
        if self.loss is not None:
            parts.append(f"loss {self.loss:.3f}")
        if self.tokens_per_second is not None:
            parts.append(f"{self.tokens_per_second:,.0f} tokens/s")
        if self.seconds_left is not None:
            parts.append(f"{datetime.timedelta(seconds=round(self.seconds_left))} left")
        return ", ".join(parts)


@dataclass(frozen=True)
class SweepCell:
    """One job of a sweep: its overrides, the ids of its records, and how it stands. `key` names it within the sweep.

    `last_sign_of_life` is the time (UTC, ISO 8601) at which whoever runs the cell wrote the file.
    """

    key: str
    overrides: list[str]
    records: list[str]
    status: str
    reason: str | None
    progress: CellProgress | None = None
    last_sign_of_life: str | None = None


def cell_path(folder: Path, key: str) -> Path:
    """Return `cells/<key>.json`. Raises InputError where a key cannot be a file's name."""
    if not _KEY.fullmatch(key):
        raise InputError(f"cell key={key!r} must be 1 to 200 letters, digits or any of ._=,+-")
    return owned(folder, "cells", f"{key}.json")


def short_keys(keys: list[str]) -> list[str]:
    """Return each key without its fingerprint, where no other has that name."""
    short = [key.rpartition("-")[0] or key for key in keys]
    counts = Counter(short)
    return [name if counts[name] == 1 else key for name, key in zip(short, keys, strict=True)]


def write_cell(folder: Path, cell: SweepCell) -> None:
    """Write how a cell stands, with this moment as its sign of life.

    Raises InputError where its key cannot be a file's name, or `cells` is a symbolic link.
    """
    assert cell.status in CELL_STATUSES, cell.status
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    write_sealed(cell_path(folder, cell.key), asdict(replace(cell, last_sign_of_life=now)))


def read_cell(folder: Path, key: str) -> SweepCell | None:
    """Return how a cell stands, None where it never began; one that no process runs any more is `killed`.

    Raises DamageError naming the file where it is not what was written.
    """
    cell = stored_cell(folder, key)
    is_killed = cell is not None and cell.status == "running" and not is_run(folder, key)
    return replace(cell, status=KILLED) if cell is not None and is_killed else cell


def stored_cell(folder: Path, key: str) -> SweepCell | None:
    """Return how a cell stands by its file alone, whoever runs it and wherever, None where it never began.

    Raises as `read_cell` does.
    """
    path = cell_path(folder, key)
    if not os.path.lexists(path):
        return None
    cell = parse(SweepCell, read_sealed(path, _REMEDY), path)
    if cell.key != key:
        raise DamageError(f"{path} holds the cell {cell.key}; {_REMEDY}")
    return cell


@contextmanager
def runs(folder: Path, key: str) -> Iterator[None]:
    """Inside, this process is known to run the cell; several may (of two sweeps that share it)."""
    path = _lock_path(folder, key)
    make_directory(path.parent)
    descriptor = open_lock(path)
    try:
        lock(descriptor, path, is_shared=True)
        yield
    finally:
        os.close(descriptor)


def is_run(folder: Path, key: str) -> bool:
    """Say whether a process runs the cell now."""
    return is_held(_lock_path(folder, key))


def forget_cell(folder: Path, key: str) -> None:
    """Delete the file of a cell, and its lock unless a process runs the cell."""
    remove_file(cell_path(folder, key))
    if not is_run(folder, key):
        remove_file(_lock_path(folder, key))


def _lock_path(folder: Path, key: str) -> Path:
    return owned(folder, "cells", f".{key}.lock")
