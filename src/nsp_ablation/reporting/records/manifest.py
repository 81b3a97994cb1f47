"""The manifest of a folder's newest sweep: which cells it has, and which records each of them made.

Every cell has a file of its own, `cells/<key>.json`, so jobs that run side by side never write the same file;
`manifest.json` holds the command and the cells as planned, and reading joins the two.
"""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.reporting.records.record import SCHEMA, is_older, parse

CELL_STATUSES = ("planned", "done", "failed")


@dataclass(frozen=True)
class SweepCell:
    """One job of a sweep: its overrides, the ids of its records, and how it ended. `key` names it within the sweep."""

    key: str
    overrides: list[str]
    records: list[str]
    status: str
    reason: str | None


@dataclass(frozen=True)
class Manifest:
    """A sweep: the command as typed, when it began (ISO 8601), its cells in the order of the sweep."""

    command: str
    created: str
    cells: list[SweepCell]
    schema: int = SCHEMA

    @property
    def record_ids(self) -> list[str]:
        """The ids of the sweep's records, each once."""
        return list(dict.fromkeys(record_id for cell in self.cells for record_id in cell.records))


@contextmanager
def sweep(folder: Path, manifest: Manifest) -> Iterator[None]:
    """Hold a sweep open: write its manifest at the start, and forget the cells of the sweep before it, not the records.

    Where another sweep is still open on the same folder, in whatever process, its cells stay, and the two share one
    manifest. `manifest.cells` are the planned ones, as far as they are known; others join when they are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / ".sweeps", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        with FileLock(folder / ".lock"):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _join_sweep(folder, manifest)
            else:
                begin_sweep(folder, manifest)
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # a lock of the kernel: it ends with this process
        yield
    finally:
        os.close(descriptor)


def begin_sweep(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a sweep that begins alone; the cells of the sweep before it are forgotten."""
    for path in _cell_paths(folder):
        path.unlink()
    write_json(folder / "manifest.json", asdict(manifest))


def _join_sweep(folder: Path, manifest: Manifest) -> None:
    found = read_manifest(folder)
    cells = {cell.key: cell for cell in [*(found.cells if found else []), *manifest.cells]}
    planned = [replace(cell, records=[], status="planned", reason=None) for cell in cells.values()]
    write_json(folder / "manifest.json", asdict(replace(manifest, cells=planned)))


def write_cell(folder: Path, cell: SweepCell) -> None:
    """Write how a cell stands. Raises InputError where its key cannot be a file's name."""
    if not re.fullmatch(r"[A-Za-z0-9_=,+][A-Za-z0-9._=,+-]{0,199}", cell.key):
        raise InputError(f"cell key={cell.key!r} must be 1 to 200 letters, digits or any of ._=,+-")
    assert cell.status in CELL_STATUSES, cell.status
    write_json(folder / "cells" / f"{cell.key}.json", asdict(cell))


def read_manifest(folder: Path) -> Manifest | None:
    """Return the newest sweep with its cells as they stand now; None where no sweep of this version was begun.

    Planned cells come first, in their order; others by key. Raises InputError naming a malformed file.
    """
    path = folder / "manifest.json"
    if not path.is_file() or has_older_manifest(folder):
        return None
    manifest = parse(Manifest, read_json(path), path)
    if manifest.schema != SCHEMA:
        raise InputError(f"{path}: schema={manifest.schema}, but this version reads schema {SCHEMA}; update it")
    written = {cell.key: cell for cell in (parse(SweepCell, read_json(file), file) for file in _cell_paths(folder))}
    cells = [written.pop(cell.key, cell) for cell in manifest.cells]
    return replace(manifest, cells=cells + list(written.values()))


def has_older_manifest(folder: Path) -> bool:
    """Say whether the newest sweep is one of an older version, which is not read."""
    path = folder / "manifest.json"
    return path.is_file() and is_older(read_json(path))


def _cell_paths(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "cells").glob("*.json") if not path.name.startswith("."))
