"""The manifest of a folder's newest sweep: which cells it has, and which records each of them made.

Every cell has a file of its own (`sweep_cell.py`), so jobs that run side by side never write the same file;
`manifest.json` holds the command and the cells as planned, and reading joins the two.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.kernel_locks import is_held, lock, try_lock
from nsp_ablation.base.owned_paths import locked, make_directory, open_lock, owned
from nsp_ablation.base.program_name import program_of
from nsp_ablation.reporting.records.digest import FIELD, check_digest, write_sealed
from nsp_ablation.reporting.records.older_schemas import READ_SCHEMAS, SCHEMA
from nsp_ablation.reporting.records.record import is_older
from nsp_ablation.reporting.records.sweep_cell import SweepCell, forget_cell, read_cell
from nsp_ablation.reporting.records.typed_json import parse

_REMEDY = "delete the file, and run the command of its sweep again"
_FIELDS = {"key", "overrides", "records", "status"}  # of a cell's file, in every version


@dataclass(frozen=True)
class Manifest:
    """A sweep: the command as typed, when it began (ISO 8601), its cells in the order of the sweep."""

    command: str
    created: str
    cells: list[SweepCell]
    schema: int = SCHEMA

    @property
    def program(self) -> str:
        """The words that start the program as the command did, before the settings of a cell."""
        return program_of(self.command.partition(" ")[0])

    @property
    def record_ids(self) -> list[str]:
        """The ids of the sweep's records, each once."""
        return list(dict.fromkeys(record_id for cell in self.cells for record_id in cell.records))


@contextmanager
def sweep(folder: Path, manifest: Manifest) -> Iterator[None]:
    """Hold a sweep open: write its manifest at the start, and forget the cells of the sweep before it, not the records.

    Where another sweep is still open on the same folder, in whatever process, its cells stay, and the two share one
    manifest. `manifest.cells` are the planned ones, as far as they are known; others join when they are written.
    Raises InputError where a part of the folder is a symbolic link.
    """
    make_directory(folder)
    make_directory(owned(folder, "cells"))
    sweeps = owned(folder, ".sweeps")
    descriptor = open_lock(sweeps)
    try:
        with locked(owned(folder, ".lock")):
            if try_lock(descriptor, sweeps):
                begin_sweep(folder, manifest)
            else:
                _join_sweep(folder, manifest)
            lock(descriptor, sweeps, is_shared=True)
        yield
    finally:
        os.close(descriptor)


def is_sweep_open(folder: Path) -> bool:
    """Say whether a process holds a sweep of the folder open."""
    return is_held(folder / ".sweeps")


def begin_sweep(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a sweep that begins alone; the cells of the sweep before it are forgotten."""
    with suppress(DamageError, InputError):  # a former manifest that is damaged, or of a newer version
        for key in _planned(folder):
            forget_cell(folder, key)
    for key in _written(folder, {cell.key for cell in manifest.cells}):
        forget_cell(folder, key)
    write_sealed(owned(folder, "manifest.json"), asdict(manifest))


def _join_sweep(folder: Path, manifest: Manifest) -> None:
    found = read_manifest(folder)
    cells = {cell.key: cell for cell in [*(found.cells if found else []), *manifest.cells]}
    planned = [SweepCell(cell.key, cell.overrides, [], "planned", None) for cell in cells.values()]
    write_sealed(owned(folder, "manifest.json"), asdict(replace(manifest, cells=planned)))


def read_manifest(folder: Path) -> Manifest | None:
    """Return the newest sweep with its cells as they stand now; None where no sweep of this version was begun.

    Planned cells come first, in their order; others by key. Raises DamageError naming a file that is damaged, or a
    manifest that is missing beside its cells, InputError for one of a newer version.
    """
    manifest = planned_sweep(folder)
    if manifest is None:
        return None
    cells = [read_cell(folder, cell.key) or cell for cell in manifest.cells]
    others = _written(folder, set()) - {cell.key for cell in cells}
    return replace(manifest, cells=cells + [cell for key in sorted(others) if (cell := read_cell(folder, key))])


def has_older_manifest(folder: Path) -> bool:
    """Say whether the newest sweep is one of an older version, which is not read."""
    path = folder / "manifest.json"
    return os.path.lexists(path) and is_older(read_json(path), path)


def planned_sweep(folder: Path) -> Manifest | None:
    """Return the newest sweep as planned, None where there is none of this version.

    Raises DamageError where it is damaged, or missing beside its cells, InputError for one of a newer version.
    """
    path = folder / "manifest.json"
    if not os.path.lexists(path):
        if keys := _written(folder, set()):
            cells = f"{len(keys)} cell{'s' if len(keys) > 1 else ''}"
            raise DamageError(f"{path} is missing beside {cells} of its sweep; run the command of the sweep again")
        return None
    data = read_json(path)
    if is_older(data, path):
        return None
    if isinstance(data, dict) and data.get("schema", SCHEMA) not in READ_SCHEMAS:
        read = ", ".join(map(str, READ_SCHEMAS))
        raise InputError(f"{path}: schema={data['schema']}, but this version reads schemas {read}; update this program")
    return parse(Manifest, _checked(data, path), path)


def _checked(data: Any, path: Path) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise DamageError(f"{path} must be an object, not {type(data).__name__}; {_REMEDY}")
    check_digest(data, path, _REMEDY)
    return {name: value for name, value in data.items() if name != FIELD}


def _planned(folder: Path) -> list[str]:
    manifest = planned_sweep(folder)
    return [cell.key for cell in manifest.cells] if manifest else []


def _written(folder: Path, planned: set[str]) -> set[str]:
    """Return the keys of the files in `cells` that are ours: those `planned`, and those that hold a cell."""
    keys = {path.stem for path in (folder / "cells").glob("*.json") if not path.name.startswith(".")}
    return {key for key in keys if key in planned or _holds_cell(folder / "cells" / f"{key}.json", key)}


def _holds_cell(path: Path, key: str) -> bool:
    try:
        data = read_json(path)
    except DamageError:
        return False
    return is_cells(data) and data["key"] == key


def is_cells(data: Any) -> bool:
    """Whether a JSON value is what a cell's file holds, of whatever version."""
    return isinstance(data, dict) and data.keys() >= _FIELDS
