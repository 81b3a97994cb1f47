"""NSP and SOP by a linear probe: pairs as they stand in the text, documents on one side, states of `transformers`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from nsp_ablation.learning.engine.encoder_directory import load_encoder, read_layout
from nsp_ablation.learning.probes import pair_order
from nsp_ablation.learning.probes.pair_order import choose_pairs, measure, num_examples, segments
from nsp_ablation.learning.tasks.logistic_regression import fit_classifier
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.text.store.token_store import TokenStore

NSP = TaskOptions("probe", "pair_order", metric="accuracy")
SOP = replace(NSP, pair_label="sop")
documents_of_lengths = st.lists(st.lists(st.integers(1, 12), min_size=1, max_size=8), min_size=1, max_size=12)


def store_of(documents):
    """A store of documents given by the lengths of their sentences; tokens count from 5."""
    counted = iter(range(5, 100_000))
    return TokenStore.from_documents([[[next(counted) for _ in range(n)] for n in one] for one in documents], 100_000)


@given(documents_of_lengths, st.sampled_from([NSP, SOP]), st.integers(1, 20))
@settings(max_examples=200, deadline=None)
def test_pairs_are_neighbours_or_of_two_documents_and_no_document_is_on_both_sides(documents, task, capacity):
    store = store_of(documents)
    pairs = choose_pairs(store, replace(task, num_borders=None))
    having = sum(len(document) > 1 for document in documents)
    num_train = round(0.5 * having)
    assert (pairs is None) == (min(num_train, having - num_train) < 2)
    if pairs is None:
        return
    starts = store.sentence_offsets[store.document_offsets]
    document = np.searchsorted(starts, pairs.border, side="right") - 1
    assert pairs.border.tolist() == sorted({*store.sentence_offsets.tolist()} - {*starts.tolist()})
    assert not {*document[pairs.is_train]} & {*document[~pairs.is_train]}
    for side in (pairs.is_train, ~pairs.is_train):
        assert pairs.label[side].sum() == side.sum() // 2
    first, second = segments(store, pairs, capacity)
    whole = {*store.sentence_offsets.tolist()}
    for number, ((a, border), (b, end)) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        assert 0 < border - a <= capacity
        assert 0 < end - b <= capacity
        assert border == pairs.border[number]
        assert a in whole or (border - a == capacity and not whole & {*range(a, border)})
        assert end in whole or (end - b == capacity and not whole & {*range(b + 1, end + 1)})
        other = np.searchsorted(starts, b, side="right") - 1
        assert b in pairs.border
        if task.pair_label == "nsp":
            assert (other != document[number]) == pairs.label[number]
            assert pairs.is_train[pairs.border.tolist().index(b)] == pairs.is_train[number]
            assert pairs.label[number] or b == border
        else:
            assert b == border
    assert pairs.is_swapped.tolist() == (pairs.label.tolist() if task is SOP else [False] * len(first))


def test_the_draws_are_fixed_and_a_border_keeps_its_own_however_many_are_drawn():
    store = store_of([[4, 5, 6, 3]] * 12)
    every, again = choose_pairs(store, replace(NSP, num_borders=None)), choose_pairs(store, NSP)
    assert every.label.tolist() == again.label.tolist()
    few = choose_pairs(store, replace(NSP, num_borders=20))
    assert len(few.border) == 20
    assert set(few.border) < set(every.border)


@pytest.fixture
def told(bert_directory, inputs_of):
    """Inputs of documents of twenty words each of one letter, by which any encoder tells documents apart."""
    draw = np.random.default_rng(1)
    vocabulary = np.arange(5, 45)
    ids = np.concatenate([draw.choice(vocabulary[n % 2 :: 2], 24) for n in range(40)])
    borders = np.arange(0, 24 * 40 + 1, 4)
    return inputs_of(bert_directory, 24, (ids.astype(np.uint16), borders, np.arange(0, 241, 6)))


@pytest.mark.parametrize("task", [NSP, SOP], ids=["nsp", "sop"])
def test_states_are_those_of_transformers_on_each_pair(bert_directory, told, task, monkeypatch):
    model, layout = load_encoder(bert_directory, "fresh").eval(), read_layout(bert_directory, 24, "as_pretrained")
    seen = {}
    fit = pair_order.fit_classifier

    def spy(features, labels, *rest):
        seen.setdefault(len(seen), (features, labels))
        return fit(features, labels, *rest)

    monkeypatch.setattr(pair_order, "fit_classifier", spy)
    outcome = measure(model, told, replace(task, num_borders=30, in_range_tokens=14))
    pairs = choose_pairs(told.heldout, replace(task, num_borders=30))
    assert len(seen) == 2
    for (features, labels), capacity in zip(seen.values(), (10, 5), strict=True):
        first, second = segments(told.heldout, pairs, capacity)
        expected = []
        for number in np.flatnonzero(pairs.is_train):
            a, b = (told.heldout.ids[slice(*one[number])].tolist() for one in (first, second))
            a, b = (b, a) if task is SOP and pairs.label[number] else (a, b)
            row = torch.tensor([[layout.cls, *a, layout.sep, *b, layout.sep]])
            types = torch.tensor([[0] * (len(a) + 2) + [layout.second_type] * (len(b) + 1)])
            with torch.no_grad():
                expected.append(model(input_ids=row, token_type_ids=types).last_hidden_state[0, 0].numpy())
        np.testing.assert_allclose(features, np.stack(expected), atol=1e-5)
        assert labels.tolist() == pairs.label[pairs.is_train].tolist()
    assert outcome.example_ids == [str(border) for border in pairs.border[~pairs.is_train]]
    assert outcome.metrics["accuracy"] == outcome.scores.mean()
    right = [(found > 0.5) == label for found, label in
             zip(outcome.predictions.values(), pairs.label[~pairs.is_train], strict=True)]  # fmt: skip
    assert outcome.scores.tolist() == right
    assert {"accuracy_in_range", "accuracy_standard_error", "accuracy_in_range_standard_error"} - {
        *outcome.metrics
    } == {"accuracy_in_range_standard_error"}
    assert outcome.metrics["num_pairs"] + outcome.metrics["num_train_pairs"] == 30
    assert outcome.baselines.chance == 0.5
    assert {int(one) for one in outcome.clusters} == {int(border) // 24 for border in pairs.border[~pairs.is_train]}


def test_a_random_b_of_other_words_is_told_and_the_order_of_random_words_is_not(bert_directory, told):
    model = load_encoder(bert_directory, "fresh").eval()
    accuracy = {task.pair_label: measure(model, told, task).metrics["accuracy"] for task in (NSP, SOP)}
    assert accuracy["nsp"] > accuracy["sop"]
    assert 0.35 < accuracy["sop"] < 0.65


def test_too_few_documents_are_refused_before_there_is_an_encoder(bert_directory, inputs_of):
    borders = np.arange(0, 25, 4)
    inputs = inputs_of(bert_directory, 24, (np.full(24, 6), borders, np.array([0, 2, 4, 6])))
    with pytest.raises(ValueError, match=r"tasks\.probe: its classifier .* raise corpus\.heldout_fraction"):
        num_examples(inputs, NSP)
    enough = inputs_of(bert_directory, 24, (np.full(32, 6), np.arange(0, 33, 4), np.array([0, 2, 4, 6, 8])))
    assert num_examples(enough, NSP) == 2


def test_the_classifier_is_at_the_minimum_of_its_objective():
    draw = np.random.default_rng(2)
    features = draw.normal(size=(80, 5)) * [1, 10, 0.1, 3, 0] + 7  # the last one is constant
    labels = features[:, 0] + draw.normal(size=80) > 7
    found = fit_classifier(features, labels, penalty=2.0, max_iterations=500)
    standard = (features - features.mean(axis=0)) / np.array([*features.std(axis=0)[:4], 1.0])
    pull = special.expit(standard @ found.weights + found.intercept) - labels
    np.testing.assert_allclose(standard.T @ pull + 2.0 * found.weights, 0, atol=2e-3)
    assert abs(pull.sum()) < 2e-3
    np.testing.assert_allclose(found.probability(features), pull + labels, atol=1e-12)
    assert np.mean((found.probability(features) > 0.5) == labels) > 0.7
    weaker = fit_classifier(features, labels, penalty=200.0, max_iterations=500)
    assert np.linalg.norm(weaker.weights) < np.linalg.norm(found.weights) / 2
