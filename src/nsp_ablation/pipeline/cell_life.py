"""A cell that runs says so: its file in the sweep's folder is written at its start and end, in each second in which it
came further, and every ten seconds."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from nsp_ablation.base.errors import DamageError, StatedError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.owned_paths import locked, owned
from nsp_ablation.config.identity import cell_identity, condition_name
from nsp_ablation.config.schema import Config
from nsp_ablation.reporting.records.sweep_cell import (
    KILLED,
    CellProgress,
    SweepCell,
    is_run,
    read_cell,
    runs,
    write_cell,
)

Hear = Callable[[CellProgress], None]
_WORKERS_SECONDS, _POLL_SECONDS = 10.0, 0.1  # a data worker looks every 5 s whether its process lives

_SECONDS, _NEWS_SECONDS = 10.0, 1.0


def hears_nothing(progress: CellProgress) -> None:
    """Stand where nobody keeps how far the work is."""


def cell_key(config: Config) -> str:
    """Return the name of a cell within its sweep: readable, and unique by its identity."""
    if config.encoder is not None:
        name = "random" if config.encoder == "random" else "external"
    else:
        name = condition_name(config)
    return f"{name}-p{config.seed}-{fingerprint(cell_identity(config))[:8]}"


class CellLife:
    """Inside, the cell is `running`, and no other process takes it for killed; `hear` is told how far it is.

    `record_ids` is read at each writing, so a cell's stage may add to it. A cell that another process of the same sweep
    has done meanwhile stays `done`. Raises StatedError at the start where the file cannot be written.
    """

    def __init__(self, folder: Path, key: str, overrides: list[str], record_ids: list[str]) -> None:
        self._folder, self._key, self._overrides, self._record_ids = folder, key, overrides, record_ids
        self._progress: CellProgress | None = None
        self._begun: dict[str, tuple[int, float]] = {}  # by phase: the first update heard of, and when
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name=f"life of {key}", daemon=True)
        self._held = ExitStack()

    def __enter__(self) -> Self:
        self._held.enter_context(runs(self._folder, self._key))
        try:
            self._write_running()
        except BaseException:
            self._held.close()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_beating()
        self._held.close()

    def hear(self, progress: CellProgress) -> None:
        """Take what the cell does now; it is written within a second, with the time left by its updates so far.

        Phases may take turns: where several ranks each do one, what is written is the latest that was heard.
        """
        update, num_updates = progress.update or 0, progress.num_updates
        first_update, first_seconds = self._begun.get(progress.phase, (0, 0.0))
        if not first_update or update <= first_update:
            self._begun[progress.phase] = (update, time.monotonic())
        elif num_updates:
            seconds_each = (time.monotonic() - first_seconds) / (update - first_update)
            progress = replace(progress, seconds_left=round(seconds_each * (num_updates - update), 1))
        self._progress = progress

    def end(self, status: str, reason: str | None) -> None:
        """Write how the cell ended. Raises StatedError where the file cannot be written."""
        self._stop_beating()
        progress = None if status == "done" else self._progress
        self._write(SweepCell(self._key, self._overrides, list(self._record_ids), status, reason, progress))

    def _stop_beating(self) -> None:
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        written, written_seconds = self._progress, time.monotonic()
        while not self._ended.wait(_NEWS_SECONDS):
            if self._progress == written and time.monotonic() - written_seconds < _SECONDS:
                continue
            written, written_seconds = self._progress, time.monotonic()
            with suppress(OSError, StatedError):  # a disk that is full for now; the cell's own work will say so
                self._write_running()

    def _write_running(self) -> None:
        with suppress(DamageError):  # a file that was damaged meanwhile is written anew
            found = read_cell(self._folder, self._key)
            if found is not None and found.status == "done":
                return
        self._write(SweepCell(self._key, self._overrides, list(self._record_ids), "running", None, self._progress))

    def _write(self, cell: SweepCell) -> None:
        with locked(owned(self._folder, ".lock")):
            write_cell(self._folder, cell)


def note_killed(folder: Path, key: str, reason: str) -> None:
    """Write that a cell failed since its process was killed, unless another process runs it or it has ended.

    Data workers of a killed process hold its lock some seconds longer, which are waited for. Raises StatedError where
    its file cannot be read or written.
    """
    until = time.monotonic() + _WORKERS_SECONDS
    while is_run(folder, key) and time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
    with locked(owned(folder, ".lock")):
        found = read_cell(folder, key)
        if found is not None and found.status == KILLED:
            write_cell(folder, replace(found, status="failed", reason=reason))
