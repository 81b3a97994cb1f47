"""The tasks of a configuration: their files, what names their content, and their baselines, measured once."""

from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from nsp_ablation.base.artifact import build_once, read_json, write_json
from nsp_ablation.base.fingerprint import files_fingerprint, fingerprint
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.tasks.outcome import Baselines
from nsp_ablation.learning.tasks.task_kind import task_kind
from nsp_ablation.learning.tasks.task_reader import read_task, split_files
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions, wanted_files
from nsp_ablation.pipeline.documents import microworld_directory
from nsp_ablation.pipeline.stores import store_key


def resolved_tasks(config: Config) -> list[TaskOptions]:
    """Return the tasks with what they take from elsewhere: the micro-world's files, and how much is held out to read.

    The micro-world's files are those of a task that has no `path` of its own; without it, they are the hub's.
    """
    return [_resolved(config, task) for task in config.tasks.values()]


def _resolved(config: Config, task: TaskOptions) -> TaskOptions:
    path, heldout_tokens = task.path, task.heldout_tokens
    if path is None and config.corpus.reader == "microworld" and TASK_KINDS[task.kind].reads == "files":
        path = str(microworld_directory(config.corpus, Path(config.paths.artifacts)) / "tasks" / task.name)
    if heldout_tokens is None:
        heldout_tokens = config.pretraining.heldout_tokens
    return replace(task, path=path, heldout_tokens=heldout_tokens)


def task_fingerprint(config: Config, task: TaskOptions) -> str:
    """Return the fingerprint of a task's examples and of the options that its kind has.

    The examples are those of its files' bytes, split by split, of the held-out documents, or what pins them down on
    the hub. Raises ValueError where a file is missing.
    """
    names = ("kind", "metric", *TASK_KINDS[task.kind].options)
    options = {field.name: getattr(task, field.name) for field in fields(task) if field.name in names}
    return fingerprint([_content(config, task), options])


def _content(config: Config, task: TaskOptions) -> Any:
    if TASK_KINDS[task.kind].reads == "heldout":
        return store_key(config)
    if task.path is None:
        return asdict(task.hub) if task.hub is not None else None
    return {split: files_fingerprint(_files(task, split)) for split in wanted_files(task)}


def _files(task: TaskOptions, split: str) -> list[Path]:
    found = [[path] if path.is_file() else sorted(path.rglob("*")) for path in split_files(task, split)]
    return [path for paths in found for path in paths if path.is_file()]


def check_files(config: Config, task: TaskOptions) -> None:
    """Read a task's files once. Raises ValueError where they are unreadable, which is better known before training."""
    facts = TASK_KINDS[task.kind]
    if not facts.is_probe:
        task_baselines(config, task)
    elif facts.reads == "files":
        from nsp_ablation.learning.probes.probe_inputs import probe_of  # loads torch

        probe_of(task).check_files(task)


def task_baselines(config: Config, task: TaskOptions) -> Baselines:
    """Return chance, majority and bag of words of a task, measured on first use and kept under the artifacts.

    Raises ValueError where its files are unreadable.
    """
    directory = Path(config.paths.artifacts) / "baselines" / task_fingerprint(config, task)

    def build(target: Path) -> None:
        measured = task_kind(task).baselines(read_task(task, "train"), read_task(task, "dev"), task)
        write_json(target / "baselines.json", asdict(measured))

    return Baselines(**read_json(build_once(directory, build) / "baselines.json"))
