"""How far the tasks of a preparation are, read from what the engine leaves on disk beside the shards.

A folder holds `completions/<rank>`, an empty file per task that is done, and `logs/task_<rank>.log`, begun anew with
each try.
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
    """Numbers of tasks; `failed` has the last line of the log of each that failed, by number."""

    folder: Path
    num_tasks: int
    num_done: int
    num_open: int
    failed: dict[int, str]

    @property
    def num_waiting(self) -> int:
        return self.num_tasks - self.num_done - self.num_open - len(self.failed)

    def lines(self) -> Iterator[str]:
        """Yield how far the tasks are, and a line per task that failed: its error, and its log."""
        yield (
            f"tasks {self.num_done}/{self.num_tasks} done, {len(self.failed)} failed, {self.num_open} begun and not "
            f"ended (running, or killed), {self.num_waiting} not begun"
        )
        for rank, error in self.failed.items():
            yield f"task {rank} failed: {error} (log {task_log(self.folder, rank)})"


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


def task_states(folder: Path) -> TaskStates:
    """Read how far the tasks of a folder are."""
    found = _FOLDER.fullmatch(folder.name)
    assert found is not None, folder
    num_tasks, num_done, num_open, failed = int(found[1]), 0, 0, {}
    for rank in range(num_tasks):
        if completion(folder, rank).exists():
            num_done += 1
        elif (error := _error(task_log(folder, rank))) is not None:
            failed[rank] = error
        else:
            num_open += task_log(folder, rank).exists()
    return TaskStates(folder, num_tasks, num_done, num_open, failed)


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
