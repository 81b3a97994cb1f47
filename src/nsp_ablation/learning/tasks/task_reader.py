"""Read a task's examples, from its original files or from the hub."""

from pathlib import Path
from typing import Any

from nsp_ablation.learning.tasks.hub_rows import load_hub_rows
from nsp_ablation.learning.tasks.task_kind import task_kind
from nsp_ablation.options.task_options import TaskHubOptions, TaskOptions, wanted_files


def read_task(task: TaskOptions, split: str) -> list[Any]:
    """Return the examples of one split ("train" or "dev") in file order.

    Raises ValueError, in one line, for a missing, malformed or empty source and for ids that occur twice.
    """
    assert split in ("train", "dev")
    if task.path is not None:
        examples = task_kind(task).read_file(split_files(task, split)[0], task)
    elif task.hub is not None:
        examples = _read_hub(task, task.hub, split)
    else:
        raise ValueError(f"tasks.{task.name} has neither path nor hub; set tasks.{task.name}.path=DIR")
    if not examples:
        raise ValueError(f"tasks.{task.name}: no {split} examples in {task.path or task.hub}")
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise ValueError(f"tasks.{task.name}: example id {example.id!r} occurs twice in the {split} split")
        seen.add(example.id)
    return examples


def split_files(task: TaskOptions, split: str) -> list[Path]:
    """Return the files in `task.path` that hold a split, or its directory: at least one path.

    Raises ValueError where the task names no file, or none is there.
    """
    directory, names = Path(str(task.path)), wanted_files(task)[split]
    if not directory.is_dir():
        raise ValueError(f"tasks.{task.name}.path={directory} is not a directory")
    if not names:
        raise ValueError(f"tasks.{task.name}.{split}_file is not set; name the file in {directory}")
    for name in names:
        paths = sorted(directory.glob(name)) if "*" in name else [directory / name]
        if paths and paths[0].exists():
            return paths
    raise ValueError(
        f"tasks.{task.name}.path={directory} has no file {' or '.join(names)}; name the directory that holds the "
        "task's original files"
    )


def _read_hub(task: TaskOptions, hub: TaskHubOptions, split: str) -> list[Any]:
    hub_split = hub.split if split == "train" else hub.dev_split
    if hub_split is None:
        raise ValueError(f"tasks.{task.name}.hub.dev_split is not set; name the development split of {hub.path}")
    rows = load_hub_rows(task.name, hub, hub_split, hub.name)
    try:
        return task_kind(task).read_rows(rows, task)
    except KeyError as error:
        columns = ", ".join(rows.column_names)
        raise ValueError(f"{hub.path} has no column {error}: found {columns}; check tasks.{task.name}") from error
