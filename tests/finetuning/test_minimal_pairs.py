"""Minimal pairs: BLiMP's files and the hub's columns, and pseudo-log-likelihoods equal to one pass a masked token."""

import json
from types import SimpleNamespace

import datasets
import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, load_tokenizer, read_layout
from nsp_ablation.learning.probes.minimal_pairs import check_files, encode_sentence, measure, read_minimal_pairs
from nsp_ablation.learning.tasks.examples import MinimalPair
from nsp_ablation.options.task_facts import TaskHubOptions

PAIRS = [
    MinimalPair("order-0", "ann lives in oslo .", "ann in lives oslo .", "word_order", "order"),
    MinimalPair("order-1", "the cat is red .", "the is cat red .", "word_order", "order"),
    MinimalPair("same-0", "ben works .", "ben works .", "none", "same"),
]


def rows_of(pairs, number="pairID"):
    return [
        {"sentence_good": pair.good, "sentence_bad": pair.bad, "UID": pair.paradigm, "field": "syntax",
         "linguistics_term": pair.phenomenon, number: pair.id.split("-")[1]}
        for pair in pairs
    ]  # fmt: skip


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def pairs_task(tmp_path, task_of):
    """The task of PAIRS in a file."""
    write(tmp_path / "pairs.jsonl", rows_of(PAIRS))
    return task_of("minimal_pairs", tmp_path)


def test_files_of_paradigms_and_one_file_of_all_are_read(tmp_path, task_of):
    for name, pairs in (("b.jsonl", PAIRS[:2]), ("a.jsonl", PAIRS[2:])):
        write(tmp_path / name, rows_of(pairs))
    assert read_minimal_pairs(task_of("minimal_pairs", tmp_path)) == [PAIRS[2], *PAIRS[:2]]
    (tmp_path / "a.jsonl").unlink()
    write(tmp_path / "b.jsonl", rows_of(PAIRS))
    assert read_minimal_pairs(task_of("minimal_pairs", tmp_path)) == PAIRS


def test_every_configuration_of_the_hubs_data_set_is_read(tmp_path, task_of):
    for name, pairs in (("order", PAIRS[:2]), ("same", PAIRS[2:])):
        (tmp_path / name).mkdir()
        rows = [{**row, "pair_id": int(row["pair_id"])} for row in rows_of(pairs, "pair_id")]
        datasets.Dataset.from_list(rows).to_parquet(tmp_path / name / "train.parquet")
    configs = [{"config_name": name, "data_files": f"{name}/train.parquet"} for name in ("order", "same")]
    lines = ["---", "configs:", *(f"- {json.dumps(config)}" for config in configs), "---", ""]
    (tmp_path / "README.md").write_text("\n".join(lines))
    assert read_minimal_pairs(task_of("minimal_pairs", None, hub=TaskHubOptions(str(tmp_path)))) == PAIRS


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"sentence_good": "a"}', r"pairs\.jsonl: line 1: UID is None; a row of BLiMP has"),
        ("7", "line 1: UID is None"),
        ("{", r"pairs\.jsonl: line 1 is not JSON"),
        (json.dumps(rows_of(PAIRS)[0] | {"sentence_bad": 7}), "line 1: sentence_bad is 7; a row of BLiMP has texts"),
        ("\n".join(json.dumps(rows_of(PAIRS)[0]) for _ in "ab"), "line 2: pair order-0 occurs twice"),
        ("", r"tasks\.task: no pairs in"),
    ],
)
def test_malformed_files_are_refused_with_their_line(tmp_path, task_of, content, message):
    (tmp_path / "pairs.jsonl").write_text(content)
    with pytest.raises(ValueError, match=message):
        check_files(task_of("minimal_pairs", tmp_path))


def test_nothing_to_read_is_refused(tmp_path, task_of):
    with pytest.raises(ValueError, match=r"tasks\.task\.path=.* has no file \*\.jsonl"):
        read_minimal_pairs(task_of("minimal_pairs", tmp_path))
    with pytest.raises(ValueError, match=r"has neither path nor hub; set tasks\.task\.path=DIR"):
        read_minimal_pairs(task_of("minimal_pairs", None))


@pytest.mark.parametrize("kind", ["bert_directory", "roberta_directory", "prelayernorm_directory"])
def test_scores_are_sums_of_one_pass_a_masked_token(request, kind, pairs_task, inputs_of):
    directory = request.getfixturevalue(kind)
    model, backend = load_masked_lm(directory).eval(), load_tokenizer(directory).backend_tokenizer
    layout = read_layout(directory, 32, "as_pretrained")

    def likelihood(text, hides_rest_of_word=False):
        encoding, total = backend.encode(text, add_special_tokens=False), 0.0
        ids, words = encoding.ids, encoding.word_ids
        for position, token in enumerate(ids, start=1):
            row = [layout.cls, *ids, layout.sep]
            row[position] = layout.mask
            for later in range(position, len(ids)) if hides_rest_of_word else ():
                row[later + 1] = layout.mask if words[later] == words[position - 1] else row[later + 1]
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([row])).logits[0, position]
            total += float(logits.log_softmax(0)[token])
        return total

    outcome = measure(model, inputs_of(directory, 32), pairs_task)
    differences = np.array([likelihood(pair.good) - likelihood(pair.bad) for pair in PAIRS])
    by_word = np.array([likelihood(pair.good, True) - likelihood(pair.bad, True) for pair in PAIRS])
    np.testing.assert_allclose(list(outcome.predictions.values()), np.stack([differences, by_word], axis=1), atol=1e-4)
    is_split = kind != "bert_directory"  # byte-level BPE without merges, and WordPieces of whole words
    assert (np.abs(by_word - differences).max() > 1e-3) == is_split
    assert outcome.items["accuracy_word_l2r"].tolist() == [*(float(value > 0) for value in by_word[:2]), 0.5]
    assert outcome.metrics["num_split_sentences"] == (6 if is_split else 0)
    assert np.abs(differences[:2]).min() > 1e-3, "the sign of a difference must not be a matter of rounding"
    assert outcome.scores.tolist() == [*(float(value > 0) for value in differences[:2]), 0.5]
    assert outcome.metrics["accuracy"] == outcome.scores.mean()
    assert outcome.metrics["accuracy_word_order"] == outcome.scores[:2].mean()
    assert outcome.metrics["accuracy_none"] == 0.5
    assert (outcome.baselines.chance, outcome.example_ids) == (0.5, ["order-0", "order-1", "same-0"])
    assert outcome.clusters == ["order", "order", "same"]


@pytest.mark.parametrize(
    ("words", "ends"),
    [([0, 0, 0, 1], [3, 3, 3, 4]), ([0, 1, 2], [1, 2, 3]), ([0, None, None, 1], [1, 2, 3, 4]), ([0, 0], [2, 2])],
)
def test_the_rest_of_a_word_ends_where_the_word_does(words, ends):
    sentence = encode_sentence(SimpleNamespace(ids=list(range(len(words))), word_ids=words))
    assert sentence.word_end.tolist() == ends
    assert sentence.is_split == (len(words) != len(set(ends)))


def test_a_sentence_longer_than_an_input_is_refused(bert_directory, pairs_task, inputs_of):
    with pytest.raises(ValueError, match=r"tasks\.task: .* pair order-0 has 5 tokens; .* max_length=6 holds 1 to 4"):
        measure(load_masked_lm(bert_directory), inputs_of(bert_directory, 6), pairs_task)
