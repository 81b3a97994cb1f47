"""Prepare the token stores of a corpus in tasks of an engine, a shard each, and one that joins the shards.

A task that failed or was killed is done again alone; shards that `build_stores` made of the same cut are used.
"""

from collections.abc import Callable
from pathlib import Path

from nsp_ablation.base.owned_paths import locked
from nsp_ablation.base.process import num_cores
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.preparation.task_sources import task_sources
from nsp_ablation.text.preparation.task_stage import TaskStage
from nsp_ablation.text.preparation.task_states import (
    TASKS_LOCK,
    completion,
    join_folder,
    near_duplicates_folder,
    settle_completions,
    tasks_folder,
)
from nsp_ablation.text.store.build_stores import ShardCall, calls_of, remove_shards, shards_directory
from nsp_ablation.text.store.shard import ShardRecipe
from nsp_ablation.text.store.shard_progress import ShardProgress


def prepare_in_tasks(
    source: Source,
    recipe: ShardRecipe,
    directory: Path,
    options: PreparationOptions,
    *,
    say: Callable[[str], None],
    finish: Callable[[Path], None],
) -> Path:
    """Return `directory` with the stores that `build_stores` makes, byte for byte, built once.

    Where the corpus is to lose its near-duplicates, with those that `build_stores` makes of what is left.
    `finish` may add files before the directory appears; it is pickled. Raises InputError and DamageError as
    `build_stores` does, RuntimeError for another exception of a task, all naming task and log.
    """
    calls = calls_of(task_sources(source, options.num_tasks), recipe, directory)
    folder = tasks_folder(directory, calls)
    with locked(shards_directory(directory) / TASKS_LOCK):
        if not directory.exists():
            settle_completions(folder, calls)
            _run(calls, recipe, directory, folder, options, say, finish)
    remove_shards(directory)
    return directory


def _run(
    calls: list[ShardCall],
    recipe: ShardRecipe,
    directory: Path,
    folder: Path,
    options: PreparationOptions,
    say: Callable[[str], None],
    finish: Callable[[Path], None],
) -> None:
    from loguru import logger

    from nsp_ablation.text.preparation.pipeline_steps import JoinShards, shard_pipeline

    logger.disable("datatrove")  # of this process, which says itself how far it is; tasks write logs
    steps, stages = shard_pipeline(calls, recipe), []
    corpus, num_tasks = calls[0][0].options, len(calls)
    if corpus.removes_near_duplicates:
        from nsp_ablation.text.preparation.near_duplicates import TakeNearDuplicates, counting, finding_stages

        found = near_duplicates_folder(folder)
        stages = finding_stages([source for source, _, _ in calls], corpus, folder)
        steps.insert(1, TakeNearDuplicates(found))
        finish = counting(finish, found, num_tasks)
    shards = TaskStage(steps, folder, num_tasks)
    join = TaskStage([JoinShards([shard for _, _, shard in calls], directory, finish)], join_folder(folder), 1)
    if options.name == "datatrove_slurm":
        from nsp_ablation.text.preparation.slurm_tasks import run_on_slurm

        run_on_slurm([*stages, shards, join], options, directory, say)
    else:
        num_workers = num_cores() if options.num_workers is None else options.num_workers
        _run_here(stages, shards, join, calls, num_workers, say)


def _run_here(
    stages: list[TaskStage],
    shards: TaskStage,
    join: TaskStage,
    calls: list[ShardCall],
    num_workers: int,
    say: Callable[[str], None],
) -> None:
    from nsp_ablation.text.preparation.local_tasks import LocalTasks

    num_made = sum(completion(shards.folder, rank).exists() for rank in range(len(calls)))
    if num_made:
        say(f"{num_made} of {len(calls)} tasks are done from an earlier run")
    if stages and num_made < len(calls):
        say("looking for near-duplicates")
        for stage in stages:
            LocalTasks(stage.steps, stage.folder, stage.num_tasks, num_workers).run()
    num_bytes = sum(part.num_bytes for part, _, shard in calls if not shard.exists())
    progress = ShardProgress(say, len(calls), num_made, num_bytes)

    def heard(rank: int, told: int | None) -> None:
        progress.shard(calls[rank][0].num_bytes) if told is None else progress.tokens(told)

    LocalTasks(shards.steps, shards.folder, len(calls), num_workers).run(heard)
    say("joining the shards")
    completion(join.folder, 0).unlink(missing_ok=True)
    LocalTasks(join.steps, join.folder, 1, 1).run()
