"""What names a task's examples: its files split by split, and the options that its kind has."""

from dataclasses import replace
from pathlib import Path

import pytest

from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions
from nsp_ablation.pipeline.task_data import TaskData


def task_of(kind: str, **changed) -> TaskOptions:
    return replace(TaskOptions("task", kind, metric=TASK_KINDS[kind].metrics[0]), **changed)


def key_of(task: TaskOptions) -> str:
    return TaskData(Path("artifacts"), task, is_generated=False).key


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "b.json").write_text("2")
    return task_of("span_qa", path=str(tmp_path), train_file="a.json", dev_file="b.json")


def test_a_changed_byte_or_swapped_files_are_another_task(files, tmp_path):
    before = key_of(files)
    assert key_of(replace(files, train_file="b.json", dev_file="a.json")) != before
    assert key_of(replace(files, title="other", name="other")) == before
    (tmp_path / "b.json").write_text("3")
    assert key_of(files) != before


@pytest.fixture
def passages(tmp_path):
    """write("train/high/1.txt", "a"): a file of a task that reads directories; returns the task."""

    def write(name: str, content: str) -> TaskOptions:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
        return task_of("multiple_choice", path=str(tmp_path))

    for split in ("train", "dev"):
        for number in (2, 10):
            write(f"{split}/high/{number}.txt", f"{split} {number}")
    return write


def test_passages_are_named_in_the_order_in_which_they_are_read(passages, tmp_path):
    task = passages("train/README", "of the archive")
    before = key_of(task)
    assert key_of(replace(task, train_file="dev", dev_file="train")) != before
    # by name 10.txt stands before 2.txt, by number behind it: in both cases the contents are "10", "2" by name
    (tmp_path / "dev/high/10.txt").rename(tmp_path / "dev/high/1.txt")
    assert key_of(task) != before
    (tmp_path / "dev/high/1.txt").rename(tmp_path / "dev/high/10.txt")
    assert key_of(task) == before
    # a passage without an id is named by its file
    (tmp_path / "dev/high").rename(tmp_path / "dev/middle")
    assert key_of(task) != before


def test_hidden_files_and_files_that_are_not_read_do_not_name_a_task(passages):
    task = passages("train/high/3.txt", "3")
    before = key_of(task)
    for name in ("train/.DS_Store", "train/high/._3.txt", "dev/.cache/4.txt", "dev/__MACOSX/4.txt", "dev/index.html"):
        passages(name, "x")
        assert key_of(task) == before, name
    passages("dev/high/4.txt", "4")
    assert key_of(task) != before


def test_the_order_of_several_files_names_a_task(tmp_path):
    (tmp_path / "part-1.tsv").write_text("1")
    (tmp_path / "part-2.tsv").write_text("2")
    task = task_of("classification", path=str(tmp_path), train_file="part-*.tsv", dev_file="part-1.tsv")
    before = key_of(task)
    (tmp_path / "part-1.tsv").rename(tmp_path / "part-3.tsv")
    assert key_of(replace(task, dev_file="part-3.tsv")) != before
    (tmp_path / "part-3.tsv").rename(tmp_path / "part-1.tsv")
    (tmp_path / ".part-0.tsv").write_text("0")
    assert key_of(task) == before


def test_hidden_files_of_a_local_data_set_do_not_name_a_task(tmp_path):
    (tmp_path / "train.parquet").write_text("1")
    task = task_of("classification", hub=TaskHubOptions(str(tmp_path)))
    before = key_of(task)
    (tmp_path / ".DS_Store").write_text("x")
    assert key_of(task) == before
    (tmp_path / "train.parquet").write_text("2")
    assert key_of(task) != before


@pytest.mark.parametrize("kind", sorted(TASK_KINDS))
def test_every_option_of_a_kind_names_the_task_and_no_other_does(kind):
    task = task_of(kind, hub=TaskHubOptions("hub"))
    before = key_of(task)
    others = {"unanswerable": True, "text_columns": ["a"], "label_column": "b", "labels": ["c"], "format": "doc"}
    claimed = {option for facts in TASK_KINDS.values() for option in facts.options}
    for option in claimed:
        changed = replace(task, **{option: others.get(option, 7)})
        assert (key_of(changed) != before) == (option in TASK_KINDS[kind].options), option
    reads_hub = TASK_KINDS[kind].reads == "files"
    assert (key_of(replace(task, hub=TaskHubOptions("hub", "other"))) != before) == reads_hub


def test_a_missing_file_is_named(files):
    with pytest.raises(ValueError, match=r"tasks\.task\.path=.* has no file c\.json"):
        key_of(replace(files, dev_file="c.json"))
