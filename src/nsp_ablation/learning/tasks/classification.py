"""Classification of a text or a pair of texts (GLUE: MNLI, SST-2)."""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import TextExample
from nsp_ablation.learning.tasks.features import Features, encode, lay_out
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.metrics import accuracy_scores, metric_values
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_kind import majority_accuracy
from nsp_ablation.learning.tasks.tsv_rows import tsv_rows
from nsp_ablation.options.task_options import TaskOptions

_UNLABELLED, _NO_LABEL = ("-", ""), "rows without a label"
# GLUE's files name MNLI's texts sentence1 and sentence2, the hub premise and hypothesis
_HUB_NAMES = {"sentence1": "premise", "sentence2": "hypothesis"}


def read_files(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[TextExample]:
    """Read GLUE's own tab-separated files (`tsv_rows.py`), rows in order.

    A row without a label, or whose annotators did not agree (label "-"), is left out. An example's id is the number of
    its row in the split, from 0. Raises InputError for columns of more than two texts, and naming file and line for an
    unknown label and what `tsv_rows` refuses.
    """
    if len(task.text_columns) not in (1, 2):
        raise InputError(f"tasks.{task.name}.text_columns={task.text_columns}: expected one or two")
    examples = []
    for row in tsv_rows(paths, [*task.text_columns, str(task.label_column)], task, left_out):
        *texts, label = row.fields
        if label in _UNLABELLED and label not in task.labels:
            left_out.add(_NO_LABEL, row.location)
            continue
        examples.append(TextExample(str(row.number), tuple(texts), _label_number(row.location, label, task)))
    return examples


def read_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> list[TextExample]:
    """Read rows in the columns of nyu-mll/glue; a row without a label is left out."""
    columns = [name if name in rows.column_names else _HUB_NAMES.get(name, name) for name in task.text_columns]
    label_column = task.label_column if task.label_column in rows.column_names else "label"
    names = getattr(rows.features.get(label_column), "names", None)
    # class names of the hub where they are the files' labels (MNLI), else their order (SST-2: "0", "1")
    class_labels = names if names is not None and set(names) <= set(task.labels) else task.labels
    examples = []
    for number, row in enumerate(rows):
        label, location = row[label_column], f"tasks.{task.name}: row {number}"
        if label in (-1, None, *_UNLABELLED):
            left_out.add(_NO_LABEL, location)
            continue
        if isinstance(label, int):
            label = class_labels[label] if label < len(class_labels) else str(label)
        texts = tuple(row[column] for column in columns)
        examples.append(TextExample(str(number), texts, _label_number(location, label, task)))
    return examples


def _label_number(location: str, label: str, task: TaskOptions) -> int:
    """Return the class number of `label`. Raises InputError naming the location and the labels known."""
    if label not in task.labels:
        known = ", ".join(task.labels)
        raise InputError(f"{location} has label {label!r:.40}, which is not one of tasks.{task.name}.labels: {known}")
    return task.labels.index(label)


def featurize(examples: list[TextExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample per example: [CLS] A [SEP], or [CLS] A [SEP] B [SEP]; target: labels (N,) int64.

    Texts too long are cut at their ends, the longer one first (BERT).
    """
    texts = [encode(tokenizer, list(column)) for column in zip(*(example.texts for example in examples), strict=True)]
    if len(texts) == 1:
        ids, offsets, second = lay_out([text[: layout.capacity] for text in texts[0]], None, layout)
    else:
        kept = [cut_pair(len(a), len(b), layout.pair_capacity) for a, b in zip(*texts, strict=True)]
        firsts = [text[:length] for text, (length, _) in zip(texts[0], kept, strict=True)]
        seconds = [text[:length] for text, (_, length) in zip(texts[1], kept, strict=True)]
        ids, offsets, second = lay_out(firsts, seconds, layout)
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return Features(ids, offsets, second, {"labels": labels}, np.arange(len(examples)))


def cut_pair(first: int, second: int, capacity: int) -> tuple[int, int]:
    """Return the tokens kept of two texts when the longer one loses its last token until both fit (BERT)."""
    kept_second = min(second, max(capacity - first, capacity // 2))
    return min(first, capacity - kept_second), kept_second


def score(examples: list[TextExample], predictions: list[int], task: TaskOptions) -> Outcome:
    """Score predicted class numbers by accuracy; predictions are kept as label names.

    Pairs of one first text (MNLI: a premise) are a cluster, named by the text's fingerprint; a single text is its own.
    """
    predicted, labels = np.array(predictions), np.array([example.label for example in examples])
    scores = accuracy_scores(predicted, labels)
    items = {"accuracy": scores, "prediction": predicted.astype(np.float64), "label": labels.astype(np.float64)}
    by_id = {example.id: task.labels[label] for example, label in zip(examples, predictions, strict=True)}
    clusters = [fingerprint(example.texts[0]) if len(example.texts) > 1 else example.id for example in examples]
    return Outcome(scores, list(by_id), by_id, metric_values(["accuracy"], items), clusters, items)


def contexts(examples: list[TextExample]) -> list[str]:
    """Return the different texts."""
    return list(dict.fromkeys(text for example in examples for text in example.texts))


def baselines(train: list[TextExample], dev: list[TextExample], task: TaskOptions) -> Baselines:
    """Return one in the number of classes, the commonest label of training, and a regression over word counts."""
    words = bag_of_words.classification_accuracy(train, dev, len(task.labels), task.baseline_iterations)
    return Baselines(1 / len(task.labels), majority_accuracy(train, dev), words)
