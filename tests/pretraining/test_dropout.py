"""Dropout: where it acts in the flat forward pass, and from which stream pre-training draws it (fidelity row 22)."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.pretraining.pretraining_module import PretrainingModule
from nsp_ablation.options.model_options import ARCHITECTURES
from nsp_ablation.options.pretraining_options import PretrainingOptions

SEQUENCES, LENGTH = 4, 9
OPTIONS = PretrainingOptions(max_steps=1, learning_rate=1e-3, warmup_ratio=0.0)


@pytest.fixture(autouse=True)
def _generator_kept():
    with torch.random.fork_rng(devices=[]):
        yield


def by_transformers(model, batch):
    """The MLM logits of `transformers`' own forward pass over sequences of one length."""
    names = "input_ids", "token_type_ids"
    hidden = model.hf.base_model(**{name: getattr(batch, name).view(SEQUENCES, LENGTH) for name in names})
    return model.architecture.mlm_head(model.hf)(hidden.last_hidden_state.flatten(0, 1)[batch.masked_positions])


def trained(model, logits):
    """The logits, every weight's gradient of a weighted sum of them, and what the generator would draw next."""
    drawn_next = torch.rand(1)
    model.zero_grad()
    (
        logits * torch.randn(logits.shape, generator=torch.Generator().manual_seed(5), dtype=logits.dtype)
    ).sum().backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    return logits.detach(), gradients, drawn_next


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("probabilities", [(0.3, 0.2), (0.3, 0.0), (0.0, 0.2), (0.0, 0.0)])
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_it_acts_where_transformers_has_it_and_draws_in_its_order(
    make_model, make_batch, architecture, probabilities, mode
):
    """Sequences of one length are not padded by either pass: both draw masks of the same shapes, after the embeddings'
    LayerNorm and, in each layer, of the attention weights, of what attention gives and of what the feed-forward layer
    gives."""
    dropout, attention_dropout = probabilities
    model = make_model(architecture=architecture, dropout=dropout, attention_dropout=attention_dropout)
    model, batch = getattr(model.double(), mode)(), make_batch([LENGTH] * SEQUENCES)
    torch.manual_seed(3)
    expected = trained(model, by_transformers(model, batch))
    torch.manual_seed(3)
    torch.testing.assert_close(trained(model, model(batch)[0]), expected, rtol=1e-9, atol=1e-9)


def seed_of(model, batch, seed, number, world_size):
    """What the micro-batch of this number (of all ranks' in their order) is seeded with before its forward pass."""
    module = PretrainingModule(model, None, OPTIONS, seed=seed, log_every=1, say=None, peak_flops=None)
    step, rank = divmod(number, world_size)
    loops = SimpleNamespace(epoch_loop=SimpleNamespace(batch_idx=step))
    module.trainer = SimpleNamespace(accumulate_grad_batches=1, world_size=world_size, global_rank=rank, fit_loop=loops)
    module.training_step(module.transfer_batch_to_device(batch, torch.device("cpu"), 0), step)
    return torch.initial_seed()


def test_a_micro_batch_is_seeded_by_the_runs_seed_and_its_number_whatever_rank_has_it(make_model, make_batch):
    model, batch = make_model(dropout=0.1), make_batch([3, 2])
    found = {
        (seed, number): {seed_of(model, batch, seed, number, world_size) for world_size in (1, 2, 3)}
        for seed in (0, 1, 2)
        for number in range(5)
    }
    for (seed, number), seeds in found.items():
        key = np.full(1, epoch_key(seed, stream("dropout"), 0))
        assert seeds == {int(draw64(key, np.full(1, number, np.uint64))[0])}
    assert len(set.union(*found.values())) == len(found)
