"""Held-out MLM loss: one set of masked tokens, and losses equal to one forward pass of `transformers` per input."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm
from nsp_ablation.learning.probes.heldout_mlm import _masked_documents, laid_out_stores, measure, num_examples
from nsp_ablation.options.task_options import TaskOptions

TASK = TaskOptions("probe", "heldout_mlm", metric="perplexity", heldout_tokens=100, short_tokens=12)
SIZES = ("", "_short", "_in_range", "_sentence")


def documents_of(lengths, vocab_size=40, per_sentence=4):
    """The arrays of a store: documents of so many tokens in sentences of `per_sentence`."""
    ids = np.arange(sum(lengths)) % (vocab_size - 5) + 5
    ends = [start + end for start, length in zip(np.cumsum([0, *lengths]), lengths, strict=False)
            for end in [*range(per_sentence, length, per_sentence), length]]  # fmt: skip
    counts = [-(-length // per_sentence) for length in lengths]
    return ids, np.array([0, *ends]), np.cumsum([0, *counts])


def test_the_mask_is_drawn_for_each_document_by_the_seed_of_the_corpus(bert_directory, inputs_of):
    inputs = inputs_of(bert_directory, 22, documents_of([20] * 30))
    store, masked = _masked_documents(inputs, replace(TASK, heldout_tokens=40))
    assert (store.num_documents, len(masked.positions)) == (2, 2 * 3)  # 15 % of 20 tokens
    assert masked.expected.tolist() == inputs.heldout.ids[masked.positions].tolist()
    for changed, expected in (({"masked_share": 0.3}, 6), ({"heldout_tokens": 41}, 9), ({"heldout_tokens": 1}, 3)):
        task = replace(TASK, heldout_tokens=40)
        assert len(_masked_documents(inputs, replace(task, **changed))[1].positions) == expected * (
            2 if "masked_share" in changed else 1
        )
    whole = _masked_documents(inputs, replace(TASK, mask_fraction=1.0, random_fraction=0.0))[1]
    assert (whole.ids == inputs.layout.mask).sum() == len(whole.positions) == 15
    kept = _masked_documents(inputs, replace(TASK, mask_fraction=0.0, random_fraction=0.0))[1]
    assert kept.ids.tolist() == inputs.heldout.ids[:100].tolist()
    other = _masked_documents(replace(inputs, seed=2), replace(TASK, heldout_tokens=40))[1]
    assert other.positions.tolist() != masked.positions.tolist()


@pytest.mark.parametrize(
    ("kind", "type_of_b"), [("bert_directory", 1), ("bert_directory", 0), ("roberta_directory", 0)]
)
def test_losses_are_those_of_one_pass_per_input(request, kind, type_of_b, inputs_of):
    directory = request.getfixturevalue(kind)
    inputs = inputs_of(directory, 22, documents_of([20, 7, 3, 30]))
    inputs = replace(inputs, layout=replace(inputs.layout, second_type=type_of_b, pair_separators=1))
    task, model = replace(TASK, in_range_tokens=16), load_masked_lm(directory).eval()
    outcome = measure(model, inputs, task)
    store, masked = _masked_documents(inputs, task)
    document = np.searchsorted([20, 27, 30], masked.positions, side="right")
    layout = inputs.layout
    for name, laid_out in laid_out_stores(inputs, task, store).items():
        make, losses = laid_out.input_maker(masked.ids, layout), np.zeros(4)
        second = laid_out.second_segments(layout)
        number, position = laid_out.places(masked.positions)
        for n, at, token, own in zip(number, position, masked.expected, document, strict=True):
            row = torch.from_numpy(make(n))[None]
            types = torch.zeros_like(row)
            if second is not None:
                types[:, second.start[n] :] = type_of_b
            with torch.no_grad():
                logits = model(input_ids=row, token_type_ids=types).logits[0, at]
            losses[own] -= float(logits.log_softmax(0)[token])
        np.testing.assert_allclose(outcome.items[f"loss_sum_{name}"], losses, rtol=1e-4)
        expected = losses.sum() / len(masked.positions)
        assert outcome.metrics[f"mlm_loss_{name}"] == pytest.approx(expected, rel=1e-5)
    assert outcome.metrics["perplexity"] == pytest.approx(np.exp(outcome.metrics["mlm_loss_full"]), rel=1e-6)
    measured = {f"mlm_loss_{name}{size}" for name in ("full", "doc", "pair") for size in SIZES} - {
        "mlm_loss_full_sentence"
    }
    assert {name for name in outcome.metrics if name.startswith("mlm_loss_")} == measured
    assert len({round(outcome.metrics[name], 4) for name in measured}) > 6, "the layouts must not be one"
    assert outcome.example_ids == outcome.clusters == ["0", "1", "2", "3"]
    np.testing.assert_allclose(outcome.scores, np.exp(outcome.items["loss_sum_full"] / np.bincount(document)))


def test_the_perplexity_is_that_of_the_layout_that_is_asked_for(bert_directory, inputs_of):
    inputs, model = inputs_of(bert_directory, 22, documents_of([20, 30])), load_masked_lm(bert_directory).eval()
    for name in ("full", "doc", "pair"):
        metrics = measure(model, inputs, replace(TASK, layout=name)).metrics
        assert metrics["mlm_loss"] == metrics[f"mlm_loss_{name}"] == pytest.approx(np.log(metrics["perplexity"]))


def test_sizes_of_t_or_more_are_left_out(bert_directory, inputs_of):
    inputs = inputs_of(bert_directory, 22, documents_of([20] * 3))
    names = set(laid_out_stores(inputs, replace(TASK, short_tokens=22, in_range_tokens=30), inputs.heldout))
    assert names == {"full", "doc", "pair", "doc_sentence", "pair_sentence"}
    narrow = inputs_of(bert_directory, 9, documents_of([20] * 3))
    assert {*laid_out_stores(narrow, TASK, narrow.heldout)} == {
        "full",
        "full_in_range",
        "doc",
        "doc_in_range",
        "doc_sentence",
    }
    assert num_examples(narrow, TASK) == 3
    with pytest.raises(ValueError, match=r"tasks\.probe\.layout=pair: pairs need max_length=10;"):
        num_examples(narrow, replace(TASK, layout="pair"))


def test_nothing_to_predict_is_refused(bert_directory, inputs_of):
    pad = inputs_of(bert_directory, 22, (np.zeros(8), [0, 4, 8], [0, 1, 2]))  # padding alone: never a target
    with pytest.raises(ValueError, match=r"tasks\.probe: .* raise corpus\.heldout_fraction"):
        num_examples(pad, TASK)
    with pytest.raises(ValueError, match=r"tasks\.probe: .* raise corpus\.heldout_fraction"):
        measure(load_masked_lm(bert_directory), pad, TASK)
