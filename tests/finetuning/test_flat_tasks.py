"""Heads on the flat pass beside padded batches through `transformers`: losses, every gradient, predictions, any cut."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.attention import attention_layout
from nsp_ablation.learning.engine.encoder_directory import load_encoder, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder, FlatInputs
from nsp_ablation.learning.finetuning.span_head import best_spans
from nsp_ablation.learning.finetuning.task_batches import BatchCut, TaskBatch, TaskBatches, cut_batches
from nsp_ablation.learning.finetuning.task_model import TaskModel, head_kind
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions

TEXTS = TaskOptions("task", "classification", metric="accuracy", labels=["a", "b", "c"])
CHOICES = TaskOptions("task", "multiple_choice", metric="accuracy")
SPANS = TaskOptions("task", "span_qa", metric="f1", max_answer_tokens=5)
SPANS_OR_NONE = replace(SPANS, unanswerable=True)
ENCODERS = ["bert_directory", "roberta_directory", "prelayernorm_directory", "one_type", "mpnet"]
NUM_SAMPLES = 9


def features_of(task: TaskOptions, layout: InputLayout) -> Features:
    """Return random samples of a kind; some windows have no span, questions have 2 to 4 options."""
    draw = np.random.default_rng(3)
    options = draw.integers(2, 5, NUM_SAMPLES) if task is CHOICES else np.ones(NUM_SAMPLES, np.int64)
    lengths = draw.integers(8, 25, options.sum())
    ids = draw.integers(5, 80, lengths.sum()).astype(np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids[offsets[:-1]], ids[offsets[1:] - 1] = layout.cls, layout.sep
    if task.kind == "span_qa":
        start = draw.integers(3, 5, NUM_SAMPLES)
        is_answerable = (draw.random(NUM_SAMPLES) < 0.6).astype(np.float32)
        ignored = (is_answerable == 0) & task.unanswerable
        low, high = np.full(NUM_SAMPLES, 3), np.maximum(4, lengths - draw.integers(1, 9, NUM_SAMPLES))
        targets = {
            "start_positions": np.where(ignored, -100, start),
            "end_positions": np.where(ignored, -100, start + draw.integers(0, 3, NUM_SAMPLES)),
            "is_answerable": is_answerable,
            **{"context_start": low, "context_end": lengths - 1, "start_low": low, "start_high": high},
        }
    else:
        targets = {"labels": draw.integers(0, np.where(options > 1, options, 3))}
    return Features(
        ids, offsets, lengths // 2, targets, np.arange(NUM_SAMPLES), None, options if task is CHOICES else None
    )


@pytest.fixture(scope="module")
def setting():
    """setting(directory, task): the layout, random samples, and a model in float64 without dropout."""

    def make(directory: str, task: TaskOptions):
        layout = read_layout(directory, 32, "as_pretrained")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            hf = load_encoder(directory, "fresh")
            for module in hf.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0.0
            hf.config.hidden_dropout_prob = hf.config.attention_probs_dropout_prob = 0.0
            model = TaskModel(FlatEncoder(hf, layout.pad), head_kind(task).make_head(hf.config.hidden_size, task))
        return layout, features_of(task, layout), model.double().train()

    return make


def padded_forward(model, layout, features, samples):
    """Hidden states (S, P, D), first tokens pooled (S, D), and the mask, as `transformers` pads and runs a batch."""
    rows = [row for n in samples for row in range(features.borders[n], features.borders[n + 1])]
    ids = [torch.from_numpy(features.ids[features.offsets[r] : features.offsets[r + 1]]).long() for r in rows]
    types = [(torch.arange(len(row)) >= int(features.second[r])).long() for r, row in zip(rows, ids, strict=True)]
    mask = pad_sequence([torch.ones_like(row) for row in ids], batch_first=True)
    given = {"input_ids": pad_sequence(ids, batch_first=True, padding_value=layout.pad), "attention_mask": mask}
    if layout.second_type:
        given["token_type_ids"] = pad_sequence(types, batch_first=True)
    hidden = model.encoder.hf(**given).last_hidden_state
    return hidden, torch.tanh(model.pooler(hidden[:, 0])), mask


def padded_loss(task, model, layout, features, samples):
    """The losses as papers write them, over padded logits."""
    hidden, first, mask = padded_forward(model, layout, features, samples)
    targets = {name: torch.from_numpy(target[samples]) for name, target in features.targets.items()}
    if task.kind != "span_qa":
        scores = model.head.classes(first)
        if task is CHOICES:
            parts = scores[:, 0].split(features.counts[samples].tolist())
            losses = [-part.log_softmax(0)[label] for part, label in zip(parts, targets["labels"], strict=True)]
            return torch.stack(losses).mean()
        return functional.cross_entropy(scores, targets["labels"])
    logits = model.head.span(hidden).masked_fill(mask[:, :, None] == 0, -torch.inf)
    names = ("start_positions", "end_positions")
    loss = sum(functional.cross_entropy(logits[..., n], targets[name]) for n, name in enumerate(names)) / 2
    if task.unanswerable:
        logits = model.head.answerable(first)[:, 0]
        loss = loss + functional.binary_cross_entropy_with_logits(logits, targets["is_answerable"].double())
    return loss


def gradients(model, loss):
    model.zero_grad()
    loss.backward()
    found = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    return loss.detach(), found


TASKS = {"texts": TEXTS, "choices": CHOICES, "spans": SPANS, "spans_or_none": SPANS_OR_NONE}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("encoder", ENCODERS)
def test_loss_and_every_gradient_are_those_of_padded_batches(request, setting, batch_of, encoder, task):
    layout, features, model = setting(request.getfixturevalue(encoder), task)
    assert (model.encoder.architecture is None) == (encoder == "mpnet")
    samples = np.array([4, 0, 7, 2, 8])
    expected = gradients(model, padded_loss(task, model, layout, features, samples))
    found = gradients(model, model.loss(batch_of(features, layout, samples, padded=encoder == "mpnet")))
    assert len(expected[1]) > 15
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize(
    ("max_tokens", "at_least", "num_parts"), [("tightest", 1, None), (None, 3, 3), (None, 12, 12), (10**6, 2, 2)]
)
def test_gradients_of_an_update_are_equal_however_it_is_cut(
    setting, bert_directory, task, max_tokens, at_least, num_parts
):
    layout, features, model = setting(bert_directory, task)
    order = [np.array([4, 0, 7, 2, 8, 1]), np.array([3])]
    max_tokens = int(features.num_tokens.max()) if max_tokens == "tightest" else max_tokens
    cut = cut_batches(features.num_tokens, order, max_tokens, at_least, "task")
    assert cut.num_parts == num_parts or (num_parts is None and cut.num_parts > 1)

    def update(step, cut):
        model.zero_grad()
        batches = TaskBatches(features, layout, order, lambda offsets, longest: attention_layout(offsets), cut)
        parts = [batches[step * cut.num_parts + part] for part in range(cut.num_parts)]
        losses = [model.loss(batch) for batch in parts]
        sum(losses).backward()
        return (
            parts,
            float(sum(losses).detach()),
            [weight.grad for weight in model.parameters() if weight.grad is not None],
        )

    for step, samples in enumerate(order):
        parts, loss, found = update(step, cut)
        whole, expected_loss, expected = update(step, BatchCut())
        assert loss == pytest.approx(expected_loss, rel=1e-9)
        torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-10)
        ids = torch.cat([batch.inputs.input_ids for batch in parts])
        assert torch.equal(ids, whole[0].inputs.input_ids), "every token once, in order"
        assert max(len(batch.inputs.input_ids) for batch in parts) <= (max_tokens or 10**9)
        assert len(parts) == cut.num_parts >= at_least, samples


def test_a_limit_that_an_example_does_not_fit_is_refused_and_its_remedy_works():
    num_tokens, order = np.array([90, 20, 30]), [np.array([1, 0, 2])]
    with pytest.raises(ValueError, match=r"trainer\.max_tokens=89: an example of tasks\.race has 90 tokens") as error:
        cut_batches(num_tokens, order, 89, 1, "tasks.race")
    remedy = int(str(error.value).rpartition("set it to at least ")[2])
    cut = cut_batches(num_tokens, order, remedy, 1, "tasks.race")
    assert [cut.part(num_tokens[order[0]], number) for number in range(cut.num_parts)] == [
        *(slice(0, 1), slice(1, 2), slice(2, 3))
    ]


def test_cuts_keep_the_order_the_limit_and_shares_of_like_size():
    draw = np.random.default_rng(0)
    for _ in range(200):
        num_tokens = draw.integers(1, 50, draw.integers(1, 40))
        limit, at_least = int(draw.integers(50, 400)), int(draw.integers(1, 6))
        cut = cut_batches(num_tokens, [np.arange(len(num_tokens))], limit, at_least, "task")
        parts = [num_tokens[cut.part(num_tokens, number)] for number in range(cut.num_parts)]
        assert np.concatenate(parts).tolist() == num_tokens.tolist()
        sums = [part.sum() for part in parts]
        assert max(sums) <= min(limit, num_tokens.sum() / at_least + 50)
        filled = [total for total in sums if total]
        assert len(filled) == len(cut.borders(num_tokens))
        assert all(total + 50 > min(limit, num_tokens.sum() / at_least) for total in filled[:-1])


def test_a_batch_without_a_span_trains_the_answerability_alone(setting, bert_directory, batch_of):
    layout, features, model = setting(bert_directory, SPANS_OR_NONE)
    none = np.flatnonzero(features.targets["start_positions"] == -100)
    assert len(none) >= 2
    loss, found = gradients(model, model.loss(batch_of(features, layout, none)))
    assert torch.isfinite(loss)
    assert not found["head.span.weight"].any()
    assert found["head.answerable.weight"].any()


def brute_force(start, end, targets, max_answer_tokens, number):
    """The best spans of one window of all pairs: of equal sums the first start, then the first end."""
    spans = [(-np.inf, 0, 0)] * number
    for first in range(int(targets["start_low"]), int(targets["start_high"])):
        for last in range(first, min(first + max_answer_tokens, int(targets["context_end"]))):
            if last >= targets["context_start"]:
                spans.append((start[first] + end[last], first, last))
    return sorted(spans, key=lambda span: (-span[0], *span[1:]))[:number]


@pytest.mark.parametrize(("seed", "number"), [(0, 1), (1, 5), (2, 200)])
def test_the_best_spans_of_every_window_is_that_of_a_search_over_all_ties_included(seed, number):
    """Logits are small whole numbers, so that sums tie; some windows have no span at all."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(1, 30, 40)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    start, end = draw.integers(0, 3, (2, offsets[-1])).astype(np.float32)
    first = draw.integers(0, lengths)
    low = draw.integers(first, lengths)
    targets = {"context_start": first, "context_end": draw.integers(low, lengths + 1), "start_low": low}
    targets["start_high"] = draw.integers(low, targets["context_end"] + 1)
    positions = torch.from_numpy(np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths))
    inputs = FlatInputs(torch.zeros_like(positions), None, positions, torch.from_numpy(offsets))
    tensors = {name: torch.from_numpy(target) for name, target in targets.items()}
    batch = TaskBatch(inputs, None, tensors, {}, None)
    found = [part.tolist() for part in best_spans(torch.from_numpy(start), torch.from_numpy(end), batch, 4, number)]
    expected = [
        brute_force(start[a:b], end[a:b], {name: target[n] for name, target in targets.items()}, 4, number)
        for n, (a, b) in enumerate(zip(offsets[:-1], offsets[1:], strict=True))
    ]
    assert [list(zip(*rows, strict=True)) for rows in zip(found[2], found[0], found[1], strict=True)] == expected
    scores = [spans[0][0] for spans in expected]
    assert 0 < scores.count(-np.inf) < 30
    assert scores.count(3.0) > 3
