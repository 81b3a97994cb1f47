"""Classification of a text or a pair of texts (GLUE but for STS-B)."""

from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import TextExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.metrics import accuracy_scores, f1_scores, matthews_scores, metric_values
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.task_kind import commonest_label
from nsp_ablation.learning.tasks.text_inputs import text_clusters, text_features
from nsp_ablation.learning.tasks.text_rows import file_rows, hub_label_column, hub_rows
from nsp_ablation.options.task_options import TaskOptions

_SCORES = {"accuracy": accuracy_scores, "f1": f1_scores, "matthews": matthews_scores}


def read_files(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[TextExample]:
    """Read GLUE's own tab-separated files (`text_rows.py`), rows in order.

    An example's id is the number of its row in the split, from 0. Raises InputError naming file and line for an unknown
    label and for what `file_rows` refuses.
    """
    rows = file_rows(paths, task, left_out)
    return [TextExample(row.id, row.texts, _label_number(row.location, row.label, task)) for row in rows]


def read_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> list[TextExample]:
    """Read rows in the columns of nyu-mll/glue; a row without a label is left out."""
    names = getattr(rows.features.get(hub_label_column(task, rows.column_names)), "names", None)
    # class names of the hub where they are the files' labels (MNLI), else their order (SST-2: "0", "1")
    class_labels = names if names is not None and set(names) <= set(task.labels) else task.labels
    examples = []
    for row in hub_rows(rows, task, left_out):
        label = row.label
        if isinstance(label, int):
            label = class_labels[label] if label < len(class_labels) else str(label)
        examples.append(TextExample(row.id, row.texts, _label_number(row.location, label, task)))
    return examples


def _label_number(location: str, label: str, task: TaskOptions) -> int:
    """Return the class number of `label`. Raises InputError naming the location and the labels known."""
    if label not in task.labels:
        known = ", ".join(task.labels)
        raise InputError(f"{location} has label {label!r:.40}, which is not one of tasks.{task.name}.labels: {known}")
    return task.labels.index(label)


def featurize(examples: list[TextExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample per example, as `text_features`; target: labels (N,) int64."""
    labels = np.array([example.label for example in examples], dtype=np.int64)
    return text_features([example.texts for example in examples], labels, tokenizer, layout)


def score(examples: list[TextExample], predictions: list[int], task: TaskOptions) -> Outcome:
    """Score predicted class numbers by accuracy and by the task's own metric; predictions are kept as label names."""
    predicted, labels = np.array(predictions), np.array([example.label for example in examples])
    items = _items(predicted, labels)
    metrics = metric_values(dict.fromkeys((task.metric, "accuracy")), items)
    by_id = {example.id: task.labels[label] for example, label in zip(examples, predictions, strict=True)}
    scores = _SCORES[task.metric](predicted, labels)
    return Outcome(scores, list(by_id), by_id, metrics, text_clusters(examples), items)


def _items(predicted: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays (N,) float64 that the metrics come from."""
    scores = accuracy_scores(predicted, labels)
    return {"accuracy": scores, "prediction": predicted.astype(np.float64), "label": labels.astype(np.float64)}


def contexts(examples: list[TextExample]) -> list[str]:
    """Return the different texts."""
    return list(dict.fromkeys(text for example in examples for text in example.texts))


def groups(examples: list[TextExample]) -> list[str]:
    """Return the first text of each example."""
    return [example.texts[0] for example in examples]


def baselines(train: list[TextExample], dev: list[TextExample], task: TaskOptions) -> Baselines:
    """Return chance, the commonest label of training, and a regression over word counts, in the task's metric.

    Chance draws a class evenly: one in their number; F1 of its expected counts; no correlation.
    """
    labels = np.array([example.label for example in dev])
    words = bag_of_words.predicted_classes(train, dev, len(task.labels), task.baseline_iterations)
    majority = np.full(len(dev), commonest_label(train))
    share = float((labels == 1).mean())
    chance = {"accuracy": 1 / len(task.labels), "f1": share / (share + 0.5), "matthews": 0.0}
    measured = [metric_values([task.metric], _items(told, labels))[task.metric] for told in (majority, words)]
    return Baselines(chance[task.metric], *measured)
