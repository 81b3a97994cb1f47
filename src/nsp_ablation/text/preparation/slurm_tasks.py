"""Tasks of datatrove as jobs of Slurm: an array that makes the shards, and one job after it that joins them."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datatrove.executor import SlurmPipelineExecutor

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.slurm_queue import is_queued
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.text.preparation.task_stage import TaskStage
from nsp_ablation.text.preparation.task_states import completion, join_folder, task_log, task_states

_JOBS_FILE = "jobs.json"
_SOURCE = Path(__file__).parents[3]  # of the package, which jobs import from here
_POLL_SECONDS = 10.0  # also what the file system of another machine may take to show what is done


class SlurmTasks(SlurmPipelineExecutor):
    """datatrove's Slurm executor without its job that sums statistics, which would stay in the queue after a failure.

    Jobs run with this process' interpreter and package, in its working directory.
    """

    def __init__(
        self, pipeline: list[Any], folder: Path, num_tasks: int, options: PreparationOptions, **others: Any
    ) -> None:
        has_threads = str(options.cpus_per_task > 1).lower()
        super().__init__(
            pipeline,
            tasks=num_tasks,
            time=str(options.time_limit_minutes),
            partition=options.partition,
            cpus_per_task=options.cpus_per_task,
            mem_per_cpu_gb=options.gigabytes_per_cpu,
            workers=-1 if options.num_workers is None else options.num_workers,
            job_name="nsp-ablation-prepare",
            qos=None,
            env_command=f'export PATH="{Path(sys.executable).parent}:$PATH" '
            f'PYTHONPATH="{_SOURCE}:$PYTHONPATH" '
            f"RAYON_NUM_THREADS={options.cpus_per_task} TOKENIZERS_PARALLELISM={has_threads}",
            sbatch_args={"chdir": str(Path.cwd()), "kill-on-invalid-dep": "yes"} | options.sbatch,
            logging_dir=str(folder),
            **others,
        )

    def launch_merge_stats(self) -> None:
        """Statistics stay as each task wrote them."""


def _check_slurm() -> None:
    """Raise InputError where no job can be submitted."""
    if shutil.which("sbatch") is None:
        raise InputError(
            "preparation=datatrove_slurm finds no sbatch on this machine; start it where jobs are submitted, or set "
            "preparation=datatrove_local"
        )
    if "SLURM_ARRAY_TASK_ID" in os.environ:
        raise InputError(
            "preparation=datatrove_slurm was started inside a job of an array (SLURM_ARRAY_TASK_ID is set), and would "
            "take itself for one of its tasks; start it outside, or set preparation=datatrove_local"
        )


def run_on_slurm(
    stages: list[TaskStage], options: PreparationOptions, directory: Path, say: Callable[[str], None]
) -> None:
    """Submit the jobs of all tasks that are not done, and wait until the stores of `directory` are there.

    The last two stages make shards and join them. Jobs that an earlier call submitted and that are still in the queue
    are waited for instead. Raises InputError where the jobs ended without the stores; where this process ends first,
    they go on.
    """
    _check_slurm()
    folder = stages[-2].folder
    if any(map(is_queued, jobs := _submitted(folder))):
        say(f"jobs {_listed(jobs)} are in the queue from an earlier run")
    else:
        completion(stages[-1].folder, 0).unlink(missing_ok=True)
        all_tasks: list[SlurmTasks] = []
        for stage in stages:
            before = all_tasks[-1] if all_tasks else None
            all_tasks.append(SlurmTasks(stage.steps, stage.folder, stage.num_tasks, options, depends=before))
        try:
            all_tasks[-1].run()
        except subprocess.CalledProcessError as error:
            reason = f"ended with exit code {error.returncode}"
            raise InputError(f"sbatch {reason}, its reason above; correct preparation.* and run again") from error
        jobs = [str(each.job_id) for each in all_tasks if each.job_id != -1]
        write_json(folder / _JOBS_FILE, jobs)
        say(f"submitted jobs {_listed(jobs)}; this command waits, and may be stopped: given again, it joins them")
    _wait(stages, jobs, directory, say)


def _listed(jobs: list[str]) -> str:
    return " and ".join(jobs)


def _submitted(folder: Path) -> list[str]:
    path = folder / _JOBS_FILE
    return [str(job) for job in read_json(path)] if path.is_file() else []


def _wait(stages: list[TaskStage], jobs: list[str], directory: Path, say: Callable[[str], None]) -> None:
    said, folder = None, stages[-2].folder
    while not directory.exists():
        is_over = not any(map(is_queued, jobs))
        states = task_states(folder)
        line = next(states.lines())
        if line != said:
            say(line)
            said = line
        time.sleep(_POLL_SECONDS)
        if is_over and not directory.exists():
            raise _failure(stages)


def _failure(stages: list[TaskStage]) -> InputError:
    for stage in stages[:-2]:
        for task in range(stage.num_tasks):
            if not completion(stage.folder, task).exists():
                return InputError(
                    f"the jobs ended, and the search for near-duplicates did not: task {task} of {stage.num_tasks} is "
                    f"not done (log {task_log(stage.folder, task)}); the same command does again what is not done alone"
                )
    folder = stages[-2].folder
    states = task_states(folder)
    if states.num_done == states.num_tasks:
        reason, log = "the shards are there, and their joining failed", task_log(join_folder(folder), 0)
    else:
        reason = f"{states.num_tasks - states.num_done} of {states.num_tasks} tasks are not done"
        rank = next(iter(states.failed), None)
        reason += "" if rank is None else f", the first that failed is {rank}: {states.failed[rank]}"
        log = folder / "slurm_logs" if rank is None else task_log(folder, rank)
    return InputError(f"the jobs ended, and {reason} (log {log}); the same command does again what is not done alone")
