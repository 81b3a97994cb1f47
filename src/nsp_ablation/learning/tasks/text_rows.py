"""Rows of one or two texts with a label, of GLUE's files or of the hub: what classification and regression read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.tasks.left_out import LeftOut
from nsp_ablation.learning.tasks.tsv_rows import tsv_rows
from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TaskOptions

_UNLABELLED, _NO_LABEL = ("-", ""), "rows without a label"
_HUB_LABEL = "label"  # the hub's column of labels, whatever the files call theirs


@dataclass(frozen=True)
class LabelledRow:
    """A row as it stands: its location ("FILE: line 5"), its number in the split as an id, texts and label."""

    location: str
    id: str
    texts: tuple[str, ...]
    label: Any


def file_rows(paths: list[Path], task: TaskOptions, left_out: LeftOut) -> Iterator[LabelledRow]:
    """Yield the labelled rows of GLUE's own tab-separated files (`tsv_rows.py`) in order.

    A row without a label, or whose annotators did not agree (label "-"), is left out. Raises InputError for columns of
    more than two texts, and naming file and line for what `tsv_rows` refuses.
    """
    if len(task.text_columns) not in (1, 2):
        raise InputError(f"tasks.{task.name}.text_columns={task.text_columns}: expected one or two")
    for row in tsv_rows(paths, [*task.text_columns, str(task.label_column)], task, left_out):
        *texts, label = row.fields
        if label in _UNLABELLED and label not in task.labels:
            left_out.add(_NO_LABEL, row.location)
        else:
            yield LabelledRow(row.location, str(row.number), tuple(texts), label)


def hub_rows(rows: Any, task: TaskOptions, left_out: LeftOut) -> Iterator[LabelledRow]:
    """Yield the labelled rows of a data set of the hub, whose columns `hub.text_columns` names where they are others
    than the files'. Raises KeyError for a missing column."""
    columns = hub_text_columns(task)
    label_column = hub_label_column(task, rows.column_names)
    for number, row in enumerate(rows):
        label, location = row[label_column], f"tasks.{task.name}: row {number}"
        if label in (-1, None, *_UNLABELLED):
            left_out.add(_NO_LABEL, location)
        else:
            yield LabelledRow(location, str(number), tuple(row[column] for column in columns), label)


def hub_text_columns(task: TaskOptions) -> list[str]:
    """Return the columns of the texts in the hub's rows."""
    hub = task.hub or TaskHubOptions()
    return hub.text_columns or task.text_columns


def hub_label_column(task: TaskOptions, columns: list[str]) -> str:
    """Return the column of the labels in the hub's rows."""
    return str(task.label_column) if task.label_column in columns else _HUB_LABEL
