"""Held-out evaluation."""

import pytest
import torch
import torch.nn.functional as F

from nsp_ablation.learning.pretraining.heldout_loss import heldout_loss


def test_held_out_loss_is_the_mean_over_all_predictions_however_they_are_batched(make_model, make_batch, cut):
    model, whole = make_model(dropout=0.5), make_batch([4, 20, 6, 3, 11])
    found = heldout_loss(model, cut(whole, [0, 1, 4, 5]), torch.device("cpu"))
    with torch.no_grad():
        masked_logits, pair_logits = model.eval()(whole)
    assert found.mlm_loss == pytest.approx(F.cross_entropy(masked_logits, whole.masked_labels).item(), rel=1e-5)
    assert found.pair_accuracy == (pair_logits.argmax(dim=1) == whole.pair_labels).sum().item() / 5


def test_without_a_head_on_pairs_there_is_no_accuracy(make_model, make_batch):
    model = make_model(predicts_pairs=False)
    assert heldout_loss(model, [make_batch([9])], torch.device("cpu")).pair_accuracy is None


def test_nothing_to_predict_is_an_error(make_model):
    with pytest.raises(ValueError, match="corpus.heldout_fraction"):
        heldout_loss(make_model(), [], torch.device("cpu"))
