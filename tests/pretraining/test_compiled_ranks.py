"""Compiled losses under DDP: two processes with accumulation train the weights of one that compiles nothing."""

import multiprocessing
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from nsp_ablation.learning.engine.attention import FLASH
from nsp_ablation.learning.engine.training_processes import GivenRank, free_port
from nsp_ablation.learning.pretraining.pretraining_fit import pretrain
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model
from nsp_ablation.options.pretraining_options import PretrainingOptions

# Adam would hide a gradient of the wrong size: a large epsilon, and no clipping
PRETRAINING = PretrainingOptions(
    max_steps=3, learning_rate=0.01, warmup_ratio=0.0, epsilon=1.0, gradient_clip=0.0, checkpoint_seconds=600.0
)
HEADS = {"predicts_pairs": True, "confines_attention": False, "seed": 1, "token_counts": None}
BORDERS = [0, 1, 3, 4, 6]


def _train(options, frame, trainer, parts, directory, world_size, rank, port):
    """Train one rank on its share of each update's micro-batches and return the model."""
    model = build_model(options, frame, **HEADS)
    PretrainingModel.attention_backend = lambda *_, **__: FLASH
    if world_size > 1:
        model.checkpoints_layers = True
        model.compile_losses(FLASH, backend="aot_eager")
    accumulation = len(BORDERS[1:]) // world_size

    def open_loader(first_step, rank, world_size):
        assert first_step == 0
        for update in parts:
            yield from update[rank * accumulation : (rank + 1) * accumulation]

    pretrain(
        model,
        open_loader,
        PRETRAINING,
        replace(trainer, devices=world_size),
        GivenRank(rank, world_size, port),
        Path(directory),
        seed=0,
        accumulation=accumulation,
        peak_flops=None,
        export=lambda update: None,
        logger=None,
        log_every=1,
        say=None,
    )
    return model


def _rank(rank, *, port, directory, **settings):
    """What a process of two does: train, and write its weights and what was compiled."""
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    import attention_stand_ins
    from torch._dynamo.utils import counters

    attention_stand_ins.register()
    model = _train(**settings, directory=directory, world_size=2, rank=rank, port=port)
    found = {"graphs": counters["stats"]["unique_graphs"], "breaks": dict(counters["graph_break"])}
    torch.save({"weights": model.state_dict(), **found}, Path(directory, f"{rank}.pt"))


@pytest.mark.slow
@pytest.mark.usefixtures("attention_stand_ins")
def test_two_compiled_ranks_train_the_weights_of_one_process(
    model_options, frame, trainer_options, make_batch, cut, tmp_path, monkeypatch
):
    updates = [make_batch([4, 20, 6, 3, 11, 2], seed=step, step=step) for step in range(PRETRAINING.max_steps)]
    parts = [[part.padded(64, frame.max_length) for part in cut(update, BORDERS)] for update in updates]
    options = replace(model_options, num_layers=1)
    settings = {"options": options, "frame": frame, "trainer": trainer_options, "parts": parts}
    monkeypatch.setattr(PretrainingModel, "attention_backend", PretrainingModel.attention_backend)
    spawn = multiprocessing.get_context("spawn")
    run = partial(_rank, port=free_port(), directory=str(tmp_path), **settings)
    processes = [spawn.Process(target=run, args=(rank,)) for rank in range(2)]
    for process in processes:
        process.start()
    alone = _train(**settings, directory=tmp_path / "alone", world_size=1, rank=0, port=0)
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    before = build_model(options, frame, **HEADS).state_dict()
    expected = alone.state_dict()
    assert max((expected[name] - before[name]).abs().max() for name in before) > 1e-4
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        torch.testing.assert_close(found["weights"], expected, rtol=0, atol=1e-6)
        assert (found["graphs"], found["breaks"]) == (1, {})
