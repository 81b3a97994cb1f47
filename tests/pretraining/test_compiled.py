"""The compiled losses: one graph, no break, and what eager execution gives, over micro-batches of one size."""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch._dynamo.utils import counters

from nsp_ablation.learning.engine.attention import EFFICIENT, FLASH, LENGTH_GROUPS
from nsp_ablation.learning.pretraining.objective import update_share

# Dynamo asks every tensor for its gradient, and hides the warning with a filter that "error" overrules.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("attention_stand_ins"),
    pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning"),  # in inductor's own imports
]
PARTITIONED = "aot_eager_decomp_partition"  # what inductor does before it writes kernels, which takes a minute on CPU
ONE_LAYER = {"num_layers": 1}
CONFINED = {"confines_attention": True, "predicts_pairs": False, "vocabulary_multiple": 64}
LENGTHS = ([7, 24, 3, 24], [20, 4, 4, 9, 11], [24, 2], [24], [5, 5, 5, 6, 7, 8], [1], [23, 22, 3])


def _step(model, batch, backend, precision):
    """Return the loss and the gradients of a micro-batch under the dropout of a seed."""
    model.zero_grad()
    context = nullcontext() if precision is None else torch.autocast("cpu", precision)
    with torch.random.fork_rng(devices=[]), context:
        torch.manual_seed(batch.num_tokens)
        loss = update_share(model.loss_sums(batch, model.layout_of(batch, backend)), batch).total
        loss.backward()
    return loss.detach(), {name: p.grad for name, p in model.named_parameters() if p.grad is not None}


def _pairs(make_model, compiler, backend, checkpoints_layers=False, vocabulary_multiple=1, **options):
    """Return the same model twice, the second compiled."""
    torch._dynamo.reset()
    counters.clear()
    models = make_model(**options).train(), make_model(**options).train()
    for model in models:
        model.checkpoints_layers, model.vocabulary_multiple = checkpoints_layers, vocabulary_multiple
    models[1].compile_losses(backend, backend=compiler)
    assert models[0].state_dict().keys() == models[1].state_dict().keys()
    return models


@pytest.mark.parametrize(
    ("compiler", "backend", "options", "precision"),
    [
        ("aot_eager", FLASH, {"architecture": "roberta", "dropout": 0.1, "attention_dropout": 0.1, **ONE_LAYER}, None),
        ("aot_eager", EFFICIENT, {"attention_dropout": 0.1, "checkpoints_layers": True}, None),
        (
            "aot_eager",
            FLASH,
            {"architecture": "roberta_prelayernorm", **CONFINED, **ONE_LAYER},
            None,
        ),
        (PARTITIONED, FLASH, {"vocabulary_multiple": 64, "checkpoints_layers": True, **ONE_LAYER}, torch.bfloat16),
    ],
)
def test_one_graph_gives_the_losses_and_gradients_of_eager_execution(
    make_model, make_batch, frame, monkeypatch, compiler, backend, options, precision
):
    """Whatever the numbers of sequences, pairs and masked tokens: one sequence of one token, nothing masked, too."""
    monkeypatch.setattr("nsp_ablation.learning.engine.flat_forward.looks_types_up", lambda device: False)  # as on CUDA
    plain, compiled = _pairs(make_model, compiler, backend, **options)
    tolerance = 1e-6 if precision is None else 2e-2
    for seed, lengths in enumerate(LENGTHS):
        batch = replace(make_batch(lengths, seed=seed), num_update_predictions=20).padded(64, frame.max_length)
        assert len(batch.masked_labels) == sum(lengths) // 3 + 2
        expected, found = (_step(model, batch, backend, precision) for model in (plain, compiled))
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
        assert expected[1].keys() == found[1].keys()
    assert counters["stats"]["unique_graphs"] == 1
    assert not counters["graph_break"]


def test_length_groups_break_the_graph_and_change_nothing(make_model, make_batch, frame):
    """On CPU: what lies between the groups is compiled, and no more often than the number of groups is new."""
    plain, compiled = _pairs(make_model, "aot_eager", LENGTH_GROUPS, **ONE_LAYER)
    graphs = []
    for seed, lengths in enumerate(LENGTHS[:3]):
        batch = make_batch(lengths, seed=seed).padded(64, frame.max_length)
        expected, found = (_step(model, batch, LENGTH_GROUPS, None) for model in (plain, compiled))
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-6)
        graphs.append(counters["stats"]["unique_graphs"])
    assert graphs[0] > 1
    assert graphs[1:] == graphs[1:2] * 2
