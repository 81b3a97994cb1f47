"""Processes of cells. One process, the starter, imports what trainings need, computes nothing, and is forked for each
cell: an import takes 8 CPU seconds, a fork some milliseconds, and the memory of modules is shared.

A starter has one thread and no device, so that a fork of it is sound. Where forks are not (other systems than Linux),
or a cell needs a GPU of its own, it is the cell's process itself and runs one. The processes of cells are in the group
of their starter, not in the terminal's: requests to stop reach them through their parent alone, once.
"""

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import reduction
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from nsp_ablation.base.display import shown_or_lost
from nsp_ablation.base.interrupts import REQUESTS, exit_when_asked, ignore_requests, requests_blocked
from nsp_ablation.base.orphans import end_with, listen_to
from nsp_ablation.base.process import heavy_imports, set_up_cpu
from nsp_ablation.config.schema import Config
from nsp_ablation.stages.neighbours import Neighbours

_KILLED = -signal.SIGKILL
_END_SECONDS = 10.0


@dataclass(frozen=True)
class CellJob:
    """A cell to run in a process of its own: what `run_cell` takes, and variables of its environment."""

    number: int
    config: Config
    overrides: list[str]
    neighbours: Neighbours
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class CellProcess:
    """A cell that runs; `output` is what it writes to both of its streams, `control` the pipe of `listen_to`."""

    job: CellJob
    starter: "CellStarter"
    output: int
    control: int

    def stop(self, signum: int) -> None:
        """Ask it to stop as a signal would."""
        with suppress(BrokenPipeError):  # it has just ended
            os.write(self.control, bytes([signum]))

    def close(self) -> None:
        """Close the pipes of a cell that has ended."""
        os.close(self.output)
        os.close(self.control)


class CellStarter:
    """The parent's end of a starter; `forks` says whether it is forked, or runs one cell itself."""

    def __init__(self, forks: bool) -> None:
        self.forks = forks
        self._connection, theirs = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        ignored = [signum for signum in REQUESTS if signal.getsignal(signum) == signal.SIG_IGN]
        self._process = context.Process(target=_serve, args=(theirs, forks, ignored, os.getpid()))
        self._running: dict[int, CellProcess] = {}
        with requests_blocked():
            self._process.start()
        theirs.close()

    def start(self, job: CellJob) -> CellProcess:
        """Start a cell. Raises OSError where the starter has ended."""
        output, their_output = os.pipe()
        their_control, control = os.pipe()
        try:
            assert self._process.pid is not None
            self._connection.send_bytes(pickle.dumps(job))
            for handle in (their_output, their_control):
                reduction.send_handle(self._connection, handle, self._process.pid)
        finally:
            os.close(their_output)
            os.close(their_control)
        os.set_blocking(output, False)
        self._running[job.number] = cell = CellProcess(job, self, output, control)
        return cell

    @property
    def handles(self) -> list[Any]:
        """What `multiprocessing.connection.wait` waits for: an end of cells, or of the starter."""
        return [self._connection, self._process.sentinel]

    def ended(self) -> Iterator[tuple[CellProcess, int]]:
        """Yield the cells that have ended since the last call, each with its status: negative where a signal killed it.

        Where the starter was killed, its cells are.
        """
        try:
            while self._connection.poll():
                number, status = self._connection.recv()
                yield self._running.pop(number), status
        except (EOFError, OSError):
            self._process.join(_END_SECONDS)
        if not self.is_alive:
            exitcode = self._process.exitcode
            status = _KILLED if exitcode is None or (self.forks and exitcode == 0) else exitcode
            for number in [*self._running]:
                yield self._running.pop(number), status

    @property
    def is_alive(self) -> bool:
        """Whether it may be given cells."""
        return self._process.is_alive()

    def signal_all(self, signum: int) -> None:
        """Send a signal to all processes of its group: the starter, its cells, and theirs."""
        if self._process.is_alive() and self._process.pid is not None:
            try:
                os.killpg(self._process.pid, signum)
            except (ProcessLookupError, PermissionError):  # before it made its group, after its end
                os.kill(self._process.pid, signum)

    def close(self) -> None:
        """End the starter, and kill what still runs."""
        self._connection.close()
        if self._running:
            self.signal_all(signal.SIGKILL)
        self._process.join(_END_SECONDS)
        if self._process.is_alive():
            self.signal_all(signal.SIGKILL)
            self._process.join()


def _serve(connection: Connection, forks: bool, ignored: list[int], parent: int) -> None:
    """Be a starter, until the connection ends."""
    os.setpgid(0, 0)
    end_with(parent)
    ignore_requests()
    set_up_cpu()
    if forks:
        with heavy_imports():
            import nsp_ablation.pipeline.encoder_training
            import nsp_ablation.pipeline.evaluation  # noqa: F401
    running: dict[int, BaseProcess] = {}
    while True:
        ready = multiprocessing.connection.wait([connection, *(process.sentinel for process in running.values())])
        for number, process in [*running.items()]:
            if process.sentinel in ready:
                process.join()
                connection.send((number, process.exitcode))
                del running[number]
        if connection not in ready:
            continue
        try:
            job: CellJob = pickle.loads(connection.recv_bytes())
            output, control = (reduction.recv_handle(connection) for _ in range(2))
        except (EOFError, OSError):  # the parent has no more cells, or has ended
            os._exit(0)
        if not forks:
            _be_cell(job, output, control, ignored)
        process = multiprocessing.get_context("fork").Process(
            target=_fork, args=(job, output, control, ignored, connection, os.getpid())
        )
        process.start()
        running[job.number] = process
        os.close(output)
        os.close(control)


def _fork(job: CellJob, output: int, control: int, ignored: list[int], connection: Connection, starter: int) -> None:
    end_with(starter)
    connection.close()
    _be_cell(job, output, control, ignored)


def _be_cell(job: CellJob, output: int, control: int, ignored: list[int]) -> None:
    """Run a cell in this process, and end it."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor, source in ((0, null), (1, output), (2, output)):
        os.dup2(source, descriptor)
    os.close(null)
    os.close(output)
    sys.stdout, sys.stderr = shown_or_lost(None, 1, None), shown_or_lost(None, 2, None)  # UTF-8, whatever the terminal
    os.environ.update(job.environment)
    for signum in REQUESTS:  # Slurm's stays ignored: the parent passes it on as SIGTERM
        signal.signal(signum, signal.SIG_IGN if signum in ignored else signal.SIG_DFL)
    exit_when_asked()
    listen_to(control)
    from nsp_ablation.stages.cell import run_cell

    sys.exit(run_cell(job.config, job.overrides, job.neighbours))
