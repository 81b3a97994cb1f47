"""The queue of Slurm, as this machine's commands show it, and this job's way back into it."""

import os
import signal
import subprocess

from nsp_ablation.base.errors import InputError


def is_queued(job: str) -> bool:
    """Whether a job, or one of an array's, waits or runs; one that Slurm cannot be asked about is taken for one that
    does."""
    return queued_jobs(job) != set()


def queued_jobs(job: str) -> set[str] | None:
    """Return which of an array's jobs wait or run (`<array>_<task>`; of a job that is no array, itself); None where
    Slurm cannot be asked."""
    words = ["squeue", "--noheader", "--array", "--format=%i", f"--jobs={job}"]
    asked = subprocess.run(words, capture_output=True, text=True)
    if asked.returncode != 0 and "Invalid job id" not in asked.stderr:
        return None
    return set(asked.stdout.split())


def requeue(signum: int) -> None:
    """Put this Slurm job back into the queue where `signum` is the signal that asks for it; else do nothing. Of several
    tasks that srun started the first one does so.

    Nothing may be left to save or to say: Slurm ends all processes of the job at once. (Lightning's
    SLURMEnvironment(auto_requeue=True) would save a checkpoint of its own, within an update.) Raises InputError where
    Slurm refuses.
    """
    if signum != signal.SIGUSR1 or "SLURM_JOB_ID" not in os.environ or os.environ.get("SLURM_PROCID", "0") != "0":
        return
    array, task = (os.environ.get(f"SLURM_ARRAY_{name}_ID") for name in ("JOB", "TASK"))
    job = f"{array}_{task}" if array is not None else os.environ["SLURM_JOB_ID"]
    try:
        subprocess.run(["scontrol", "requeue", job], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        raise InputError(f"what is done is saved, but `scontrol requeue {job}` failed ({detail})") from error
