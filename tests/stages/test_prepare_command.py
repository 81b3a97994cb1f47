"""`stage=prepare`: what decides which store is used, what is said, and what a worker's error looks like."""

import json
import pickle
import random
import time
from pathlib import Path

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.text.store.shard import build_shard


def write_documents(path: Path, number: int, place: str) -> str:
    rows = [{"text": f"Anna lives in {place} {i}. She has a cat. The cat is {i} years old."} for i in range(number)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


def store_directories(tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "artifacts" / "stores").iterdir() if path.is_dir()}


def test_the_number_of_processes_names_no_store(nsp, tmp_path):
    path = write_documents(tmp_path / "a.jsonl", 40, "town")
    command = ("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300")
    first = nsp(*command)
    assert first.status == 0, first.err
    assert "prepare | shard 1/1" in first.out
    again = nsp(*command, "corpus.num_processes=3")
    assert again.status == 0, again.err
    assert "prepare | " not in again.out
    assert len(store_directories(tmp_path)) == 1


def test_shards_that_a_cluster_made_are_found(nsp, planned, tmp_path):
    path = write_documents(tmp_path / "a.jsonl", 40, "town")
    command = ["stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300"]
    (cell,) = planned(*command)
    for call in pickle.loads(pickle.dumps(feed_of(cell.config).stores.shards())):
        build_shard(*call)
    ended = nsp(*command)
    assert ended.status == 0, ended.err
    assert "prepare | 1 of 1 shards are there from an earlier run" in ended.out


@pytest.mark.slow
def test_tasks_of_an_engine_make_the_same_stores_and_can_be_looked_at(nsp, tmp_path):
    pytest.importorskip("datatrove", reason="the extra cluster is not installed")
    path = write_documents(tmp_path / "a.jsonl", 400, "town")
    command = ("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300")
    tasks = ("preparation=datatrove_local", "preparation.num_tasks=2", "preparation.num_workers=1")
    shown = nsp(*command, *tasks, "preparation.show_tasks=true")
    assert shown.out.startswith("  prepare | no task of stores/")
    assert not (tmp_path / "artifacts" / "stores").exists()
    assert nsp(*command, "paths.artifacts=here").status == 0
    ended = nsp(*command, *tasks)
    assert ended.status == 0, ended.err
    assert "prepare | shard 2/2" in ended.out
    found = [
        {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (tmp_path / "here" / "stores", tmp_path / "artifacts" / "stores")
    ]
    assert found[0] == found[1]
    assert "the stores are there" in nsp(*command, *tasks, "preparation.show_tasks=true").out


def write_repeated(path: Path) -> str:
    """Write 60 documents of 41 words, drawn at random, of which the last 20 are the first 20 but for the last word."""
    words = [f"{a}{b}{c}" for a in "bdfgkl" for b in "aeiou" for c in "mnrst"]
    texts = [" ".join(random.Random(number).choices(words, k=38)) for number in range(40)]
    rows = [
        {"text": f"{text} so ends {end}."} for texts, end in ((texts, "it"), (texts[:20], "this")) for text in texts
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


@pytest.mark.slow
def test_a_search_for_near_duplicates_can_be_looked_at_and_goes_on_where_it_was_cut_off(nsp, tmp_path, monkeypatch):
    pytest.importorskip("datatrove", reason="the extra cluster is not installed")
    from nsp_ablation.text.preparation.local_tasks import LocalTasks

    path = write_repeated(tmp_path / "a.jsonl")
    command = ("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300")
    command += ("corpus.near_duplicates=remove", "corpus.near_duplicate_buckets=5")
    command += ("preparation=datatrove_local", "preparation.num_tasks=2", "preparation.num_workers=1")
    run = LocalTasks.run

    def run_until_match(tasks, *arguments):
        if tasks.folder.name == "match":
            raise InputError("cut off")
        run(tasks, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(LocalTasks, "run", run_until_match)
        assert nsp(*command).status == 1
    shown = nsp(*command, "preparation.show_tasks=true")
    states = "0 failed, 0 begun and not ended (running, or killed)"
    assert [line.partition(" | ")[2] for line in shown.out.splitlines()] == [
        f"near-duplicates, sign: tasks 2/2 done, {states}, 0 not begun",
        f"near-duplicates, match: tasks 0/5 done, {states}, 5 not begun",
        f"near-duplicates, join: tasks 0/1 done, {states}, 1 not begun",
        f"tasks 0/2 done, {states}, 2 not begun",
    ]
    ended = nsp(*command)
    assert ended.status == 0, ended.err
    (noted,) = (tmp_path / "artifacts").glob("stores/*/near_duplicates.json")
    assert json.loads(noted.read_text())["documents"] == 20


@pytest.mark.slow
def test_near_duplicates_are_removed_wherever_the_stores_are_made_and_the_card_counts_them(nsp, tmp_path):
    pytest.importorskip("datatrove", reason="the extra cluster is not installed")
    path = write_repeated(tmp_path / "a.jsonl")
    command = ("corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300", "corpus.heldout_fraction=0.2")
    command += ("corpus.near_duplicates=remove", "scale=smoke")
    tasks = ("preparation=datatrove_local", "preparation.num_tasks=3", "preparation.num_workers=1")
    ended = nsp("stage=prepare", *command, *tasks, "paths.artifacts=tasks")
    assert ended.status == 0, ended.err
    shown = nsp("stage=inspect", *command)
    assert shown.status == 0, shown.err
    assert "prepare | looking for near-duplicates" in shown.out
    assert "20 of 60 documents (33.3 %)" in shown.out
    found = [
        {file.relative_to(root): file.read_bytes() for file in root.rglob("*") if file.is_file()}
        for root in (tmp_path / "tasks" / "stores", tmp_path / "artifacts" / "stores")
    ]
    assert found[0] == found[1]
    (card,) = (tmp_path / "artifacts" / "cards").glob("*.json")
    values = {line["name"]: line["value"] for line in json.loads(card.read_text())["lines"]}
    taken = values["near_duplicates_removed"]
    assert (taken["documents"], taken["of_documents"]) == (20, 60)
    assert values["documents"] + values["held_out"]["documents"] + taken["documents"] == 60
    texts = [json.loads(row)["text"] for row in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert (taken["bytes"], taken["of_bytes"]) == (sum(map(len, texts[40:])), sum(map(len, texts)))


def test_near_duplicates_without_their_engine_are_refused_in_one_line(nsp, tmp_path, monkeypatch):
    monkeypatch.setattr("nsp_ablation.pipeline.stores.find_spec", lambda name: None)
    path = write_documents(tmp_path / "a.jsonl", 40, "town")
    command = ("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=300")
    refused = nsp(*command, "corpus.near_duplicates=remove")
    assert refused.status == 1
    expected = (
        "corpus.near_duplicates=remove needs datatrove, which is not installed; pip install 'nsp-ablation[cluster]'"
    )
    assert f"{expected}, or set corpus.near_duplicates=keep" in refused.err
    assert not (tmp_path / "artifacts" / "stores").exists()


def test_shards_without_near_duplicates_are_not_made_one_by_one(nsp, planned, tmp_path):
    path = write_documents(tmp_path / "a.jsonl", 40, "town")
    (cell,) = planned("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "corpus.near_duplicates=remove")
    with pytest.raises(InputError, match="corpus.near_duplicates=remove: no shard can be made by itself"):
        feed_of(cell.config).stores.shards()


def test_how_near_duplicates_are_found_is_refused_where_they_are_kept(nsp, tmp_path):
    path = write_documents(tmp_path / "a.jsonl", 40, "town")
    refused = nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "corpus.near_duplicate_words=3")
    assert "corpus.near_duplicate_words=3: is how near-duplicates are found; set corpus.near_dup" in refused.err


def test_another_corpus_is_another_store_under_a_tokenizer_of_ones_own_too(nsp, tmp_path):
    paths = [write_documents(tmp_path / f"{place}.jsonl", 40, place) for place in ("town", "village")]
    assert nsp("stage=prepare", "corpus=jsonl", f"corpus.path={paths[0]}", "tokenizer.vocab_size=300").status == 0
    (tokenizer,) = (path for path in (tmp_path / "artifacts" / "tokenizers").iterdir() if path.is_dir())
    before = store_directories(tmp_path)
    own = ("tokenizer=pretrained", f"tokenizer.path={tokenizer}")
    for number, path in enumerate(paths, start=1):
        assert nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}", *own).status == 0
        assert len(store_directories(tmp_path) - before) == number


def test_a_corpus_that_changes_within_a_process_has_another_fingerprint(tmp_path):
    options = CorpusOptions("jsonl", "jsonl", path=str(tmp_path / "a.jsonl"), text_key="text")
    names = []
    for place in ("Rome", "Pisa", "Rome"):
        write_documents(tmp_path / "a.jsonl", 3, place)
        names += [Corpus(tmp_path, options).key, Corpus(tmp_path, options).key]
        time.sleep(0.02)  # a file system's clock ticks every 4 ms
    assert names[0] == names[1] == names[4] == names[5]
    assert names[2] == names[3] != names[0]


@pytest.mark.slow
def test_a_bad_line_that_another_process_finds_is_one_clear_error(nsp, tmp_path):
    path = write_documents(tmp_path / "a.jsonl", 130_000, "town")
    lines = (tmp_path / path).read_text().splitlines(keepends=True)
    lines[100_000] = '{"text": "broken\n'
    (tmp_path / path).write_text("".join(lines))
    write_documents(tmp_path / "b.jsonl", 40, "town")
    assert nsp("stage=prepare", "corpus=jsonl", "corpus.path=b.jsonl", "tokenizer.vocab_size=300").status == 0
    (tokenizer,) = (place for place in (tmp_path / "artifacts" / "tokenizers").iterdir() if place.is_dir())
    own = ("tokenizer=pretrained", f"tokenizer.path={tokenizer}", "corpus.num_processes=2")
    ended = nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}", *own)
    assert ended.status == 1
    assert [line for line in ended.err.splitlines() if line] == [
        "error: a.jsonl:100001 is not JSON (Unterminated string starting at: line 1 column 10 (char 9)); "
        "corpus=jsonl needs one object on each line"
    ]
