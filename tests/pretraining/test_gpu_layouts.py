"""What a GPU is given instead, a padded vocabulary and interpolated token types, changes no number but by rounding."""

import pytest
import torch
from torch import nn

from nsp_ablation.learning.engine.flat_forward import embed_token_types, looks_types_up
from nsp_ablation.options.model_options import ARCHITECTURES

LENGTHS = [7, 24, 3, 24, 1, 23, 2, 2]


def _step(model, batch):
    model.zero_grad()
    loss = model.loss_sums(batch).total
    loss.backward()
    return loss.detach(), {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_padded_vocabulary_gives_the_same_losses_and_gradients(make_model, make_batch, architecture):
    model, batch = make_model(architecture=architecture).double().train(), make_batch(LENGTHS)
    expected, names = _step(model, batch), set(model.state_dict())
    logits = model(batch)[0]
    model.vocabulary_multiple = 64
    padded = model(batch)[0]
    assert (logits.shape[1], padded.shape[1]) == (40, 64)
    torch.testing.assert_close(padded[:, :40], logits, rtol=1e-12, atol=1e-12)
    assert padded[:, 40:].eq(-torch.inf).all()
    torch.testing.assert_close(_step(model, batch), expected, rtol=1e-10, atol=1e-12)
    assert set(model.state_dict()) == names
    assert model.hf.get_output_embeddings().weight.shape[0] == 40


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_a_padded_vocabulary_stays_finite_in_half_precision_and_predicts_no_padding(make_model, make_batch, precision):
    """Even where every real logit is far below 0."""
    model, batch = make_model().train(), make_batch(LENGTHS)
    model.vocabulary_multiple = 64
    with torch.no_grad():
        model.architecture.mlm_head(model.hf).bias -= 1000
    with torch.autocast("cpu", precision):
        loss, gradients = _step(model, batch)
        assert model(batch)[0].argmax(dim=1).max() < 40
    assert torch.isfinite(loss)
    assert all(torch.isfinite(gradient).all() for gradient in gradients.values())


def test_a_vocabulary_that_is_a_multiple_already_is_not_padded(make_model, make_batch):
    model, batch = make_model(), make_batch([5])
    expected = model(batch)[0]
    model.vocabulary_multiple = 8
    torch.testing.assert_close(model(batch)[0], expected, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_interpolated_token_types_are_the_rows_themselves(dtype):
    draw = torch.Generator().manual_seed(0)
    table = nn.Embedding(2, 33, dtype=dtype)
    types = torch.randint(0, 2, (200,), generator=draw)
    found = embed_token_types(table, types, by_lerp=True)
    assert torch.equal(found, table(types))
    weights = torch.randn(200, 33, generator=draw).to(dtype)
    gradients = [torch.autograd.grad((rows * weights).sum(), table.weight)[0] for rows in (found, table(types))]
    tolerance = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 0.1}[dtype]
    torch.testing.assert_close(*gradients, rtol=tolerance, atol=tolerance * 10)


@pytest.mark.parametrize("by_lerp", [True, False])
def test_other_numbers_of_token_types_are_looked_up_or_read_as_one(by_lerp):
    types = torch.tensor([0, 2, 1])
    three = nn.Embedding(3, 4)
    assert torch.equal(embed_token_types(three, types, by_lerp=by_lerp), three(types))
    one = nn.Embedding(1, 4)
    hidden = torch.zeros(3, 4) + embed_token_types(one, types, by_lerp=by_lerp)
    assert torch.equal(hidden, one(torch.zeros(3, dtype=torch.int64)))
    hidden.sum().backward()
    assert torch.equal(one.weight.grad, torch.full((1, 4), 3.0))


def test_a_cpu_looks_token_types_up():
    """Measured: interpolating takes two to three times as long there, both passes together."""
    assert [looks_types_up(torch.device(kind)) for kind in ("cpu", "cuda", "mps")] == [True, False, False]
