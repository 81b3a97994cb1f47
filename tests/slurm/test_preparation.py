"""Preparation in tasks of datatrove as jobs of this cluster: the bytes that one process makes."""

import json
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

PREPARE = (
    *("stage=prepare", "scale=smoke", "corpus=jsonl", "corpus.path=corpus/*.jsonl", "corpus.num_processes=1"),
    *("corpus.num_documents=null", "tokenizer.vocab_size=400"),  # of a part of a corpus there is one task
)
IN_JOBS = ("preparation=datatrove_slurm", "preparation.partition=cpu", "preparation.num_tasks=2")


def write_corpus(directory: Path) -> None:
    """Write two files of 150 documents of six sentences."""
    (directory / "corpus").mkdir(parents=True)
    for name in ("a", "b"):
        texts = (" ".join(f"The fox {name} {doc} saw {each} hens in Leeds." for each in range(6)) for doc in range(150))
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
        (directory / "corpus" / f"{name}.jsonl").write_text(lines)


def stores(directory: Path) -> dict[str, bytes]:
    paths = [path for path in sorted((directory / "artifacts" / "stores").rglob("*")) if path.is_file()]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths if not path.name.startswith(".")}


def test_jobs_make_the_stores_of_one_process_to_the_byte(login, tmp_path):
    pytest.importorskip(
        "datatrove", reason="the extra cluster is not installed; preparation=datatrove_slurm is not tested"
    )
    for name in ("jobs", "here"):
        write_corpus(tmp_path / name)
    started = [login(*PREPARE, *words, directory=tmp_path / name) for name, words in (("jobs", IN_JOBS), ("here", ()))]
    for process, directory in started:
        assert process.wait(timeout=900) == 0, (directory / "login.log").read_text()
    said = (tmp_path / "jobs" / "login.log").read_text()
    assert "submitted jobs " in said
    expected = stores(tmp_path / "here")
    assert any("ids" in path for path in expected)
    assert stores(tmp_path / "jobs") == expected
