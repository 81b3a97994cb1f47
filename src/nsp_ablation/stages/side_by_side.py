"""Cells of a sweep that run at once, each in a process of its own, on the slots that there are.

A cell that fails or is killed leaves the others alone. A request to stop is passed on to all that run, which save, and
no other is begun. No cell outlives this process. Cells that train the same encoder do not run at once while another
can: the later one would wait.
"""

import datetime
import os
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.connection import wait
from pathlib import Path
from types import FrameType
from typing import TextIO

from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.interrupts import Handlers, Stopped
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.base.process import keep_caches_out_of_home, keep_kernels_by_source, set_up_cpu
from nsp_ablation.base.slurm_queue import requeue
from nsp_ablation.config.identity import encoder_identity
from nsp_ablation.config.schema import Config
from nsp_ablation.pipeline.cell_life import cell_key, note_killed
from nsp_ablation.pipeline.console import say_error
from nsp_ablation.reporting.records.sweep_cell import short_keys
from nsp_ablation.stages.cell import MAKING_STAGES, results_folder
from nsp_ablation.stages.cell_lines import CellLines, ShownCell
from nsp_ablation.stages.cell_processes import CellJob, CellProcess, CellStarter
from nsp_ablation.stages.neighbours import neighbours_of
from nsp_ablation.stages.num_cells import Slot

_STOPPED = 128
_CHUNK = 1 << 16


def run_side_by_side(configs: list[Config], overrides: list[list[str]], slots: list[Slot]) -> int:
    """Run the cells of a sweep on slots, and return 0 if all succeeded, 1 if one failed, 128 + the signal's number
    where a running cell was asked to stop. Raises Stopped where none ran then."""
    set_up_cpu()
    keep_kernels_by_source()
    keep_caches_out_of_home()
    sweep = _Sweep(configs, overrides, slots)
    with Handlers(sweep.ask_to_stop), sweep.suspended_together():
        try:
            return sweep.run()
        finally:
            sweep.close()


class _Sweep:
    def __init__(self, configs: list[Config], overrides: list[list[str]], slots: list[Slot]) -> None:
        self.configs, self.overrides, self.free = configs, overrides, list(slots)
        self.forks = sys.platform == "linux" and not any(slots)
        self.pending = list(range(len(configs)))
        self.neighbours, self.names = neighbours_of(configs), cell_names(configs)
        self.encoders = [encoder_identity(config) for config in configs]
        self.starters: list[CellStarter] = []
        self.running: dict[CellProcess, ShownCell] = {}
        self.statuses: list[int] = []
        self.signum: int | None = None
        self.lines = CellLines()

    def run(self) -> int:
        print(f"{'cells':>9} | {len(self.configs)}, {len(self.free)} at once", flush=True)
        while self.running or (self.pending and self.signum is None):
            while self.free and self.signum is None and (number := self._next()) is not None:
                self._start(number)
            handles = [each for starter in self.starters for each in starter.handles]
            ready = wait([*handles, *(process.output for process in self.running)], self.lines.seconds)
            for process, shown in self.running.items():
                if process.output in ready:
                    self._read(process, shown)
            for starter in [*self.starters]:
                for process, status in starter.ended():
                    self._end(process, status)
                if not starter.is_alive:
                    starter.close()
                    self.starters.remove(starter)
            self.lines.tick()
        self.lines.end()
        if self.signum is None:
            return int(any(self.statuses))
        if not any(status > _STOPPED for status in self.statuses):
            raise Stopped(self.signum, "")
        requeue(self.signum)
        return _STOPPED + self.signum

    def ask_to_stop(self, signum: int) -> None:
        """Begin no more cells, and ask those that run to stop; Slurm's signal, which also puts the job back into the
        queue, is answered once, here."""
        self.signum = signum
        for process in self.running:
            process.stop(signal.SIGTERM if signum == signal.SIGUSR1 else signum)

    def suspended_together(self) -> "_Suspended":
        return _Suspended(self.starters)

    def close(self) -> None:
        for starter in self.starters:
            starter.close()
        self.lines.end()

    def _next(self) -> int | None:
        """Return the next cell: the first that no running one trains the encoder of. None where all wait for one."""
        busy = {self.encoders[each.job.number] for each, shown in self.running.items() if not shown.may_share_encoder}
        return next((number for number in self.pending if self.encoders[number] not in busy - {None}), None)

    def _start(self, number: int) -> None:
        self.pending.remove(number)
        config, name, slot = self.configs[number], self.names[number], self.free.pop(0)
        job = CellJob(number, config, self.overrides[number], self.neighbours[number], slot)
        keeps_file = config.stage in MAKING_STAGES
        log, path = open_log(config)
        shown = ShownCell(name, (results_folder(config), cell_key(config)) if keeps_file else None, log)
        try:
            process = self._starter().start(job)
        except OSError:  # the starter has just been killed
            process = self._starter(is_new=True).start(job)
        self.running[process] = shown
        self.lines.add(shown)
        self.lines.say(name, f"started ({' '.join(job.overrides) or 'no setting'}){f'; log {path}' if path else ''}")
        if self.signum is not None:  # asked to stop just now
            process.stop(self.signum)

    def _starter(self, is_new: bool = False) -> CellStarter:
        if is_new or not self.forks or not self.starters or not self.starters[-1].is_alive:
            self.starters.append(CellStarter(self.forks))
        return self.starters[-1]

    def _read(self, process: CellProcess, shown: ShownCell) -> None:
        with suppress(BlockingIOError):
            while content := os.read(process.output, _CHUNK):
                self.lines.hear(shown, content)

    def _end(self, process: CellProcess, status: int) -> None:
        shown = self.running.pop(process)
        self._read(process, shown)
        process.close()
        self.free.append(process.job.environment)
        took = datetime.timedelta(seconds=round(time.monotonic() - shown.started))
        log = f"; its output: {shown.log.name}" if shown.log is not None else ""
        if status < 0:
            cause = f"killed by {signal.Signals(-status).name}"
            memory = ", by which Linux also ends what needs too much memory" if status == -signal.SIGKILL else ""
            self.lines.say_error(f"{shown.name}: {cause}{memory}{log}; the same command goes on from there")
            with suppress(StatedError):  # the cell then reads as killed, with the same remedy
                if shown.file is not None:
                    note_killed(*shown.file, f"{cause}{memory}")
        ended = "done" if status == 0 else "stopped" if status > _STOPPED else "failed"
        self.lines.remove(shown, f"{ended} after {took}{log if status else ''}")
        self.statuses.append(status if self.signum is not None and status > _STOPPED else int(bool(status)))


class _Suspended:
    """Inside, Ctrl-Z suspends the cells' processes with this one, and its end lets them go on."""

    def __init__(self, starters: list[CellStarter]) -> None:
        self._starters = starters

    def __enter__(self) -> None:
        self._before = None
        with suppress(ValueError):  # not in the main thread
            if signal.getsignal(signal.SIGTSTP) == signal.SIG_DFL:
                self._before = signal.signal(signal.SIGTSTP, self._suspend)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGTSTP, self._before)

    def _suspend(self, signum: int, frame: FrameType | None) -> None:
        self._signal(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._signal(signal.SIGCONT)

    def _signal(self, signum: int) -> None:
        for starter in self._starters:
            starter.signal_all(signum)


def cell_names(configs: list[Config]) -> list[str]:
    """Return a short name for each cell: its key without the fingerprint, where no other cell has that."""
    return short_keys([cell_key(config) for config in configs])


def open_log(config: Config) -> tuple[TextIO | None, Path | None]:
    """Return the log that a cell's output is added to, and its path; None, said, where it cannot be opened."""
    key = cell_key(config)
    try:
        path = owned(Path(config.paths.artifacts), "logs", "cells", f"{key}.log")
        make_directory(path.parent)
        log = open(path, "a", encoding="utf-8")  # noqa: SIM115 closed at the cell's end
        log.write(f"---- {datetime.datetime.now(datetime.UTC).isoformat(timespec='seconds')} {key}\n")
        log.flush()
        return log, path
    except (OSError, StatedError) as error:
        say_error(f"{key}: no log of its output: {error}")
        return None, None
