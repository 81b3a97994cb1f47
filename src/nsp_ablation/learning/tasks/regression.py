"""A number told of a text or a pair of texts (GLUE: STS-B), judged by its correlation with the labelled one."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import RatedExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.metrics import metric_values, pearson_scores, spearman_scores
from nsp_ablation.learning.tasks.outcome import Baselines, Outcome
from nsp_ablation.learning.tasks.text_inputs import text_clusters, text_features
from nsp_ablation.learning.tasks.text_rows import LabelledRow, file_rows, hub_rows
from nsp_ablation.options.task_options import TaskOptions

_SCORES = {"pearson": pearson_scores, "spearman": spearman_scores}


def read_files(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> list[RatedExample]:
    """Read GLUE's own tab-separated files (`text_rows.py`), rows in order, named by their number from 0.

    Raises InputError naming file and line for a label that is no number from 0 to `max_label`.
    """
    return [_example(row, task) for row in file_rows(paths, task, left_out)]


def read_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> list[RatedExample]:
    """Read rows in the columns of nyu-mll/glue; a row without a label is left out. Raises as `read_files`."""
    return [_example(row, task) for row in hub_rows(rows, task, left_out)]


def _example(row: LabelledRow, task: TaskOptions) -> RatedExample:
    try:
        label = float(row.label)
    except (TypeError, ValueError):
        label = math.nan
    if not 0 <= label <= task.max_label:
        raise InputError(
            f"{row.location} has label {row.label!r:.40}, expected a number from 0 to {task.max_label:g}; mend the "
            f"row, or set tasks.{task.name}.max_label"
        )
    return RatedExample(row.id, row.texts, label)


def featurize(examples: list[RatedExample], tokenizer: Tokenizer, layout: InputLayout, task: TaskOptions) -> Features:
    """Return one sample per example, as `text_features`; target: labels (N,) float32, as shares of `max_label` (as
    RoBERTa's released preprocessing divides STS-B's by 5)."""
    labels = np.array([example.label / task.max_label for example in examples], dtype=np.float32)
    return text_features([example.texts for example in examples], labels, tokenizer, layout)


def score(examples: list[RatedExample], predictions: list[float], task: TaskOptions) -> Outcome:
    """Score predicted numbers by Pearson's and Spearman's correlation with the labels.

    Raises InputError where all predictions, or all labels, are equal: nothing correlates with a constant.
    """
    predicted, labels = np.array(predictions, np.float64), np.array([example.label for example in examples], np.float64)
    for values, remedy in ((labels, "take other files"), (predicted, "fine-tune longer, or at another learning rate")):
        if np.all(values == values[0]):
            what = "labels" if values is labels else "predictions"
            raise InputError(f"tasks.{task.name}: all {what} are {values[0]:g}, and no constant correlates; {remedy}")
    by_id = {example.id: value for example, value in zip(examples, predictions, strict=True)}
    items = {"prediction": predicted, "label": labels}
    scores, metrics = _SCORES[task.metric](predicted, labels), metric_values(_SCORES, items)
    return Outcome(scores, list(by_id), by_id, metrics, text_clusters(examples), items)


def contexts(examples: list[RatedExample]) -> list[str]:
    """Return the different texts."""
    return list(dict.fromkeys(text for example in examples for text in example.texts))


def groups(examples: list[RatedExample]) -> list[str]:
    """Return the first text of each example."""
    return [example.texts[0] for example in examples]


def baselines(train: list[RatedExample], dev: list[RatedExample], task: TaskOptions) -> Baselines:
    """Return chance, which does not correlate, and a regression over word counts; a constant (the mean, say) has no
    correlation, so that there is no majority."""
    labels = np.array([example.label for example in dev])
    words = bag_of_words.predicted_numbers(train, dev, task.baseline_iterations)
    correlation = metric_values([task.metric], {"prediction": words, "label": labels})[task.metric]
    return Baselines(chance=0.0, bag_of_words=None if math.isnan(correlation) else correlation)
