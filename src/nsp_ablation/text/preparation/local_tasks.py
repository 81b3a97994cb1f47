"""Tasks of datatrove in processes of this machine, each of which may fail or be killed without harm to the others."""

import io
import traceback
from collections.abc import Callable
from contextlib import closing, redirect_stderr
from functools import partial
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor

from nsp_ablation.base.errors import StatedError
from nsp_ablation.base.process import num_cores
from nsp_ablation.text.preparation.pipeline_steps import WriteShard
from nsp_ablation.text.preparation.task_states import task_log
from nsp_ablation.text.store.worker_processes import run_all_calls

Heard = Callable[[int, int | None], None]


class LocalTasks(LocalPipelineExecutor):
    """datatrove's local executor, but for who runs its tasks.

    Its own pool waits for ever for a task whose process was killed (0.10.1; by the kernel for want of memory, say), and
    ends the others where one raises.
    """

    def __init__(self, pipeline: list[Any], folder: Path, num_tasks: int, num_workers: int) -> None:
        super().__init__(pipeline, tasks=num_tasks, workers=num_workers, logging_dir=str(folder))
        self.folder = folder

    def run_task(self, rank: int, report: Callable[[int], None]) -> None:
        """Run one task in this process; what it says goes to its log alone."""
        for step in self.pipeline:
            if isinstance(step, WriteShard):
                step.report = report
        with redirect_stderr(io.StringIO()):
            self._run_for_rank(rank)

    def run(self, heard: Heard = lambda rank, told: None) -> None:
        """Run all tasks that are not done, each in a process of its own share of the cores.

        `heard` is told (rank, n) of each number of tokens and (rank, None) of each task that ended well. Raises in the
        end what the first task that failed raised, with its number and log.
        """
        ranks = self.get_incomplete_ranks()
        if not ranks:
            return
        self.save_executor_as_json()
        num_processes = min(self.workers, len(ranks))
        num_threads = max(1, num_cores() // num_processes)
        calls = [(rank,) for rank in ranks]
        failed: dict[int, Exception] = {}
        run = partial(run_task, self)
        setting = "preparation.num_workers"
        with closing(run_all_calls(run, calls, num_processes, num_threads, setting)) as events:
            for number, told in events:
                if isinstance(told, Exception):
                    failed[ranks[number]] = told
                else:
                    heard(ranks[number], told)
        if failed:
            raise self._failure(failed)

    def _failure(self, failed: dict[int, Exception]) -> Exception:
        rank, error = next(iter(failed.items()))
        if self.tasks == 1:
            return error
        which = f"task {rank}" if len(failed) == 1 else f"{len(failed)} tasks, the first {rank},"
        text = f"{which} of {self.tasks} failed: {error} (log {task_log(self.folder, rank)}); "
        text += "what the others made is kept"
        if isinstance(error, StatedError):
            return type(error)(text)
        mistake = RuntimeError(text)
        mistake.add_note("".join(traceback.format_exception(error)))
        return mistake


def run_task(executor: LocalTasks, rank: int, report: Callable[[int], None]) -> None:
    """Run one task of an executor, which was pickled for this process."""
    executor.run_task(rank, report)
