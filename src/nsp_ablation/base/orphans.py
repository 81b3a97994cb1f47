"""A process that ends when the one that started it does, however that ended, and hears from it when to stop."""

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1


def end_with(parent: int) -> None:
    """Let the kernel kill this process when the process `parent`, which has just started it, ends; Linux alone has
    that, and elsewhere `listen_to` does it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def listen_to(control: int) -> None:
    """From now on do what arrives on a pipe from the parent, whose other end the parent alone holds: a byte is the
    number of a signal that asks to stop, the end of the pipe is the parent's, and kills this process."""
    threading.Thread(target=_listen, args=(control,), name="parent", daemon=True).start()


def _listen(control: int) -> None:
    while received := os.read(control, 1):
        os.kill(os.getpid(), received[0])
    os.kill(os.getpid(), signal.SIGKILL)
