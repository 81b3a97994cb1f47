"""The gradient of an update does not depend on its cut in micro-batches and ranks (fidelity row 3)."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from nsp_ablation.learning.pretraining.objective import update_share
from nsp_ablation.learning.pretraining.pretraining_module import PretrainingModule
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.pretraining_options import PretrainingOptions
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

PRETRAINING = PretrainingOptions(max_steps=1, learning_rate=1e-3, warmup_ratio=0.0, weight_decay=0.0, gradient_clip=0.0)
MASKS = Masks(MaskingOptions("dynamic"), seed=1)


@pytest.fixture(scope="module")
def open_loader(frame):
    """open_loader(format, accumulation, rank, world_size) -> the micro-batches of one update of unequal sequences."""
    sentences = [[5 + (7 * i + j) % 35 for j in range(1 + (5 * i) % 9)] for i in range(60)]
    store = TokenStore.from_documents([sentences[i : i + 1 + i % 4] for i in range(0, 56, 4)], vocab_size=40)

    def make(name, accumulation, rank, world_size):
        index = make_format(FormatOptions(name), "nsp").index(store, frame, 1, 0)
        plan = BatchPlan(lambda epoch: index, UpdateSize(11, None, 11, 0), 1)
        return micro_batch_loader(
            *(plan, store, frame, MASKS),
            first_step=0,
            max_steps=1,
            accumulation=accumulation,
            num_workers=0,
            rank=rank,
            world_size=world_size,
        )

    return make


def gradient(model, loader_of, accumulation, world_size, options=PRETRAINING):
    """Return what Lightning gives the optimizer: gradients summed over micro-batches, then averaged over ranks."""
    model.zero_grad()
    for rank in range(world_size):
        module = PretrainingModule(model, None, options, seed=1, log_every=1, say=None, peak_flops=None)
        loops = SimpleNamespace(epoch_loop=SimpleNamespace(batch_idx=0))
        module.trainer = SimpleNamespace(
            accumulate_grad_batches=accumulation, world_size=world_size, global_rank=rank, fit_loop=loops
        )
        for number, batch in enumerate(loader_of(accumulation, rank, world_size)):
            loops.epoch_loop.batch_idx = number
            on_device = module.transfer_batch_to_device(batch, torch.device("cpu"), 0)
            (module.training_step(on_device, number) / accumulation / world_size).backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(("name", "predicts_pairs"), [("segment_pair", True), ("segment_pair", False), ("doc", False)])
def test_the_gradient_does_not_depend_on_micro_batches_and_ranks(make_model, open_loader, name, predicts_pairs):
    model = make_model(predicts_pairs=predicts_pairs).double().train()

    def loader_of(*cut):
        return open_loader(name, *cut)

    whole = gradient(model, loader_of, 1, 1)
    assert max(part.abs().max() for part in whole.values()) > 1e-3
    for accumulation, world_size in [(2, 1), (1, 2), (3, 2), (2, 4), (16, 1)]:
        parts = [len(b.masked_labels) for r in range(world_size) for b in loader_of(accumulation, r, world_size)]
        assert len(set(parts)) > 1  # unequal: a mean of means would show
        found = gradient(model, loader_of, accumulation, world_size)
        torch.testing.assert_close(found, whole, rtol=1e-9, atol=1e-13)


def test_the_gradient_is_linear_in_the_weight_of_the_loss_on_pairs(make_model, open_loader):
    """g(w) = g(MLM) + w g(pairs), however the update is cut; a weight of 1 adds the two, bit by bit."""
    model = make_model().double().train()

    def weighted(weight, *cut):
        options = replace(PRETRAINING, pair_loss_weight=weight)
        return gradient(model, lambda *parts: open_loader("segment_pair", *parts), *(cut or (1, 1)), options)

    (update,) = open_loader("segment_pair", 1, 0, 1)
    sums = update_share(model.loss_sums(update), update)
    parts = [autograd(model, loss) for loss in (sums.mlm, sums.pair, sums.total)]
    assert all(max(part.abs().max() for part in values.values()) > 1e-3 for values in parts)
    torch.testing.assert_close(weighted(1.0), parts[2], rtol=0, atol=0)
    for weight in (0.25, 8.0):
        expected = {name: parts[0][name] + weight * parts[1][name] for name in parts[0]}
        for cut in ((1, 1), (3, 2)):
            torch.testing.assert_close(weighted(weight, *cut), expected, rtol=1e-9, atol=1e-13)


def autograd(model, loss):
    named = dict(model.named_parameters())
    found = torch.autograd.grad(loss, list(named.values()), retain_graph=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))


def test_logged_losses_are_not_weighted(make_model, open_loader):
    model, (update,) = make_model(), open_loader("segment_pair", 1, 0, 1)
    logged = []
    for weight in (1.0, 0.25):
        options = replace(PRETRAINING, pair_loss_weight=weight)
        module = PretrainingModule(model, None, options, seed=1, log_every=1, say=None, peak_flops=None)
        epoch_loop = SimpleNamespace(batch_idx=0)
        module.trainer = SimpleNamespace(
            accumulate_grad_batches=1, world_size=1, global_rank=0, fit_loop=SimpleNamespace(epoch_loop=epoch_loop)
        )
        module.training_step(module.transfer_batch_to_device(update, torch.device("cpu"), 0), 0)
        logged.append((float(module._window.mlm), float(module._window.pair)))
    assert logged[0] == logged[1]
    assert logged[0][1] > 0.1


def test_mean_losses_are_summed_where_there_is_float64(make_model, monkeypatch):
    """Apple's GPU has none; it is one device, so nothing is summed over ranks there."""
    module = PretrainingModule(make_model(), None, PRETRAINING, seed=1, log_every=1, say=None, peak_flops=None)
    module.trainer = SimpleNamespace(strategy=SimpleNamespace(reduce=lambda sums, reduce_op: sums))
    module._window.mlm, module._window.pair, module._window.num_updates = torch.tensor(6.0), torch.tensor(1.5), 3
    monkeypatch.setattr(PretrainingModule, "device", torch.device("mps"))
    assert module._mean_losses() == (2.0, 0.5)
