"""What a task is: its kind, where its files lie and what they hold."""

from dataclasses import dataclass

from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample

Examples = list[SpanExample] | list[TextExample] | list[ChoiceExample]


@dataclass(frozen=True)
class HubSource:
    """A data set of the Hugging Face hub (or a local directory that `datasets` loads) and its training split."""

    path: str
    name: str | None
    revision: str | None
    split: str


@dataclass(frozen=True)
class TaskSpec:
    """A downstream task. `kind` is span_qa, classification or multiple_choice, or that of a zero-shot probe.

    Files are read from `path` where it is given, else from `hub`. `text_columns`, `label_column` and `labels` (in the
    order of the class numbers) belong to classification; `unanswerable` to span QA (SQuAD 2.0).
    """

    name: str
    kind: str
    path: str | None
    train_file: str | None
    dev_file: str | None
    unanswerable: bool
    text_columns: tuple[str, ...]
    label_column: str | None
    labels: tuple[str, ...]
    hub: HubSource | None
    hub_dev_split: str | None
