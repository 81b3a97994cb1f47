"""Requests to stop while a training runs: noted for the end of the update at hand, or left to the first rank."""

import os
import signal
import subprocess

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.interrupts import Handlers, stop_now


class StopRequests(Handlers):
    """Inside, a request to stop is noted in `signum` for the loop that looks at it between updates.

    With `waits` False it stops at once, since nothing is to be saved before the first update, whose kernels may compile
    for long; who begins that sets `waits`. Of several ranks each must wait, since they end alike.
    """

    def __init__(self, waits: bool) -> None:
        self.signum: int | None = None
        self.waits = waits
        super().__init__(self._note)

    def _note(self, signum: int) -> None:
        if not self.waits:
            stop_now(signum)
        self.signum = signum


def never_stops() -> Handlers:
    """Inside, requests to stop are left to the first rank, which tells the others."""
    return Handlers(lambda signum: None)


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
        raise InputError(f"what is done is saved, but `scontrol requeue {job}` failed ({detail})") from error
