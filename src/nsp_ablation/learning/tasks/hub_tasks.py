"""Tasks of the Hugging Face hub, in the columns of nyu-mll/glue, rajpurkar/squad, rajpurkar/squad_v2 and ehovy/race."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample
from nsp_ablation.learning.tasks.glue_files import UNLABELLED, label_number
from nsp_ablation.learning.tasks.race_files import choice_example
from nsp_ablation.learning.tasks.squad_files import span_example
from nsp_ablation.learning.tasks.task_spec import Examples, HubSource, TaskSpec

# GLUE's files name MNLI's texts sentence1 and sentence2, the hub premise and hypothesis
_HUB_NAMES = {"sentence1": "premise", "sentence2": "hypothesis"}


def read_hub_task(spec: TaskSpec, split: str) -> Examples:
    """Read one split ("train" or "dev") of `spec.hub`. Raises ValueError naming the data set where it cannot be read
    or has other columns than its task needs."""
    assert spec.hub is not None
    hub_split = spec.hub.split if split == "train" else spec.hub_dev_split
    if hub_split is None:
        raise ValueError(f"tasks.{spec.name}.hub_dev_split is not set; name the development split of {spec.hub.path}")
    rows = load_hub_rows(spec.name, spec.hub, hub_split, spec.hub.name)
    try:
        if spec.kind == "span_qa":
            return _span_rows(rows, spec)
        return _text_rows(rows, spec) if spec.kind == "classification" else _choice_rows(rows, spec)
    except KeyError as error:
        columns = ", ".join(rows.column_names)
        raise ValueError(f"{spec.hub.path} has no column {error}: found {columns}; check tasks.{spec.name}") from error


def load_hub_rows(task: str, hub: HubSource, split: str, name: str | None) -> Any:
    """Return the rows of one split of a configuration `name`. Raises ValueError where it cannot be loaded."""
    import datasets

    with _hub_errors(task, f"split {split!r} of {hub.path!r}"):
        return datasets.load_dataset(hub.path, name, split=split, revision=hub.revision)


def hub_configs(task: str, hub: HubSource) -> list[str]:
    """Return the names of a data set's configurations. Raises ValueError where they cannot be listed."""
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
            raise ValueError(
                f"tasks.{task}: cannot load {what} ({reason}); without network set "
                f"tasks.{task}.path to a directory of the original files"
            ) from error


def _span_rows(rows: Any, spec: TaskSpec) -> list[SpanExample]:
    return [
        span_example(
            f"tasks.{spec.name}",
            str(row["id"]),
            row["question"],
            row["context"],
            tuple(zip(row["answers"]["text"], row["answers"]["answer_start"], strict=True)),
            spec.unanswerable,
        )
        for row in rows
    ]


def _text_rows(rows: Any, spec: TaskSpec) -> list[TextExample]:
    columns = [name if name in rows.column_names else _HUB_NAMES.get(name, name) for name in spec.text_columns]
    label_column = spec.label_column if spec.label_column in rows.column_names else "label"
    names = getattr(rows.features.get(label_column), "names", None)
    # class names of the hub where they are the files' labels (MNLI), else their order (SST-2: "0", "1")
    class_labels = names if names is not None and set(names) <= set(spec.labels) else spec.labels
    examples = []
    for number, row in enumerate(rows):
        label = row[label_column]
        if label in (-1, UNLABELLED):
            continue
        if isinstance(label, int):
            label = class_labels[label] if label < len(class_labels) else str(label)
        place = f"tasks.{spec.name}: row {number}"
        texts = tuple(row[column] for column in columns)
        examples.append(TextExample(str(number), texts, label_number(place, label, spec.labels)))
    return examples


def _choice_rows(rows: Any, spec: TaskSpec) -> list[ChoiceExample]:
    questions: Counter[str] = Counter()
    examples = []
    for row in rows:
        name = row["example_id"]
        id = f"{name}-{questions[name]}"
        questions[name] += 1
        examples.append(
            choice_example(f"tasks.{spec.name}", id, row["article"], row["question"], row["options"], row["answer"])
        )
    return examples


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
