"""What names a task's examples: its files split by split, and the options that its kind has."""

from dataclasses import replace
from pathlib import Path

import pytest

from nsp_ablation.options.task_options import TASK_KINDS, TaskHubOptions, TaskOptions
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
