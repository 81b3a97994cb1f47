"""The losses of an update."""

import math

import pytest
import torch

from nsp_ablation.learning.pretraining.objective import sum_losses, update_share


def test_losses_are_sums_over_the_counts_of_the_whole_update(make_batch):
    batch = make_batch([6, 9])  # 5 predictions, 2 pairs
    batch.num_update_predictions, batch.num_update_pairs = 10, 8
    sums = sum_losses(torch.zeros(5, 40), torch.zeros(2, 2), batch.masked_labels, batch.pair_labels)
    losses = update_share(sums, batch)
    assert losses.mlm.item() == pytest.approx(5 * math.log(40) / 10)
    assert losses.pair.item() == pytest.approx(2 * math.log(2) / 8)
    assert losses.total.item() == pytest.approx(losses.mlm.item() + losses.pair.item())
    without = sum_losses(torch.zeros(5, 40), None, batch.masked_labels, batch.pair_labels)
    assert update_share(without, batch).total.item() == pytest.approx(losses.mlm.item())


@pytest.mark.parametrize("borders", [[0, 5], [0, 1, 5], [0, 2, 2, 4, 5]])
def test_the_gradient_of_an_update_does_not_depend_on_its_cut(make_model, make_batch, cut, borders):
    model, update = make_model().double(), make_batch([4, 20, 6, 3, 11])
    parts = cut(update, borders)
    assert sum(len(part.masked_labels) for part in parts) == len(update.masked_labels)
    total = torch.tensor(0.0, dtype=torch.float64)
    for part in parts:
        share = update_share(model.loss_sums(part), part).total
        share.backward()
        total += share.detach()
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    whole = update_share(model.loss_sums(update), update).total
    whole.backward()
    torch.testing.assert_close(total, whole.detach(), rtol=1e-13, atol=0)
    expected = [parameter.grad for parameter in model.parameters()]
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-14)
