"""Weight decay's groups and the learning-rate schedule."""

import pytest
import torch
from torch import nn

from nsp_ablation.learning.engine.training import learning_rate_factor, linear_schedule, parameter_groups


def _model():
    model = nn.ModuleDict({"dense": nn.Linear(3, 2), "norm": nn.LayerNorm(2), "frozen": nn.Linear(2, 2)})
    model["frozen"].requires_grad_(False)
    return model


def test_bias_and_layer_norm_are_spared_from_decay():
    model = _model()
    decayed, spared = parameter_groups(model, 0.01, decay_all=False)
    assert decayed == {"params": [model["dense"].weight], "weight_decay": 0.01}
    assert spared == {"params": [model["dense"].bias, model["norm"].weight, model["norm"].bias], "weight_decay": 0.0}


def test_decay_all_spares_nothing_but_what_does_not_train():
    model = _model()
    (group,) = parameter_groups(model, 0.01, decay_all=True)
    assert group["weight_decay"] == 0.01
    assert len(group["params"]) == 4


@pytest.mark.parametrize(
    ("warmup_steps", "max_steps", "factors"),
    [
        (2, 6, [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]),
        (0, 4, [1.0, 0.75, 0.5, 0.25]),
        (4, 4, [0.25, 0.5, 0.75, 1.0]),
        (0, 1, [1.0]),
    ],
)
def test_warm_up_and_decay(warmup_steps, max_steps, factors):
    assert [learning_rate_factor(step, warmup_steps, max_steps) for step in range(max_steps)] == factors


def test_the_schedule_moves_every_group_once_an_update():
    optimizer = torch.optim.SGD([{"params": [nn.Parameter(torch.zeros(1))]} for _ in range(2)], lr=8.0)
    schedule = linear_schedule(optimizer, 2, 6)
    rates = []
    for _ in range(6):
        rates.append([group["lr"] for group in optimizer.param_groups])
        optimizer.step()
        schedule.step()
    assert rates == [[rate, rate] for rate in (4.0, 8.0, 8.0, 6.0, 4.0, 2.0)]
