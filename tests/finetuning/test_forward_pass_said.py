"""Which forward pass and attention train an encoder: said once in the log, kept in the outcome; compiled, the same."""

import pytest
import torch

from nsp_ablation.learning.engine.attention import LENGTH_GROUPS
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, Listeners, finetune
from nsp_ablation.options.finetuning_options import FinetuningOptions, RecipeOptions
from nsp_ablation.options.trainer_options import TrainerOptions

RECIPE = RecipeOptions(learning_rate=1e-2, batch_size=4, num_epochs=1, weight_decay=0.01)
OPTIONS = FinetuningOptions("test", recipe=RECIPE, warmup_ratio=0.0, gradient_clip=1.0, max_steps=3)


@pytest.fixture
def learn(tmp_path, task_of):
    """learn(directory, compile=...): the outcome, what was said, and the loss of every update."""
    lines = [f"{'ann is good ' * (1 + n % 3)}\t{n % 2}" for n in range(12)]
    for split in ("train", "dev"):
        (tmp_path / f"{split}.tsv").write_text("\n".join(["sentence\tlabel", *lines]) + "\n")
    columns = {"text_columns": ["sentence"], "label_column": "label", "labels": ["0", "1"]}
    task = task_of("classification", tmp_path, "train.tsv", "dev.tsv", **columns)

    def run(directory, **machine):
        said, losses = [], []
        outcome = finetune(
            *(directory, task, OPTIONS, TrainerOptions("cpu", **machine)),
            **{"max_length": 32, "seed": 1},
            listeners=Listeners(lambda step, steps, loss: losses.append(loss), say=said.append),
            checkpoint=Checkpointing(tmp_path / "last.ckpt", 600.0, print),
        )
        return outcome, said, losses

    return run


@pytest.mark.parametrize(
    ("kind", "forward", "attention"),
    [
        ("bert_directory", "flat", LENGTH_GROUPS),
        ("one_type", "flat", LENGTH_GROUPS),
        ("mpnet", "padded", "padded, transformers' own (mpnet, eager)"),
    ],
)
def test_the_log_and_the_outcome_tell_an_encoder_that_pads_from_one_of_ours(request, learn, kind, forward, attention):
    outcome, said, _ = learn(request.getfixturevalue(kind))
    assert said == [f"{forward} forward pass, attention: {attention}"]
    assert outcome.attention_backend == attention


@pytest.mark.parametrize(
    "compiler",
    [
        pytest.param(None, id="stand-in"),
        pytest.param(
            "aot_eager", id="traced and differentiated", marks=pytest.mark.slow
        ),  # inductor's kernels: a minute
    ],
)
@pytest.mark.filterwarnings("ignore:The .grad attribute:UserWarning")  # Dynamo's, of every tensor
def test_an_encoder_is_compiled_once_where_it_is_asked_for_and_learns_the_same(
    learn, bert_directory, monkeypatch, compiler
):
    torch._dynamo.reset()
    compiled, settings = torch.compile, []

    def heard(function, **given):
        settings.append(given)
        return compiled(function, **given, backend=compiler) if compiler else function

    monkeypatch.setattr(torch, "compile", heard)
    expected, _, losses = learn(bert_directory)
    assert settings == []
    found, _, compiled_losses = learn(bert_directory, compile=True)
    assert settings == [{"dynamic": True}]
    assert compiled_losses == pytest.approx(losses, rel=1e-5)
    assert found.metrics == expected.metrics
