"""How the cells of a sweep stand, by their own files alone, on whatever machine they run.

No lock is taken, which another machine might not see and which would be in a sweep's way, and nothing is written: a
folder may be another user's. Whether a cell still runs, its last sign of life says.
"""

import datetime
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import StatedError
from nsp_ablation.options.output_options import STUDY_DIRECTORIES
from nsp_ablation.reporting.records.manifest import has_older_manifest, is_cells, planned_sweep
from nsp_ablation.reporting.records.sweep_cell import SweepCell, short_keys, stored_cell

STATES = ("running", "silent", "failed", "stopped", "damaged", "waiting", "done")


@dataclass(frozen=True)
class Standing:
    """One cell: its name within the sweep, how it stands (one of STATES), and what is to be said of it, in one line."""

    name: str
    state: str
    text: str


@dataclass(frozen=True)
class SweepStanding:
    """A sweep: the command that began it, its cells in its order, and what is wrong with its other files.

    `command` is None where the manifest cannot be read.
    """

    command: str | None
    cells: list[Standing]
    problems: list[str]


def sweep_folders(root: Path, unreadable: Callable[[OSError], None]) -> list[Path]:
    """Return the folders at and below `root` that hold a sweep, sorted; links to folders are not followed.

    `unreadable` is told of each directory that cannot be listed.
    """
    found = []
    for parent, names, files in os.walk(root, onerror=unreadable):
        names[:] = [name for name in names if not name.startswith(".")]
        if "manifest.json" in files or "cells" in names:
            found.append(Path(parent))
            names[:] = [name for name in names if name not in STUDY_DIRECTORIES]
    return sorted(found)


def standing_of(folder: Path, now: datetime.datetime, silent_seconds: float) -> SweepStanding:
    """Return how the newest sweep of a folder stands at the time `now` (with a time zone).

    Planned cells come first, in their order; others by key. A cell that runs, but gave no sign of life for
    `silent_seconds`, is silent. Raises nothing for a file that is damaged, unreadable or gone meanwhile.
    """
    command, planned, problems = None, list[str](), []
    try:
        if (sweep := planned_sweep(folder)) is not None:
            command, planned = sweep.command, [cell.key for cell in sweep.cells]
        elif has_older_manifest(folder):
            problems.append(f"{folder / 'manifest.json'} is of an older version, which is not read")
    except StatedError as error:
        problems.append(str(error))
    try:
        written = _names(folder / "cells")
    except OSError as error:
        written = []
        problems.append(f"{folder / 'cells'} cannot be listed ({error.strerror}); make it readable")
    keys = [*planned, *sorted(set(written) - set(planned))]
    is_planned = set(planned)
    cells = [
        _standing(folder, key, name, key in is_planned, now, silent_seconds)
        for key, name in zip(keys, short_keys(keys), strict=True)
    ]
    return SweepStanding(command, [cell for cell in cells if cell is not None], problems)


def _names(directory: Path) -> list[str]:
    """Return the keys that files of cells are named by; none where there is no directory."""
    try:
        with os.scandir(directory) as entries:
            names = [entry.name for entry in entries]
    except FileNotFoundError:
        return []
    return [name.removesuffix(".json") for name in names if name.endswith(".json") and not name.startswith(".")]


def _standing(
    folder: Path, key: str, name: str, is_planned: bool, now: datetime.datetime, silent_seconds: float
) -> Standing | None:
    """Return how a cell stands; None for a file that is no cell's, or gone meanwhile."""
    waiting = Standing(name, "waiting", "") if is_planned else None
    try:
        cell = stored_cell(folder, key)
    except StatedError as error:
        path = folder / "cells" / f"{key}.json"
        if not os.path.lexists(path):  # a new sweep has just begun
            return waiting
        is_ours = is_planned or not _is_foreign(path)
        return Standing(name, "damaged", " ".join(str(error).split())) if is_ours else None
    return waiting if cell is None else _of(cell, name, now, silent_seconds)


def _is_foreign(path: Path) -> bool:
    """Whether a file is sound JSON, and no cell's."""
    try:
        return not is_cells(read_json(path))
    except StatedError:
        return False


def _of(cell: SweepCell, name: str, now: datetime.datetime, silent_seconds: float) -> Standing:
    progress = cell.progress.text() if cell.progress is not None else ""
    at = f"; it was at: {progress}" if progress else ""
    if cell.status == "running":
        if (silence := _silence(cell, now, silent_seconds)) is None:
            return Standing(name, "running", progress or "starts")
        return Standing(name, "silent", f"silent since {silence}{at}")
    if cell.status in ("failed", "stopped"):
        return Standing(name, cell.status, " ".join((cell.reason or "no reason given").split()) + at)
    return Standing(name, "done" if cell.status == "done" else "waiting", "")


def _silence(cell: SweepCell, now: datetime.datetime, silent_seconds: float) -> str | None:
    """Return since when a running cell gave no sign of life, None where it gave one lately; a clock that is ahead of
    ours counts as lately."""
    if cell.last_sign_of_life is None:
        return "its start"
    elapsed = now - datetime.datetime.fromisoformat(cell.last_sign_of_life)
    if elapsed.total_seconds() <= silent_seconds:
        return None
    return f"{cell.last_sign_of_life} ({datetime.timedelta(seconds=round(elapsed.total_seconds()))} ago)"
