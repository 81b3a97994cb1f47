"""What a kind of fine-tuned task is (a module of this package, named in `TASK_KINDS`), and a task's examples."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_files import load_hub_rows, split_files
from nsp_ablation.learning.tasks.whole_groups import groups_within
from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions


class TaskKind(Protocol):
    """Reads, featurizes and scores the examples of a kind, which have an `id` and are otherwise its own affair."""

    def read_files(self, paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[Any]:
        """Return the examples of a split's files, in order; what is not read is counted in `left_out`.

        Raises InputError naming file and line, or id, of a mistake.
        """

    def read_rows(self, rows: Any, task: TaskOptions, left_out: LeftOut) -> list[Any]:
        """Return the examples of the hub's rows. Raises InputError naming the row, KeyError for a missing column."""

    def featurize(self, examples: list[Any], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
        """Return the examples as token ids with their targets."""

    def score(self, examples: list[Any], predictions: list[Any], task: TaskOptions) -> Outcome:
        """Score one prediction per example, as the kind's head decodes them; `scores` are those of `task.metric`."""

    def contexts(self, examples: list[Any]) -> list[str]:
        """Return the different texts that the examples' answers lie in, of which the corpus should hold none."""

    def groups(self, examples: list[Any]) -> list[str]:
        """Return the article, passage or first text of each example, which a part of a split never divides."""

    def with_foreign_contexts(self, examples: list[Any]) -> list[Any] | None:
        """Return the examples in the same order, each on a context that has nothing to do with its question, None where
        there are no others; only of kinds that say `has_contexts`. They are answered, and scored as the originals."""

    def baselines(self, train: list[Any], dev: list[Any], task: TaskOptions) -> Baselines:
        """Return what the development examples give without an encoder, in `task.metric`."""


def task_kind(task: TaskOptions) -> TaskKind:
    """Return the kind of a fine-tuned task."""
    facts = TASK_KINDS[task.kind]
    assert not facts.is_probe, f"tasks.{task.name}.kind={task.kind} is not fine-tuned"
    return cast(TaskKind, import_module(facts.module))


def read_task(task: TaskOptions, split: str, left_out: LeftOut | None = None) -> list[Any]:
    """Return the examples of one split ("train" or "dev") in file order; `left_out` learns which are not among them,
    but for training examples beyond `task.max_train_examples`.

    Raises InputError, in one line, for a missing, malformed or empty source and for ids that occur twice.
    """
    assert split in ("train", "dev")
    left_out = LeftOut() if left_out is None else left_out
    if task.path is not None:
        examples = task_kind(task).read_files(split_files(task, split), task, left_out)
    elif task.hub is not None:
        examples = _read_hub(task, task.hub, split, left_out)
    else:
        raise InputError(f"tasks.{task.name} has neither path nor hub; set tasks.{task.name}.path=DIR")
    source = task.path if task.path is not None or task.hub is None else task.hub.path
    if not examples:
        why = "".join(f" ({line})" for line in left_out.lines())
        raise InputError(f"tasks.{task.name}: no {split} examples in {source}{why}; name the file that holds them")
    seen: set[str] = set()
    for example in examples:
        if example.id in seen:
            raise InputError(
                f"tasks.{task.name}: example id {example.id!r} occurs twice in the {split} split of {source}; give "
                "each example an id of its own"
            )
        seen.add(example.id)
    if split == "train" and task.max_train_examples is not None:
        kept = groups_within(task_kind(task).groups(examples), task.max_train_examples, task.name)
        return [examples[number] for number in kept]
    return examples


def _read_hub(task: TaskOptions, hub: TaskHubOptions, split: str, left_out: LeftOut) -> list[Any]:
    hub_split = hub.split if split == "train" else hub.dev_split
    if hub_split is None:
        raise InputError(f"tasks.{task.name}.hub.dev_split is not set; name the development split of {hub.path}")
    rows = load_hub_rows(task.name, hub, hub_split, hub.name)
    try:
        return task_kind(task).read_rows(rows, task, left_out)
    except KeyError as error:
        columns = ", ".join(rows.column_names)
        raise InputError(f"{hub.path} has no column {error}: found {columns}; check tasks.{task.name}") from error


def commonest_label(train: list[Any]) -> Any:
    """Return the commonest `label` of `train`, the first met of equally common ones."""
    return Counter(example.label for example in train).most_common(1)[0][0]
