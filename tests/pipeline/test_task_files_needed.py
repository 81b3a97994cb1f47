"""The command line asks for the files that the tasks' readers then find, by the same rule."""

import gzip

import pytest

from nsp_ablation.config.path_checks import needed_paths
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.tasks.task_files import split_files
from nsp_ablation.learning.tasks.task_kind import read_task
from nsp_ablation.options.task_options import TaskOptions

HEADER = "sentence\tlabel\n"


def task_of(directory: object, train_file: object) -> TaskOptions:
    columns = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}
    files = {"path": str(directory), "train_file": train_file, "dev_file": "dev.tsv"}
    return TaskOptions("sst2", "classification", metric="accuracy", **files, **columns)


def problems_of(task: TaskOptions) -> list[str]:
    config = Config(stage="finetune", encoder="random", tasks={"sst2": task})
    return [
        problem.line()
        for path in needed_paths(config)
        if path.field == "tasks.sst2.path"
        for problem in path.check(path)
    ]


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "task [1]"
    folder.mkdir()
    for name in ("dev", "a", "b", "[c]"):
        (folder / f"{name}.tsv").write_text(f"{HEADER}of {name}\t1\n")
    (folder / "packed.tsv.gz").write_bytes(gzip.compress(f"{HEADER}of packed\t0\n".encode()))
    (folder / "._d.tsv").write_text("")
    return folder


@pytest.mark.parametrize(
    ("train_file", "texts"),
    [
        ("a.tsv", ["a"]),
        ("packed.tsv", ["packed"]),
        ("[ab].tsv", ["a", "b"]),
        ("[c].tsv", ["[c]"]),
        (["b.tsv", "a.tsv"], ["b", "a"]),
        (["b.tsv", "[ab].tsv", "packed.tsv"], ["b", "a", "packed"]),
        (["a.tsv", "none.tsv"], None),
        ("none.tsv", None),
        ("*d.tsv", None),
        ("?_d.tsv", None),
    ],
)
def test_what_the_front_door_accepts_the_reader_reads(directory, train_file, texts):
    task = task_of(directory, train_file)
    if texts is None:
        assert len(problems_of(task)) == 1
        with pytest.raises(ValueError, match="has no file"):
            split_files(task, "train")
        return
    assert problems_of(task) == []
    assert [example.texts for example in read_task(task, "train")] == [(f"of {text}",) for text in texts]


def test_a_home_directory_may_stand_as_a_tilde(directory, monkeypatch):
    monkeypatch.setenv("HOME", str(directory.parent))
    task = task_of(f"~/{directory.name}", "a.tsv")
    assert problems_of(task) == []
    assert split_files(task, "train") == [directory / "a.tsv"]
