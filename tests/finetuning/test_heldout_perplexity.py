"""Held-out perplexity: equal to one padded-by-nothing forward pass an input, and the same inputs for every arm."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm
from nsp_ablation.learning.probes.heldout_mlm import heldout_mlm

LENGTHS = [4, 9, 6, 9, 3]


def inputs_of(vocab_size):
    draw = np.random.Generator(np.random.Philox(3))
    ids = [draw.integers(5, vocab_size, length) for length in LENGTHS]
    labels = [np.where(draw.random(length) < 0.4, draw.integers(5, vocab_size, length), -100) for length in LENGTHS]
    labels[1][3], labels[4][:] = 7, -100
    return ids, labels


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
    outcome = heldout_mlm(directory, ids, labels)
    counts = np.array([(row != -100).sum() for row in labels])
    assert counts[:4].min() > 0
    loss = sum(expected[:4]) / counts.sum()
    assert outcome.metrics["mlm_loss"] == pytest.approx(loss, rel=1e-5)
    assert outcome.metrics["perplexity"] == pytest.approx(np.exp(loss), rel=1e-5)
    assert outcome.metrics["num_predictions"] == counts.sum()
    assert outcome.primary_metric == "perplexity"
    assert outcome.example_ids == ["0", "1", "2", "3"], "an input without predictions has no score"
    np.testing.assert_allclose(outcome.scores, np.exp(np.array(expected[:4]) / counts[:4]), rtol=1e-5)


def test_nothing_to_predict_is_refused(bert_directory):
    with pytest.raises(ValueError, match=r"heldout_mlm: .* raise corpus\.heldout_fraction"):
        heldout_mlm(str(bert_directory), [np.array([5, 6])], [np.array([-100, -100])])
