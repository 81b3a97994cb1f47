"""What names a task's examples: its files split by split, and the options that its kind has."""

from dataclasses import replace

import pytest

from nsp_ablation.config.schema import Config
from nsp_ablation.options.task_options import TASK_KINDS, TaskHubOptions, TaskOptions
from nsp_ablation.pipeline.task_files import task_fingerprint

CONFIG = Config(max_length=32)


def task_of(kind: str, **changed) -> TaskOptions:
    return replace(TaskOptions("task", kind, metric=TASK_KINDS[kind].metrics[0]), **changed)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "a.json").write_text("1")
    (tmp_path / "b.json").write_text("2")
    return task_of("span_qa", path=str(tmp_path), train_file="a.json", dev_file="b.json")


def test_a_changed_byte_or_swapped_files_are_another_task(files, tmp_path):
    before = task_fingerprint(CONFIG, files)
    assert task_fingerprint(CONFIG, replace(files, train_file="b.json", dev_file="a.json")) != before
    assert task_fingerprint(CONFIG, replace(files, title="other", name="other")) == before
    (tmp_path / "b.json").write_text("3")
    assert task_fingerprint(CONFIG, files) != before


@pytest.mark.parametrize("kind", sorted(TASK_KINDS))
def test_every_option_of_a_kind_names_the_task_and_no_other_does(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("nsp_ablation.pipeline.task_files.store_key", lambda config: "store")
    task = task_of(kind, hub=TaskHubOptions("hub"))
    before = task_fingerprint(CONFIG, task)
    others = {"unanswerable": True, "text_columns": ["a"], "label_column": "b", "labels": ["c"], "format": "doc"}
    claimed = {option for facts in TASK_KINDS.values() for option in facts.options}
    for option in claimed:
        changed = replace(task, **{option: others.get(option, 7)})
        assert (task_fingerprint(CONFIG, changed) != before) == (option in TASK_KINDS[kind].options), option
    reads_hub = TASK_KINDS[kind].reads == "files"
    assert (task_fingerprint(CONFIG, replace(task, hub=TaskHubOptions("hub", "other"))) != before) == reads_hub


def test_a_missing_file_is_named(files):
    with pytest.raises(ValueError, match=r"tasks\.task\.path=.* has no file c\.json"):
        task_fingerprint(CONFIG, replace(files, dev_file="c.json"))
