"""A task's examples as an encoder reads them: to train on, and to predict."""

from dataclasses import dataclass
from typing import Any

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.encoder_directory import load_tokenizer, read_layout
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.learning.tasks.whole_groups import hashed_tenth
from nsp_ablation.options.task_options import TaskOptions


@dataclass(frozen=True)
class TaskInputs:
    """Training examples, and those that are scored: the development examples, or a part of training kept apart."""

    task: TaskOptions
    tokenizer: Any  # a Tokenizer of tokenizers
    layout: InputLayout
    train_examples: list[Any]
    scored_examples: list[Any]

    def featurize(self, examples: list[Any]) -> Features:
        """Return examples as token ids."""
        return task_kind(self.task).featurize(examples, self.tokenizer, self.layout, self.task)


def read_inputs(
    encoder_directory: str, task: TaskOptions, max_length: int, token_types: str, *, tenth_apart: bool = False
) -> TaskInputs:
    """Read both splits, to be laid out as suits the encoder.

    With `tenth_apart` the development set is not opened: a hashed tenth of the training examples is scored, the rest
    trains. Raises InputError for files or an encoder that cannot be used.
    """
    layout = read_layout(encoder_directory, max_length, token_types)
    tokenizer = load_tokenizer(encoder_directory).backend_tokenizer
    train = read_task(task, "train")
    if not tenth_apart:
        return TaskInputs(task, tokenizer, layout, train, read_task(task, "dev"))
    apart = set(hashed_tenth(task_kind(task).groups(train), task.name))
    rest = [example for number, example in enumerate(train) if number not in apart]
    return TaskInputs(task, tokenizer, layout, rest, [train[number] for number in sorted(apart)])
