"""Hub data sets, through a local directory in the columns of nyu-mll/glue, rajpurkar/squad_v2 and ehovy/race."""

import dataclasses

import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, Sequence, Value

from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample
from nsp_ablation.learning.tasks.task_kind import read_task
from nsp_ablation.options.task_facts import TaskHubOptions


@pytest.fixture
def hub_task(tmp_path, task_of, monkeypatch):
    """Write rows as the parquet files of a data set and return a task that reads them as `datasets` does the hub."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")

    def make(kind: str, rows: Dataset, hub_columns=(), **changed):
        for split in ("train", "validation"):
            rows.to_parquet(tmp_path / "set" / f"{split}.parquet")
        hub = TaskHubOptions(str(tmp_path / "set"), split="train", dev_split="validation", text_columns=hub_columns)
        return task_of(kind, None, hub=hub, **changed)

    return make


def glue(names: list[str], **columns) -> Dataset:
    texts = {name: Value("string") for name in columns if name != "label"}
    return Dataset.from_dict(columns, features=Features(texts | {"label": ClassLabel(names=names)}))


def test_mnli_labels_go_by_name_and_columns_by_the_hub_s(hub_task, capfd):
    rows = glue(["entailment", "neutral", "contradiction"], premise=["a", "c"], hypothesis=["b", "d"], label=[2, -1])
    columns = {"text_columns": ["sentence1", "sentence2"], "label_column": "gold_label"}
    columns |= {"hub_columns": ["premise", "hypothesis"]}
    task = hub_task("classification", rows, labels=["contradiction", "entailment", "neutral"], **columns)
    capfd.readouterr()
    assert read_task(task, "dev") == [TextExample("0", ("a", "b"), 0)]
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


def test_sst2_labels_go_by_number(hub_task):
    rows = glue(["negative", "positive"], sentence=["bad", "good"], label=[0, 1])
    task = hub_task("classification", rows, text_columns=["sentence"], label_column="label", labels=["0", "1"])
    assert [example.label for example in read_task(task, "train")] == [0, 1]


def test_squad_2(hub_task):
    answers = {"text": Sequence(Value("string")), "answer_start": Sequence(Value("int32"))}
    texts = {name: Value("string") for name in ("id", "title", "context", "question")}
    rows = Dataset.from_dict(
        {
            "id": ["1", "2"],
            "title": ["t", "t"],
            "context": ["In Rome.", "In Rome."],
            "question": ["Where?", "Who?"],
            "answers": [{"text": ["Rome"], "answer_start": [3]}, {"text": [], "answer_start": []}],
        },
        features=Features(texts | {"answers": answers}),
    )
    assert read_task(hub_task("span_qa", rows, unanswerable=True), "dev") == [
        SpanExample("1", "Where?", "In Rome.", (("Rome", 3),), "t"),
        SpanExample("2", "Who?", "In Rome.", (), "t"),
    ]


def test_race_questions_of_one_passage_get_ids_of_their_own(hub_task):
    columns = {"example_id": ["high1.txt"] * 2, "article": ["x"] * 2, "answer": ["B", "A"], "question": ["q", "r"]}
    rows = Dataset.from_dict(columns | {"options": [["1", "2"], ["3", "4"]]})
    assert read_task(hub_task("multiple_choice", rows), "dev") == [
        ChoiceExample("high1.txt-0", "x", "q", ("1", "2"), 1),
        ChoiceExample("high1.txt-1", "x", "r", ("3", "4"), 0),
    ]


def test_wrong_columns_and_missing_splits_are_named(hub_task, tmp_path):
    rows = glue(["no", "yes"], text=["bad"], label=[0])
    task = hub_task("classification", rows, text_columns=["sentence"], label_column="label", labels=["0", "1"])

    def with_split(name):
        return dataclasses.replace(task, hub=dataclasses.replace(task.hub, dev_split=name))

    with pytest.raises(ValueError, match="has no column 'sentence': found text, label; check tasks.task"):
        read_task(task, "dev")
    with pytest.raises(ValueError, match="tasks.task: cannot load split 'test' of .*set tasks.task.path"):
        read_task(with_split("test"), "dev")
    with pytest.raises(ValueError, match="tasks.task.hub.dev_split is not set"):
        read_task(with_split(None), "dev")


def test_a_rating_outside_the_scale_is_named_by_its_row(hub_task):
    """The place where it stands, since a row of a data set has no file."""
    rows = Dataset.from_dict({"sentence1": ["a", "c"], "sentence2": ["b", "d"], "label": [5.0, 5.5]})
    columns = {"text_columns": ["sentence1", "sentence2"], "label_column": "label", "max_label": 5.0}
    task = hub_task("regression", rows, **columns)
    with pytest.raises(ValueError, match=rf"tasks\.{task.name}: row 1 has label 5.5, expected a number from 0 to 5"):
        read_task(task, "dev")
