"""A fine-tuning beside the plain loop of its choices: dropout and its stream, warm-up, decay, AdamW, clipping."""

import json
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nsp_ablation.base.randomness import draw64, epoch_key, stream
from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder
from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, Listeners, finetune, training_batches
from nsp_ablation.learning.finetuning.task_batches import TaskBatches
from nsp_ablation.learning.finetuning.task_model import TaskModel, head_kind
from nsp_ablation.learning.tasks.task_kind import read_task, task_kind
from nsp_ablation.options.finetuning_options import FinetuningOptions, RecipeOptions
from nsp_ablation.options.trainer_options import TrainerOptions

CPU, SEED, STEPS, WARMUP, LENGTH = torch.device("cpu"), 3, 7, 3, 32
RATE, DECAY, BETA1, BETA2, EPSILON, CLIP = 2e-2, 4.0, 0.7, 0.8, 1e-2, 0.5  # each far from its default
OPTIONS = FinetuningOptions(
    "test",
    recipe=RecipeOptions(learning_rate=9.0, batch_size=4, num_epochs=1, weight_decay=0.5),
    recipes={"task": RecipeOptions(learning_rate=RATE, weight_decay=DECAY)},
    warmup_ratio=(WARMUP - 0.3) / STEPS,  # rounded, not cut
    gradient_clip=CLIP,
    max_steps=STEPS,
    **{"beta1": BETA1, "beta2": BETA2, "epsilon": EPSILON},
)


@pytest.fixture
def losses_of(tmp_path):
    """losses_of(directory, task, accumulation=, seed=, **changes): the loss of every update."""

    def run(directory, task, accumulation=1, seed=SEED, **changes):
        found = []
        finetune(
            *(directory, task, replace(OPTIONS, **changes), TrainerOptions("cpu", accumulation=accumulation)),
            **{"max_length": LENGTH, "seed": seed},
            listeners=Listeners(lambda step, steps, loss: found.append(loss)),
            checkpoint=Checkpointing(tmp_path / "last.ckpt", 600.0, print),
        )
        return found

    return run


@pytest.fixture
def texts(tmp_path, task_of):
    rows = [("ann is good", "the dog is red ?", "1"), ("carl lives in oslo", "no", "0"), ("a cat", "yes , ben", "1")]
    for split in ("train", "dev"):
        lines = ["first\tsecond\tlabel", *("\t".join(row) for row in rows * 5)]
        (tmp_path / f"{split}.tsv").write_text("\n".join(lines) + "\n")
    columns = {"text_columns": ["first", "second"], "label_column": "label", "labels": ["0", "1"]}
    return task_of("classification", tmp_path, "train.tsv", "dev.tsv", **columns)


@pytest.fixture
def spans(tmp_path, task_of):
    context, town = "the cat lives in oslo .", {"text": "oslo", "answer_start": 17}
    questions = [
        {"id": str(n), "question": "where ?" if n % 3 else "who lives ?", "is_impossible": n % 2 == 0}
        | {"answers": [town] if n % 2 else []}
        for n in range(16)
    ]
    content = json.dumps({"data": [{"paragraphs": [{"context": context, "qas": questions}]}]})
    for split in ("train", "dev"):
        (tmp_path / f"{split}.json").write_text(content)
    return task_of("span_qa", tmp_path, "train.json", "dev.json", unanswerable=True)


def drawn_seed(name, counter):
    return int(draw64(np.full(1, epoch_key(SEED, stream(name), 0)), np.full(1, counter, np.uint64))[0])


def loss_of(model, batch, p):
    """A head's loss as Liu et al. (2019, section 5) and RoBERTa's code have it; the encoder has its own dropout."""
    starts = batch.inputs.sequence_offsets.tolist()
    hidden, _ = model.encoder(batch.inputs, batch.layout)
    first = F.dropout(torch.tanh(model.pooler(F.dropout(hidden[starts[:-1]], p))), p)
    if "labels" in batch.targets:
        return F.cross_entropy(model.head.classes(first), batch.targets["labels"])
    logits, targets = model.head.span(hidden), batch.targets
    losses = [
        F.cross_entropy(logits[start:end, column], targets[name][window]) / 2
        for column, name in enumerate(("start_positions", "end_positions"))
        for window, (start, end) in enumerate(zip(starts[:-1], starts[1:], strict=True))
        if targets["is_answerable"][window]
    ]
    answerable = F.binary_cross_entropy_with_logits(model.head.answerable(first)[:, 0], targets["is_answerable"])
    return sum(losses) / max(1, len(losses) // 2) + answerable


def plain_loop(directory, task):
    """The loss of every update and what is then predicted, written out: AdamW as in Loshchilov and Hutter (2019),
    parameters told by name."""
    torch.manual_seed(drawn_seed("finetuning/layers", 0) >> 1)
    layout = read_layout(directory, LENGTH, OPTIONS.token_types)
    encoder = FlatEncoder(load_encoder(directory, "fresh"), layout.pad)
    model = TaskModel(encoder, head_kind(task).make_head(encoder.hf.config.hidden_size, task)).train()
    p = encoder.hf.config.hidden_dropout_prob
    assert p == encoder.hf.config.attention_probs_dropout_prob == 0.1
    examples, tokenizer = read_task(task, "train"), load_tokenizer(directory).backend_tokenizer
    features = task_kind(task).featurize(examples, tokenizer, layout, task)
    order = list(training_batches(features.lengths(), 4, OPTIONS.length_window_batches, SEED, STEPS))
    backend = encoder.backend(CPU, "32-true", dropout=True)
    batches = TaskBatches(features, layout, order, partial(encoder.layout_of, backend=backend))
    parameters = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    moments = [(torch.zeros_like(weight), torch.zeros_like(weight)) for _, weight in parameters]
    losses = []
    for step in range(STEPS):
        torch.manual_seed(drawn_seed("finetuning/dropout", step))
        loss = loss_of(model, batches[step], p)
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, [weight for _, weight in parameters])
        norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
        rate = RATE * ((step + 1) / WARMUP if step < WARMUP else (STEPS - step) / (STEPS - WARMUP))
        for (name, weight), (m, v), g in zip(parameters, moments, gradients, strict=True):
            g = g * min(1.0, CLIP / float(norm))
            m.mul_(BETA1).add_((1 - BETA1) * g)
            v.mul_(BETA2).add_((1 - BETA2) * g**2)
            moved = (m / (1 - BETA1 ** (step + 1))) / ((v / (1 - BETA2 ** (step + 1))).sqrt() + EPSILON)
            decay = 0.0 if name.endswith("bias") or "LayerNorm" in name else DECAY
            weight.data.sub_(rate * (moved + decay * weight.data))
    dev = task_kind(task).featurize(read_task(task, "dev"), tokenizer, layout, task)
    backend, samples = encoder.backend(CPU, "32-true", dropout=False), np.arange(len(dev.example))
    whole = TaskBatches(dev, layout, [samples], partial(encoder.layout_of, backend=backend))[0]
    with torch.no_grad():
        outputs = model.eval().outputs(whole)
    return losses, {name: values.numpy() for name, values in outputs.items()}


@pytest.mark.parametrize("kind", ["texts", "spans"])
def test_every_loss_of_a_run_is_that_of_the_plain_loop_and_so_is_what_it_predicts(
    request, bert_directory, losses_of, monkeypatch, kind
):
    """Another place or stream of dropout, another warm-up, decay, beta or epsilon shows in the losses."""
    task, predicted = request.getfixturevalue(kind), []
    module, decode = head_kind(task), head_kind(task).decode
    monkeypatch.setattr(module, "decode", lambda *given: predicted.append(given[2]) or decode(*given))
    with torch.random.fork_rng(devices=[]):
        expected, outputs = plain_loop(bert_directory, task)
    assert len(expected) == STEPS
    assert losses_of(bert_directory, task) == pytest.approx(expected, rel=2e-4)
    assert predicted[0].keys() == outputs.keys()
    for name, values in outputs.items():
        if name in ("start", "end"):  # worse spans may have almost equal scores
            values, predicted[0][name] = values[:, 0], predicted[0][name][:, 0]
        np.testing.assert_allclose(predicted[0][name], values, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", ["texts", "spans"])
def test_micro_batches_change_nothing_but_dropout(request, bert_directory, losses_of, tmp_path, kind):
    """An epsilon like the gradients, and no clipping, show a loss that is divided once more or once less."""
    directory, task = tmp_path / "undropped", request.getfixturevalue(kind)
    shutil.copytree(bert_directory, directory)
    config = json.loads((directory / "config.json").read_text())
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (directory / "config.json").write_text(json.dumps(config | none))
    whole, cut = (losses_of(str(directory), task, accumulation, gradient_clip=0.0) for accumulation in (1, 3))
    assert cut == pytest.approx(whole, rel=2e-4)


@pytest.mark.parametrize("kind", ["texts", "spans"])
def test_new_layers_start_normal_with_the_encoders_deviation_and_without_bias(request, bert_directory, kind):
    task, encoder = request.getfixturevalue(kind), FlatEncoder(load_encoder(bert_directory, "fresh"), 0)
    encoder.hf.config.initializer_range = 0.7  # far from what torch draws by itself
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = TaskModel(encoder, head_kind(task).make_head(encoder.hf.config.hidden_size, task))
    layers = [layer for part in (model.pooler, model.head) for layer in part.modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == (3 if kind == "spans" else 2)
    for layer in layers:
        weights = layer.weight.detach()
        assert abs(weights.std() - 0.7) < 5 * 0.7 / (2 * weights.numel()) ** 0.5
        assert not layer.bias.any()
