"""Cells as jobs of Slurm: how submitit is given them, and the end of each, whatever became of the others.

Hydra's launcher itself asks for results in order, and gives up at the first cell that left none while the others run
on; where `sacct` has no accounting to read, it waits for such a cell for ever. Here the queue is asked.
"""

import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.owned_paths import locked
from nsp_ablation.base.slurm_queue import is_queued, queued_jobs

_POLL_SECONDS = 10.0  # also what a shared disk may take to show a result of another machine
_OF_ALL_EXECUTORS = {
    *("name", "nodes", "tasks_per_node", "cpus_per_task", "gpus_per_node", "mem_gb", "timeout_min"),
    "stderr_to_stdout",
}


def run_as_slurm_jobs(
    settings: dict[str, Any], run: Callable[..., Any], calls: list[tuple[Any, ...]], cells: list[str], ledger: Path
) -> list[int]:
    """Run `run` in a job for each of `calls`, wait until all have ended, and return a status of each.

    Those whose job an earlier command submitted and is in the queue are waited for; the others are submitted as an
    array. `ledger` is the file of the sweep that knows the jobs; it is made. `settings` are those of `hydra.launcher`;
    `cells` say what each call differs in, for one that left no result; the first argument of a call are its words.
    Raises what submitit raises where nothing can be submitted.
    """
    names = [shlex.join(words) for words, *_ in calls]
    jobs = _queued(ledger, names)
    if jobs:
        print(f"note: {_said(jobs)}", file=sys.stderr)
    if new := {name: call for name, call in zip(names, calls, strict=True) if name not in jobs}:
        jobs |= dict(zip(new, _submit(settings, run, list(new.values())), strict=True))
        places = {name: [str(job.paths.folder), job.job_id] for name, job in jobs.items()}
        with locked(ledger.with_suffix(".lock")):
            write_json(ledger, _read(ledger) | places)
    _wait(list(jobs.values()))
    return [_status(jobs[name], cell) for name, cell in zip(names, cells, strict=True)]


def _queued(ledger: Path, names: list[str]) -> dict[str, Any]:
    """Return the jobs of cells, by their words, that are in the queue already."""
    from submitit.slurm.slurm import SlurmJob

    known = {name: place for name, place in _read(ledger).items() if name in names}
    in_queue = {array: queued_jobs(array) for array in {_array(job) for _, job in known.values()}}
    return {
        name: SlurmJob(folder, job, [0])
        for name, (folder, job) in known.items()
        if (listed := in_queue[_array(job)]) is None or job in listed
    }


def _read(ledger: Path) -> dict[str, list[str]]:
    return read_json(ledger) if ledger.is_file() else {}


def _said(jobs: dict[str, Any]) -> str:
    numbers = ", ".join(sorted({_array(job.job_id) for job in jobs.values()}))
    return f"job {numbers} of Slurm, of an earlier command, has {len(jobs)} of the cells; this command waits for them"


def _submit(settings: dict[str, Any], run: Callable[..., Any], calls: list[tuple[Any, ...]]) -> list[Any]:
    """Submit an array of jobs, `run` called with each of `calls`, and say its number."""
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
    number = _array(jobs[0].job_id)
    limit = f", at most {settings['array_parallelism']} at once" if settings["array_parallelism"] < len(jobs) else ""
    print(
        f"note: job {number} of Slurm has the {len(jobs)} cells{limit}; this command waits for them, and may be "
        f"stopped: they go on, and the same command joins them. A job with --dependency=afterany:{number} begins when "
        "all have ended",
        file=sys.stderr,
    )
    return [job.task(0) for job in jobs]


def _array(job: str) -> str:
    """Return the number of the array that a job is one of."""
    return job.partition("_")[0]


def _wait(jobs: list[Any]) -> None:
    """Return when each job has left its result, or the queue a while ago."""
    is_over, arrays = False, {_array(job.job_id) for job in jobs}
    while not is_over and not all(Path(job.paths.result_pickle).exists() for job in jobs):
        is_over = not any(map(is_queued, arrays))
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
