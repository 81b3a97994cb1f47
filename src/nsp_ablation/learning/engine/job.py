"""Whether this process is one of several that run the same command, under torchrun or Slurm's srun. Needs no torch."""

import os


def job_rank() -> int | None:
    """Return this process' rank within its job, None where it is alone."""
    if "TORCHELASTIC_RUN_ID" in os.environ:
        return int(os.environ["RANK"]) if int(os.environ["WORLD_SIZE"]) > 1 else None
    # set by srun alone: a batch script that starts one process also knows SLURM_NTASKS
    is_step = int(os.environ.get("SLURM_STEP_NUM_TASKS", "1")) > 1
    return int(os.environ["SLURM_PROCID"]) if is_step else None
