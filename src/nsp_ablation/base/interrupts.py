"""Asked to stop: SIGINT (Ctrl-C), SIGTERM and SIGHUP (a terminal that is closed) end this process in one line.

What is ignored when the process starts stays so (`nohup`, jobs in the background of a shell), and handlers of others
(submitit's, say) are left alone. Slurm's SIGUSR1 is taken only inside a Slurm job, where it stands for `save, and put
the job back into the queue`. Slurm sends it to all processes of a job, and a terminal what it sends to all of its own:
those that this program starts leave it to the one that started them.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, Self

from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.slurm_queue import requeue

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
OF_SLURM = (signal.SIGUSR1,)
ALL_REQUESTS = (*REQUESTS, *OF_SLURM)

# A launcher passes on what the terminal has already sent to every process: within this time it is the same request.
_SAME_SECONDS = 0.5

Handler = Callable[[int], None]


class Stopped(SystemExit):
    """A run that ended because it was asked to; the exit status is 128 + `signum`, as a shell has it."""

    def __init__(self, signum: int, text: str) -> None:
        super().__init__(128 + signum)
        self.signum, self.text = signum, text

    def __str__(self) -> str:
        return f"stopped by {signal.Signals(self.signum).name} {self.text}".rstrip()

    @property
    def line(self) -> str:
        """What the user reads."""
        return f"{self}; the same command goes on from there"


class Handlers:
    """Inside, `handler` stands in the place of Python's or our own, for the signals that ask to stop."""

    def __init__(self, handler: Handler) -> None:
        self._handler = _Ours(handler)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
            self._before = {signum: signal.getsignal(signum) for signum in _taken() if _may_be_replaced(signum)}
            self.install()
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            signal.signal(signum, handler)

    def install(self) -> None:
        """Take the signals again from whoever took them since (Lightning does, at the start of a training)."""
        for signum in self._before:
            signal.signal(signum, self._handler)


class _Ours:
    """A handler that is known as ours. Notes the first request; a second Ctrl-C ends the process. Does nothing in forks
    of the process that it was made in."""

    def __init__(self, handler: Handler) -> None:
        self._handler, self._first_seconds, self._pid = handler, 0.0, os.getpid()

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        if os.getpid() != self._pid:
            return
        now = time.monotonic()
        if not self._first_seconds:
            self._first_seconds = now
            self._handler(signum)
        elif signum == signal.SIGINT and now - self._first_seconds > _SAME_SECONDS:
            _end(signum)


def exit_when_asked(instead_of: Any = None) -> None:
    """From now on a request to stop ends this process with a line, until there is something to save (Handlers).

    `instead_of` is a handler that may be replaced, beside Python's.
    """
    for signum in _taken():
        if _may_be_replaced(signum) or signal.getsignal(signum) in {instead_of} - {None}:
            signal.signal(signum, _Ours(_end))
    before = sys.unraisablehook

    def end_if_stopped(unraisable: Any) -> None:
        if isinstance(unraisable.exc_value, Stopped):  # raised where nothing can be: in a destructor, a callback of C
            _end(unraisable.exc_value.signum)
        before(unraisable)

    sys.unraisablehook = end_if_stopped


def stops_at_once() -> Handlers:
    """Inside, a request to stop raises Stopped wherever the program is, but in a training (StopRequests)."""

    return Handlers(stop_now)


def stop_now(signum: int) -> NoReturn:
    """Raise Stopped, or end the process within an import: a library may take that for a module that is not there."""
    if _is_importing():
        _end(signum)
    raise Stopped(signum, "")


@contextmanager
def requests_blocked() -> Iterator[None]:
    """Inside, a process that is spawned starts with requests to stop blocked, until it has set its handlers."""
    from multiprocessing import resource_tracker

    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_SLURM)  # which the tracker of multiprocessing does not know
    try:
        resource_tracker.ensure_running()  # which unblocks those of a terminal in this process when it starts
        signal.pthread_sigmask(signal.SIG_BLOCK, REQUESTS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_requests() -> None:
    """Leave requests to stop, which reach all processes of a terminal or job, to the process that started this one."""
    for signum in ALL_REQUESTS:
        signal.signal(signum, signal.SIG_IGN)
    unblock_requests()


def unblock_requests() -> None:
    """Hear requests to stop from now on, in a process that was spawned with them blocked."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL_REQUESTS)


def _end(signum: int) -> NoReturn:
    """End this process at once, with a line. Files are safe: each is moved to its name when it is whole."""
    with suppress(Exception):
        sys.stdout.flush()
    _say_last(Stopped(signum, "").line)
    try:
        requeue(signum)
    except StatedError as refusal:
        _say_last(" ".join(str(refusal).split()))
    os._exit(128 + signum)


def _say_last(error: str) -> None:
    with suppress(OSError):
        os.write(2, f"error: {error}\n".encode())


def _taken() -> tuple[int, ...]:
    """Return the signals that ask this process to stop."""
    return ALL_REQUESTS if "SLURM_JOB_ID" in os.environ else REQUESTS


def _is_importing() -> bool:
    frame: FrameType | None = sys._getframe()
    while frame is not None and frame.f_code.co_filename != "<frozen importlib._bootstrap>":
        frame = frame.f_back
    return frame is not None


def _may_be_replaced(signum: int) -> bool:
    handler = signal.getsignal(signum)
    return handler in (signal.SIG_DFL, signal.default_int_handler) or isinstance(handler, _Ours)
