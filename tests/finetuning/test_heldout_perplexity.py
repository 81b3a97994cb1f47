"""Held-out perplexity: equal to one padded-by-nothing forward pass an input, and the same inputs for every arm."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm
from nsp_ablation.learning.probes.heldout_mlm import masked_inputs, measure, perplexity
from nsp_ablation.learning.probes.masked_positions import MaskedPositions
from nsp_ablation.options.task_options import TaskOptions

LENGTHS = [4, 9, 6, 9, 3]


def inputs_of(vocab_size):
    draw = np.random.Generator(np.random.Philox(3))
    ids = [draw.integers(5, vocab_size, length) for length in LENGTHS]
    labels = [np.where(draw.random(length) < 0.4, draw.integers(5, vocab_size, length), -100) for length in LENGTHS]
    labels[1][3], labels[4][:] = 7, -100
    return ids, labels


def queries_of(labels):
    """Return the queries of labels as in training, -100 where nothing is predicted."""
    positions = [np.flatnonzero(row != -100) for row in labels]
    expected = np.concatenate([row[at] for row, at in zip(labels, positions, strict=True)])
    return MaskedPositions(np.repeat(np.arange(len(labels)), list(map(len, positions))), np.hstack(positions), expected)


@pytest.mark.parametrize("kind", ["bert_directory", "roberta_directory"])
def test_losses_equal_those_of_each_input_alone(request, kind):
    directory = str(request.getfixturevalue(kind))
    model = load_masked_lm(directory).eval()
    ids, labels = inputs_of(model.config.vocab_size)
    expected = []
    for row, wanted in zip(ids, labels, strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.from_numpy(row)[None]).logits[0]
        expected.append(float(F.cross_entropy(logits, torch.from_numpy(wanted), reduction="sum")))
    outcome = perplexity(model, model.config.pad_token_id, ids, queries_of(labels), list("aabbc"), "probe")
    counts = np.array([(row != -100).sum() for row in labels])
    assert counts[:4].min() > 0
    loss = sum(expected[:4]) / counts.sum()
    assert outcome.metrics["mlm_loss"] == pytest.approx(loss, rel=1e-5)
    assert outcome.metrics["perplexity"] == pytest.approx(np.exp(loss), rel=1e-5)
    assert outcome.metrics["num_predictions"] == counts.sum()
    assert outcome.example_ids == ["0", "1", "2", "3"], "an input without predictions has no score"
    assert outcome.clusters == list("aabb")
    np.testing.assert_allclose(outcome.scores, np.exp(np.array(expected[:4]) / counts[:4]), rtol=1e-5)


def documents_of(lengths, vocab_size=40):
    """The arrays of a store of one sentence per document."""
    ids = np.arange(sum(lengths)) % (vocab_size - 5) + 5
    return ids, np.cumsum([0, *lengths]), np.arange(len(lengths) + 1)


def test_inputs_are_those_that_begin_within_the_tokens_asked_for(bert_directory, inputs_of):
    task = TaskOptions("probe", "heldout_mlm", metric="perplexity", heldout_tokens=40)
    inputs = inputs_of(bert_directory, 22, documents_of([20] * 30))
    flat = masked_inputs(inputs, task)
    assert np.diff(flat.sequence_offsets).tolist() == [22, 22]
    assert len(flat.masked_positions) == 2 * 3  # 15 % of 20 tokens
    assert len(masked_inputs(inputs, replace(task, masked_share=0.3)).masked_positions) == 2 * 6
    assert len(masked_inputs(inputs, replace(task, heldout_tokens=1)).masked_positions) == 3
    whole = masked_inputs(inputs, replace(task, mask_fraction=1.0, random_fraction=0.0))
    assert (whole.masked_input_ids == inputs.layout.mask).sum() == 6
    kept = masked_inputs(inputs, replace(task, mask_fraction=0.0, random_fraction=0.0))
    assert kept.masked_input_ids.tolist() == kept.input_ids.tolist()
    own = masked_inputs(inputs_of(bert_directory, 22, documents_of([10] * 60)), replace(task, format="doc"))
    assert np.diff(own.sequence_offsets).tolist() == [12] * 4


def test_measuring_scores_the_masked_inputs(bert_directory, inputs_of):
    task = TaskOptions("probe", "heldout_mlm", metric="perplexity", heldout_tokens=100)
    inputs, model = inputs_of(bert_directory, 22, documents_of([20] * 30)), load_masked_lm(bert_directory).eval()
    flat = masked_inputs(inputs, task)
    with torch.no_grad():
        rows = torch.from_numpy(flat.masked_input_ids).view(-1, 22)
        logits = model(input_ids=rows).logits.flatten(0, 1)
    expected = F.cross_entropy(logits, torch.from_numpy(flat.labels), ignore_index=-100)
    assert measure(model, inputs, task).metrics["mlm_loss"] == pytest.approx(float(expected), rel=1e-5)


def test_nothing_to_predict_is_refused(bert_directory):
    model, none = load_masked_lm(bert_directory), MaskedPositions(*np.zeros((3, 0), np.int64))
    with pytest.raises(ValueError, match=r"probe: .* raise corpus\.heldout_fraction"):
        perplexity(model, 0, [np.array([5, 6])], none, ["a"], "probe")
