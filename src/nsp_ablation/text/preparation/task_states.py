"""How far the tasks of a preparation are, read from what the engine leaves on disk beside the shards.

A folder holds `completions/<rank>`, an empty file per task that is done, and `logs/task_<rank>.log`, begun anew with
each try. Stages that look for near-duplicates before have such folders below it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.base.artifact import check_artifact
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.text.store.build_stores import ShardCall, shards_directory

TASKS_LOCK = "tasks.lock"  # beside the shards, held while they are made
_FOLDER = re.compile(r"tasks-(\d+)-[0-9a-f]{16}")
_ERROR = "| ERROR "


@dataclass(frozen=True)
class TaskStates:
    """Numbers of tasks; `failed` has the last line of the log of each that failed. `stage` is "" for the shards."""

    folder: Path
    num_tasks: int
    num_done: int
    num_open: int
    failed: dict[int, str]
    stage: str = ""

    @property
    def num_waiting(self) -> int:
        return self.num_tasks - self.num_done - self.num_open - len(self.failed)

    def lines(self) -> Iterator[str]:
        """Yield how far the tasks are, and a line per task that failed: its error, and its log."""
        stage = f"{self.stage}: " if self.stage else ""
        yield (
            f"{stage}tasks {self.num_done}/{self.num_tasks} done, {len(self.failed)} failed, {self.num_open} begun and "
            f"not ended (running, or killed), {self.num_waiting} not begun"
        )
        for rank, error in self.failed.items():
            yield f"{stage}task {rank} failed: {error} (log {task_log(self.folder, rank)})"


def tasks_folder(directory: Path, calls: list[ShardCall]) -> Path:
    """Return where the engine keeps its files on the tasks that make these shards of the stores in `directory`."""
    cut = fingerprint([shard.name for _, _, shard in calls])
    return shards_directory(directory) / f"tasks-{len(calls):05d}-{cut}"


def task_folders(shards: Path) -> list[Path]:
    """Return the folders of tasks in a directory of shards, one per number of tasks that was tried."""
    found = [path for path in sorted(shards.glob("tasks-*")) if _FOLDER.fullmatch(path.name)]
    return [path for path in found if path.is_dir() and not path.is_symlink()]


def task_log(folder: Path, rank: int) -> Path:
    return folder / "logs" / f"task_{rank:05d}.log"


def join_folder(folder: Path) -> Path:
    """Return where the engine keeps its files on the one task that joins the shards of `folder`'s tasks."""
    return folder / "join"


def completion(folder: Path, rank: int) -> Path:
    return folder / "completions" / f"{rank:05d}"


def near_duplicate_stages(folder: Path, num_buckets: int) -> dict[str, tuple[Path, int]]:
    """Return folder and number of tasks of each stage that looks for near-duplicates, in their order, by its name.

    `folder` is that of the tasks that make shards afterwards.
    """
    found = near_duplicates_folder(folder)
    sizes = {"sign": _num_tasks(folder), "match": num_buckets, "join": 1}
    return {stage: (found / stage, num_tasks) for stage, num_tasks in sizes.items()}


def near_duplicates_folder(folder: Path) -> Path:
    """Return where the near-duplicates are noted that the tasks of `folder` leave out."""
    return folder / "near_duplicates"


def all_states(folder: Path, num_buckets: int | None) -> Iterator[TaskStates]:
    """Read how far the tasks of a preparation are, stage by stage; `num_buckets` is None where near-duplicates stay."""
    if num_buckets is not None:
        for stage, (path, num_tasks) in near_duplicate_stages(folder, num_buckets).items():
            yield _states(path, num_tasks, f"near-duplicates, {stage}")
    yield task_states(folder)


def task_states(folder: Path) -> TaskStates:
    """Read how far the tasks of a folder are that make its shards."""
    return _states(folder, _num_tasks(folder), "")


def _num_tasks(folder: Path) -> int:
    found = _FOLDER.fullmatch(folder.name)
    assert found is not None, folder
    return int(found[1])


def _states(folder: Path, num_tasks: int, stage: str) -> TaskStates:
    num_done, num_open, failed = 0, 0, {}
    for rank in range(num_tasks):
        if completion(folder, rank).exists():
            num_done += 1
        elif (error := _error(task_log(folder, rank))) is not None:
            failed[rank] = error
        else:
            num_open += task_log(folder, rank).exists()
    return TaskStates(folder, num_tasks, num_done, num_open, failed, stage)


def _error(log: Path) -> str | None:
    """Return the last line of the log of a task that failed, None of one that did not."""
    if not log.is_file():
        return None
    text = log.read_text(encoding="utf-8", errors="replace").rstrip()
    return text.rsplit("\n", 1)[-1].strip() if _ERROR in text else None


def settle_completions(folder: Path, calls: list[ShardCall]) -> None:
    """Mark those tasks as done whose shard is there, and no others, whoever made or deleted it.

    Raises DamageError for a shard that is not what was built.
    """
    (folder / "completions").mkdir(parents=True, exist_ok=True)
    for rank, (_, _, shard) in enumerate(calls):
        if shard.exists():
            check_artifact(shard)
            completion(folder, rank).touch()
        else:
            completion(folder, rank).unlink(missing_ok=True)
