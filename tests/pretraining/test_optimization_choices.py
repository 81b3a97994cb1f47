"""Clipping, decay, bias correction, dropout and precision: each choice shows in the weights (fidelity rows 20-22)."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_lightning.plugins.environments import LightningEnvironment

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.options.pretraining_options import PretrainingOptions

LENGTHS = [4, 20, 6, 3]
BETA1, BETA2, SEED = 0.7, 0.8, 4  # none of them a default
OPTIONS = PretrainingOptions(
    max_steps=3,
    learning_rate=0.01,
    warmup_ratio=0.0,
    beta1=BETA1,
    beta2=BETA2,
    epsilon=1e-3,
    weight_decay=0.1,
    gradient_clip=0.0,
    checkpoint_seconds=600.0,
)


@pytest.fixture
def learn(make_model, make_batch, trainer_options, tmp_path):
    """learn(precision=, model={...}, **changes of the options) -> the weights (n,) float64 after three updates."""
    runs = iter(range(100))

    def run(precision="64-true", model=None, **changes):
        options = replace(OPTIONS, **changes)
        trained = make_model(**(model or {}))

        def loader(first_step, rank, world_size):
            return [make_batch(LENGTHS, seed=step, step=step) for step in range(first_step, options.max_steps)]

        pretrain(
            trained,
            loader,
            options,
            replace(trainer_options, precision=precision),
            LightningEnvironment(),
            tmp_path / str(next(runs)),
            **{"seed": SEED, "accumulation": 1, "peak_flops": None, "export": None},
            **{"logger": None, "log_every": 10, "say": None},
        )
        return flat(trained)

    return run


def flat(model):
    return torch.cat([parameter.detach().double().flatten() for parameter in model.parameters()])


def plain_loop(model, make_batch, clip, decay_all, warmup_steps, scheduled=3):
    """Three updates written out: AdamW as Kingma and Ba (2015) and Loshchilov and Hutter (2019) have it; dropout is
    drawn by the seed and the number of the micro-batch."""
    model, key = model.double().train(), np.full(1, epoch_key(SEED, stream("dropout"), 0))
    parameters = list(model.parameters())
    first, second = ([torch.zeros_like(p) for p in parameters] for _ in range(2))
    for step in range(3):
        batch = make_batch(LENGTHS, seed=step)
        torch.manual_seed(int(draw64(key, np.full(1, step, np.uint64))[0]))
        masked_logits, pair_logits = model(batch)
        loss = F.cross_entropy(masked_logits, batch.masked_labels) + F.cross_entropy(pair_logits, batch.pair_labels)
        gradients = torch.autograd.grad(loss, parameters)
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        assert norm > 1  # clipping is seen
        rate = 0.01 * (
            (step + 1) / warmup_steps if step < warmup_steps else (scheduled - step) / (scheduled - warmup_steps)
        )
        with torch.no_grad():
            for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
                g = g * (clip / norm) if clip else g
                m.mul_(BETA1).add_((1 - BETA1) * g)
                v.mul_(BETA2).add_((1 - BETA2) * g**2)
                corrected = (m / (1 - BETA1 ** (step + 1))) / ((v / (1 - BETA2 ** (step + 1))).sqrt() + 1e-3)
                decay = 0.1 if decay_all or p.ndim > 1 else 0.0
                p.sub_(rate * (corrected + decay * p))
    return flat(model)


@pytest.mark.parametrize(
    ("clip", "decay_all", "warmup_steps", "scheduled", "dropouts"),
    [
        (0.0, False, 0, None, (0.0, 0.0)),
        (1.0, False, 2, None, (0.3, 0.2)),
        (0.5, True, 1, None, (0.0, 0.3)),
        (0.0, False, 1, 9, (0.0, 0.0)),  # a pilot
    ],
)
def test_a_run_equals_the_plain_loop_of_its_choices(
    learn, make_model, make_batch, clip, decay_all, warmup_steps, scheduled, dropouts
):
    model = dict(zip(("dropout", "attention_dropout"), dropouts, strict=True))
    warmup = {"warmup_ratio": warmup_steps / (scheduled or 3), "schedule_steps": scheduled}
    found = learn(gradient_clip=clip, decay_all=decay_all, model=model, **warmup)
    with torch.random.fork_rng(devices=[]):
        expected = plain_loop(make_model(**model), make_batch, clip, decay_all, warmup_steps, scheduled or 3)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_clipping_and_decay_of_all_are_seen(learn):
    standard = learn()
    assert (learn(gradient_clip=1.0) - standard).abs().max() > 1e-4
    assert (learn(decay_all=True) - standard).abs().max() > 1e-4
    assert torch.equal(learn(), standard)


def test_decay_spares_bias_and_layer_norm_unless_all_decay(learn, make_model):
    """A weight decay of 10 against gradients clipped to nothing leaves decay alone."""
    start = flat(make_model())
    is_vector = torch.cat([torch.full((p.numel(),), p.ndim <= 1) for p in make_model().parameters()])
    settings = {"gradient_clip": 1e-12, "weight_decay": 10.0, "max_steps": 1}
    spared, decayed = learn(**settings), learn(**settings, decay_all=True)
    torch.testing.assert_close(spared, torch.where(is_vector, start, start * 0.9), rtol=0, atol=1e-6)
    torch.testing.assert_close(decayed, start * 0.9, rtol=0, atol=1e-6)


def test_first_update_has_bias_correction_unlike_bert(learn, make_model):
    moved = (learn(max_steps=1, epsilon=1e-12, weight_decay=0.0) - flat(make_model())).abs()
    moved = moved[moved > 1e-4]
    assert len(moved) > 1000
    torch.testing.assert_close(moved, torch.full_like(moved, 0.01), rtol=1e-3, atol=0)  # the learning rate
    gradient, beta1, beta2 = 0.37, 0.9, 0.999  # any
    berts = (1 - beta1) * gradient / ((1 - beta2) * gradient**2) ** 0.5
    assert abs(berts - 10**0.5) < 1e-9


def test_both_dropouts_and_the_precision_are_seen(learn):
    learnt = {
        "none": learn(),
        "dropout": learn(model={"dropout": 0.3}),
        "attention dropout": learn(model={"attention_dropout": 0.3}),
        "single precision": learn(precision="32-true"),
        "bfloat16": learn(precision="bf16-mixed"),
    }
    for name, weights in learnt.items():
        assert all((weights - other).abs().max() > 1e-9 for key, other in learnt.items() if key != name), name
    assert (learnt["single precision"] - learnt["none"]).abs().max() < 1e-3
