"""Asked to stop: SIGTERM and Ctrl-C end a run, a training after the update at hand and its checkpoint.

A second Ctrl-C ends the process at once. Handlers of others (submitit's, say) are left alone, and Slurm's SIGUSR1 is
taken only inside a Slurm job, where it stands for `save, and put the job back into the queue`.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, Self

from nsp_ablation.base.errors import InputError

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


class _Handlers:
    """Inside, `handler` stands in the place of Python's or our own, for the signals that ask to stop."""

    def __init__(self, handler: Handler) -> None:
        self._handler = _Ours(handler)
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other thread may set handlers
            signums = [signal.SIGINT, signal.SIGTERM, *([signal.SIGUSR1] if "SLURM_JOB_ID" in os.environ else [])]
            self._before = {signum: signal.getsignal(signum) for signum in signums if _may_be_replaced(signum)}
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
    """A handler that is known as ours. Notes the first request; a second Ctrl-C ends the process."""

    def __init__(self, handler: Handler) -> None:
        self._handler, self._first_seconds = handler, 0.0

    def __call__(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not self._first_seconds:
            self._first_seconds = now
            self._handler(signum)
        elif signum == signal.SIGINT and now - self._first_seconds > _SAME_SECONDS:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGINT)


class StopRequests(_Handlers):
    """Inside, a request to stop is noted in `signum` for the loop that looks at it between updates."""

    def __init__(self) -> None:
        self.signum: int | None = None
        super().__init__(lambda signum: setattr(self, "signum", signum))


def stops_at_once() -> _Handlers:
    """Inside, a request to stop raises Stopped wherever the program is, but in a training (StopRequests)."""

    def stop(signum: int) -> None:
        raise Stopped(signum, "")

    return _Handlers(stop)


def never_stops() -> _Handlers:
    """Inside, requests to stop are left to the first rank, which tells the others."""
    return _Handlers(lambda signum: None)


def requeue(signum: int) -> None:
    """Put this Slurm job back into the queue where `signum` is the signal that asks for it; else do nothing.

    SLURMEnvironment(auto_requeue=True) would save a checkpoint of its own, at once: within an update.
    """
    if signum != signal.SIGUSR1 or "SLURM_JOB_ID" not in os.environ:
        return
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    job = f"{array}_{task}" if array is not None else os.environ["SLURM_JOB_ID"]
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise InputError(f"the checkpoint is saved, but `scontrol requeue {job}` failed ({detail})") from error


def _may_be_replaced(signum: int) -> bool:
    handler = signal.getsignal(signum)
    return handler in (signal.SIG_DFL, signal.default_int_handler) or isinstance(handler, _Ours)
