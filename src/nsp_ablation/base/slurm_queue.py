"""The queue of Slurm, as this machine's commands show it."""

import subprocess


def is_queued(job: str) -> bool:
    """Whether a job, or one of an array's, waits or runs; one that Slurm cannot be asked about is taken for one that
    does."""
    asked = subprocess.run(["squeue", "--noheader", f"--jobs={job}"], capture_output=True, text=True)
    return bool(asked.stdout.strip()) or (asked.returncode != 0 and "Invalid job id" not in asked.stderr)
