"""In-context recall: targets are repeated words, and the measures agree with one forward pass a row."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, load_tokenizer, read_layout
from nsp_ablation.learning.probes.in_context_recall import (
    choose_targets,
    content_words,
    continuing_tokens,
    measure,
)
from nsp_ablation.learning.tasks.metrics import standard_error
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

TASK = TaskOptions("in_context_recall", "recall", metric="accuracy", num_frequent=0)
SENTENCES = [
    ["ann lives in oslo .", "ben is red .", "ann is in oslo ."],
    ["carl works .", "the dog is blue , the cat is blue ."],
    ["the bird is bad .", "no ."],
]


@pytest.fixture
def store(bert_directory):
    """The token store's arrays of SENTENCES."""
    backend = load_tokenizer(bert_directory).backend_tokenizer
    encoded = [[backend.encode(s, add_special_tokens=False).ids for s in document] for document in SENTENCES]
    lengths = [len(ids) for document in encoded for ids in document]
    ids = np.array([id for document in encoded for ids in document for id in ids], dtype=np.uint16)
    documents = np.cumsum([0, *(len(document) for document in encoded)])
    return ids, np.cumsum([0, *lengths]), documents


FRAME = Frame(32, 2, 3, 4, 0, 1, (0, 1, 2, 3, 4), 1000, False)


def test_inputs_are_whole_sentences_of_one_document():
    ids = np.repeat(np.arange(5, 21), 2).astype(np.uint16)  # each token twice in a row
    store = TokenStore(ids, np.array([0, 3, 6, 9, 13, 30, 32]), np.array([0, 4, 6]), fingerprint="test")
    every, none = np.ones(1000, bool), np.zeros(1000, bool)
    task = replace(TASK, targets_per_input=9, num_inputs=None)
    targets = choose_targets(store, replace(FRAME, max_length=9), every, none, task)
    ends = targets.start + [len(tokens) for tokens in targets.inputs]
    assert list(zip(targets.start.tolist(), ends.tolist(), strict=True)) == [
        *((0, 6), (6, 13)),  # 0-3-6-9-13: a sentence that does not fit opens the next input
        *((13, 20), (20, 27), (27, 32)),  # 13-30: longer than the capacity, cut
    ]
    targets = choose_targets(store, replace(FRAME, max_length=8), every, none, task)
    assert np.concatenate(targets.inputs).tolist() == ids.tolist()


def choose(store, is_target, continues_word, targets_per_input=9, num_inputs=None):
    task = replace(TASK, targets_per_input=targets_per_input, num_inputs=num_inputs)
    return choose_targets(TokenStore(*store, fingerprint="test"), FRAME, is_target, continues_word, task)


def test_targets_are_the_repeated_words_of_each_input(store, bert_directory):
    tokenizer = load_tokenizer(bert_directory)
    continues_word, is_word = continuing_tokens(tokenizer)
    targets = choose(store, is_word, continues_word)
    words = [tokenizer.convert_ids_to_tokens(int(token)) for token in targets.expected()]
    found = {number: {w for w, i in zip(words, targets.input, strict=True) if i == number} for number in (0, 1)}
    assert found == {0: {"ann", "is", "in", "oslo"}, 1: {"the", "is", "blue"}}
    assert len(words) == 7
    positions = targets.start[targets.input] + targets.position
    assert store[0][positions].tolist() == targets.expected().tolist()
    assert len(choose(store, is_word, continues_word, targets_per_input=2).position) == 4
    assert len(choose(store, is_word, continues_word, num_inputs=1).inputs) == 1


def test_pieces_of_words_are_no_targets(roberta_directory):
    tokenizer = load_tokenizer(roberta_directory)
    continues_word, is_word = continuing_tokens(tokenizer)
    backend = tokenizer.backend_tokenizer
    for text, expected in (("cat, cat.", True), ("cats cats", False), ("cat cats", False), ("cat (cat)", False)):
        ids = np.array(backend.encode(text, add_special_tokens=False).ids)
        store = (ids, np.array([0, len(ids)]), np.array([0, 1]))
        assert bool(len(choose(store, is_word, continues_word).position)) == expected, text


def test_content_words_are_rare_words(bert_directory):
    is_word = np.array([False, True, True, True])
    assert content_words(np.array([0, 1, 1, 2, 0, 0]), is_word, 2).tolist() == [False, False, True, True]


@pytest.fixture
def crowded(bert_directory):
    """Three documents of 28 tokens in which words stand up to seven times."""
    tokenizer, draw = load_tokenizer(bert_directory), np.random.default_rng(2)
    words = tokenizer.convert_tokens_to_ids(["oslo", "ann", "blue", "cat", "is", "lives"])
    ids = draw.choice(np.array(words, np.uint16), 3 * 28)
    assert min(np.bincount(ids[at : at + 28]).max() for at in (0, 28, 56)) > 5
    return ids, np.arange(0, 85, 7), np.arange(0, 13, 4)


@pytest.mark.parametrize(("documents", "num_targets", "majority"), [("store", 3, 1 / 3), ("crowded", 8, 3 / 8)])
def test_measures_agree_with_one_pass_a_target(request, bert_directory, inputs_of, documents, num_targets, majority):
    store = request.getfixturevalue(documents)
    tokenizer, layout = load_tokenizer(bert_directory), read_layout(bert_directory, 32, "as_pretrained")
    asked = np.array([tokenizer.convert_tokens_to_ids(word) for word in ("oslo", "ann", "blue")])
    model, inputs = load_masked_lm(bert_directory).eval(), inputs_of(bert_directory, 32, store, asked)
    outcome = measure(model, inputs, TASK)
    gains, hits, read = [], [], []
    for example in map(int, outcome.example_ids):
        document = int(np.searchsorted(store[1][store[2]], example, side="right")) - 1
        start, end = store[1][store[2][document]], store[1][store[2][document + 1]]
        ids, target = torch.tensor(store[0][start:end].astype(np.int64)), int(store[0][example])
        assert target in asked
        read.append(document)
        once, everywhere = ids.clone(), ids.clone()
        once[example - start] = layout.mask
        everywhere[ids == target] = layout.mask
        rows = [torch.cat([torch.tensor([layout.cls]), row, torch.tensor([layout.sep])]) for row in (once, everywhere)]
        with torch.no_grad():
            logits = [model(input_ids=row[None]).logits[0, example - start + 1] for row in rows]
        gains.append(float(logits[0].log_softmax(0)[target] - logits[1].log_softmax(0)[target]))
        hits.append(float(logits[0].argmax() == target))
    assert len(gains) == num_targets
    assert outcome.metrics["recall_gain"] == pytest.approx(np.mean(gains), abs=1e-5)
    assert outcome.metrics["num_targets"] == num_targets
    error = standard_error(np.array(gains), np.array(read))
    assert outcome.metrics["recall_gain_standard_error"] == pytest.approx(error, rel=1e-3)
    assert outcome.scores.tolist() == hits
    assert outcome.clusters == [str(document) for document in read]
    assert outcome.metrics["accuracy"] == np.mean(hits)
    by_gain = measure(model, inputs, replace(TASK, metric="recall_gain"))
    assert by_gain.scores.tolist() == pytest.approx(gains, abs=1e-5)
    assert by_gain.baselines.chance is None
    assert (outcome.baselines.chance, outcome.baselines.majority) == pytest.approx((1 / 3, majority))


def test_short_inputs_are_measured_beside_long_ones(store, bert_directory, inputs_of):
    model = load_masked_lm(bert_directory).eval()
    outcome = measure(model, inputs_of(bert_directory, 32, store), replace(TASK, short_share=14 / 32))
    assert outcome.metrics["num_targets"] == 7.0
    assert outcome.metrics["num_targets_in_range"] == 3.0  # "the dog is blue , the cat is blue ."
    ids, sentences, documents = store  # the first document alone: no sentence of it repeats a word
    first = (ids[: sentences[3]], sentences[:4], documents[:2])
    without = measure(model, inputs_of(bert_directory, 32, first), replace(TASK, short_share=0.25))
    assert without.metrics["num_targets"] == 4.0
    assert "accuracy_in_range" not in without.metrics


def test_nothing_repeated_and_foreign_ids_are_errors(store, bert_directory, inputs_of):
    model = load_masked_lm(bert_directory).eval()
    with pytest.raises(ValueError, match="no word stands twice in a held-out input of 8 tokens"):
        measure(model, inputs_of(bert_directory, 8, (store[0][:9], store[1][:3], [0, 2])), TASK)
    with pytest.raises(ValueError, match="another vocabulary than the held-out documents' tokenizer"):
        measure(model, inputs_of(bert_directory, 32, (store[0] + 999, *store[1:])), TASK)


def test_every_architecture_is_probed(roberta_directory, prelayernorm_directory, inputs_of):
    for directory in (roberta_directory, prelayernorm_directory):
        ids = load_tokenizer(directory).backend_tokenizer.encode("cat, cat.", add_special_tokens=False).ids
        inputs = inputs_of(directory, 32, (ids, [0, 4], [0, 1]))
        assert measure(load_masked_lm(directory).eval(), inputs, TASK).metrics["num_targets"] == 1.0


def test_the_standard_error_counts_inputs_and_not_targets():
    draw = np.random.Generator(np.random.Philox(1))
    values, each = draw.normal(size=400), np.arange(400)
    assert standard_error(values, each) == pytest.approx(values.std(ddof=1) / np.sqrt(400))
    copies = np.repeat(values, 4)
    assert standard_error(copies, np.repeat(each, 4)) == pytest.approx(standard_error(values, each))
    assert standard_error(copies, np.arange(1600)) == pytest.approx(standard_error(values, each) / 2, rel=0.01)
    assert standard_error(values, np.zeros(400, int)) is None
