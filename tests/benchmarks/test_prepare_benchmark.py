"""The benchmark of preparation runs on today's readers, and its ways encode the same tokens into the same stores."""

import json

import pytest

pytest.importorskip("datatrove", reason="the extra cluster is not installed; the benchmark's tasks are not tested")


@pytest.fixture(scope="module")
def prepare(benchmark_module):
    return benchmark_module("prepare")


def test_a_corpus_is_repeated_to_its_size_and_all_ways_agree(prepare, tmp_path):
    texts = [f"The {n}th river is long. It ends in the {n + 1}th sea." for n in range(200)]
    (tmp_path / "text.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    corpus, tokenizer = prepare.make_inputs(tmp_path, str(tmp_path / "text.jsonl"), None, 290)
    assert [json.loads(line)["text"] for line in corpus.read_text().splitlines()] == texts
    found = {
        way: prepare.child(way, corpus, tokenizer, tmp_path / way) for way in (prepare.ALONE, "1", f"{prepare.TASKS}1")
    }
    assert len({one["tokens"] for one in found.values()}) == 1
    assert found["1"]["store"] == found[f"{prepare.TASKS}1"]["store"]
    assert all(one["seconds"] > 0 for one in found.values())


@pytest.mark.parametrize(
    ("way", "title"),
    [
        ("1", "ours, 1 process"),
        ("2", "ours, 2 processes"),
        ("tasks-1", "datatrove_local, 1 worker"),
        ("tasks-2", "datatrove_local, 2 workers"),
        ("tokenizers alone", "tokenizers alone"),
    ],
)
def test_ways_are_named_by_what_runs(prepare, way, title):
    assert prepare.title(way) == title
