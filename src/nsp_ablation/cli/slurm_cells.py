"""Cells as jobs of Slurm: how submitit is given them, and the end of each, whatever became of the others.

Hydra's launcher itself asks for results in order, and gives up at the first cell that left none while the others run
on; where `sacct` has no accounting to read, it waits for such a cell for ever. Here the queue is asked.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nsp_ablation.base.slurm_queue import is_queued

_POLL_SECONDS = 10.0  # also what a shared disk may take to show a result of another machine
_OF_ALL_EXECUTORS = {
    *("name", "nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "mem_gb", "timeout_min"),
    "stderr_to_stdout",
}


def run_as_slurm_jobs(
    settings: dict[str, Any], run: Callable[..., Any], calls: list[tuple[Any, ...]], cells: list[str]
) -> list[int]:
    """Submit an array of jobs, `run` called with each of `calls`, wait until all have ended, return a status of each.

    `settings` are those of `hydra.launcher`; `cells` say what each call differs in, for one that left no result.
    Raises what submitit raises where nothing can be submitted.
    """
    import submitit

    own = {"submitit_folder", "max_num_timeout"}
    executor = submitit.AutoExecutor(
        cluster="slurm", folder=settings["submitit_folder"], slurm_max_num_timeout=settings["max_num_timeout"]
    )
    given = {key: value for key, value in settings.items() if key not in own}
    executor.update_parameters(
        **{key if key in _OF_ALL_EXECUTORS else f"slurm_{key}": value for key, value in given.items()}
    )
    jobs = executor.map_array(run, *zip(*calls, strict=True))
    number = jobs[0].job_id.partition("_")[0]
    limit = f", at most {settings['array_parallelism']} at once" if settings["array_parallelism"] < len(jobs) else ""
    print(
        f"note: job {number} of Slurm has the {len(jobs)} cells{limit}; this command waits for them, and may be "
        f"stopped: they go on. A job with --dependency=afterany:{number} begins when all have ended",
        file=sys.stderr,
    )
    _wait(number, [job.task(0) for job in jobs])
    return [_status(job.task(0), cell) for job, cell in zip(jobs, cells, strict=True)]


def _wait(number: str, jobs: list[Any]) -> None:
    """Return when each job has left its result, or the queue a while ago."""
    is_over = False
    while not is_over and not all(Path(job.paths.result_pickle).exists() for job in jobs):
        is_over = not is_queued(number)
        time.sleep(_POLL_SECONDS)


def _status(job: Any, cell: str) -> int:
    if Path(job.paths.result_pickle).exists():
        try:
            return int(job.result().return_value)
        except Exception as error:  # the job's own, with its traceback in the text
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
    else:
        reason = "was cancelled or killed, or ran out of its time"
    name = f"{cell}: " if cell else ""
    print(
        f"error: {name}job {job.job_id}: {reason} (log {job.paths.stderr}); the same command goes on from there",
        file=sys.stderr,
    )
    return 1
