"""What a kind of fine-tuned task is (a module of this package, named in `TASK_KINDS`), and a task's examples."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_files import load_hub_rows, split_files
from nsp_ablation.options.task_options import TASK_KINDS, TaskHubOptions, TaskOptions


class TaskKind(Protocol):
    """Reads, featurizes and scores the examples of a kind, which have an `id` and are otherwise its own affair."""

    def read_file(self, path: Path, task: TaskOptions) -> list[Any]:
        """Return a split's examples in file order. Raises InputError naming file and line of a mistake."""

    def read_rows(self, rows: Any, task: TaskOptions) -> list[Any]:
        """Return the examples of the hub's rows. Raises InputError naming the row, KeyError for a missing column."""

    def featurize(self, examples: list[Any], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
        """Return the examples as token ids with their targets."""

    def score(self, examples: list[Any], predictions: list[Any], task: TaskOptions) -> Outcome:
        """Score one prediction per example, as the kind's head decodes them; `scores` are those of `task.metric`."""

    def baselines(self, train: list[Any], dev: list[Any], task: TaskOptions) -> Baselines:
        """Return what the development examples give without an encoder, in `task.metric`."""


def task_kind(task: TaskOptions) -> TaskKind:
    """Return the kind of a fine-tuned task."""
    facts = TASK_KINDS[task.kind]
    assert not facts.is_probe, f"tasks.{task.name}.kind={task.kind} is not fine-tuned"
    return cast(TaskKind, import_module(facts.module))


def read_task(task: TaskOptions, split: str) -> list[Any]:
    """Return the examples of one split ("train" or "dev") in file order.

    Raises InputError, in one line, for a missing, malformed or empty source and for ids that occur twice.
    """
    assert split in ("train", "dev")
    if task.path is not None:
        examples = task_kind(task).read_file(split_files(task, split)[0], task)
    elif task.hub is not None:
        examples = _read_hub(task, task.hub, split)
    else:
        raise InputError(f"tasks.{task.name} has neither path nor hub; set tasks.{task.name}.path=DIR")
    if not examples:
        raise InputError(f"tasks.{task.name}: no {split} examples in {task.path or task.hub}")
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise InputError(f"tasks.{task.name}: example id {example.id!r} occurs twice in the {split} split")
        seen.add(example.id)
    return examples


def _read_hub(task: TaskOptions, hub: TaskHubOptions, split: str) -> list[Any]:
    hub_split = hub.split if split == "train" else hub.dev_split
    if hub_split is None:
        raise InputError(f"tasks.{task.name}.hub.dev_split is not set; name the development split of {hub.path}")
    rows = load_hub_rows(task.name, hub, hub_split, hub.name)
    try:
        return task_kind(task).read_rows(rows, task)
    except KeyError as error:
        columns = ", ".join(rows.column_names)
        raise InputError(f"{hub.path} has no column {error}: found {columns}; check tasks.{task.name}") from error


def majority_accuracy(train: list[Any], dev: list[Any]) -> float:
    """Return the accuracy on `dev` of the commonest `label` of `train`."""
    commonest, _ = Counter(example.label for example in train).most_common(1)[0]
    return sum(example.label == commonest for example in dev) / len(dev)
