"""Where a task's examples lie: JSON and text files, and rows of data sets of the Hugging Face hub."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.task_options import TaskHubOptions, TaskOptions, wanted_files


def split_files(task: TaskOptions, split: str) -> list[Path]:
    """Return the files in `task.path` that hold a split, or its directory: at least one path.

    Raises InputError where the task names no file, or none is there.
    """
    directory, names = Path(str(task.path)), wanted_files(task)[split]
    if not directory.is_dir():
        raise InputError(f"tasks.{task.name}.path={directory} is not a directory")
    if not names:
        raise InputError(f"tasks.{task.name}.{split}_file is not set; name the file in {directory}")
    for name in names:
        paths = sorted(directory.glob(name)) if "*" in name else [directory / name]
        if paths and paths[0].exists():
            return paths
    raise InputError(
        f"tasks.{task.name}.path={directory} has no file {' or '.join(names)}; name the directory that holds the "
        "task's original files"
    )


def read_task_file(path: Path) -> str:
    """Return the text (UTF-8) of a task's file. Raises InputError naming it where it is missing or malformed."""
    if not path.is_file():
        raise InputError(f"task file {path} does not exist; check tasks.<name>.path and the file name")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})") from error


def read_json_file(path: Path) -> Any:
    """Return the value of a task's JSON file. Raises InputError naming file and line where it is malformed."""
    try:
        return json.loads(read_task_file(path))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}: line {error.lineno} is not JSON ({error.msg})") from error


def read_json_lines(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield the number (from 1) and the value of every line; lines of white space are skipped.

    Raises InputError naming file and line where one is not JSON.
    """
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: line {number} is not JSON ({error})") from error
        yield number, value


def load_hub_rows(task: str, hub: TaskHubOptions, split: str, name: str | None) -> Any:
    """Return the rows of one split of a configuration `name`. Raises InputError where it cannot be loaded."""
    import datasets

    with _hub_errors(task, f"split {split!r} of {hub.path!r}"):
        return datasets.load_dataset(hub.path, name, split=split, revision=hub.revision)


def hub_configs(task: str, hub: TaskHubOptions) -> list[str]:
    """Return the names of a data set's configurations. Raises InputError where they cannot be listed."""
    import datasets

    with _hub_errors(task, f"{hub.path!r}"):
        return sorted(datasets.get_dataset_config_names(hub.path, revision=hub.revision))


@contextmanager
def _hub_errors(task: str, what: str) -> Iterator[None]:
    with _quiet():
        try:
            yield
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(
                f"tasks.{task}: cannot load {what} ({reason}); without network set "
                f"tasks.{task}.path to a directory of the original files"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars or notices of datasets inside; its settings are restored after."""
    import datasets

    verbosity, has_bars = datasets.logging.get_verbosity(), not datasets.utils.are_progress_bars_disabled()
    datasets.logging.set_verbosity_error()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.logging.set_verbosity(verbosity)
        if has_bars:
            datasets.enable_progress_bars()
