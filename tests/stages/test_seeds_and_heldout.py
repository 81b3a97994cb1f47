"""What the seeds draw and what they leave alone (fidelity row 16), and held-out inputs (row 18)."""

import json

import pytest
import torch

from nsp_ablation.pipeline.encoders import trained_encoder
from nsp_ablation.pipeline.heldout_inputs import heldout_batches
from nsp_ablation.pipeline.initial_models import initial_model
from nsp_ablation.text.corpus.document import is_heldout, text_digest


def test_the_pretraining_seed_draws_order_formats_masks_and_weights(compose, feed_of):
    arguments = [("format=segment_pair", f"seed={seed}") for seed in (1, 2)]
    first, second = (feed_of(*words) for words in arguments)
    assert first.index_of(1).spans.tolist() != second.index_of(1).spans.tolist()
    assert first.masks.epoch_key(1) != second.masks.epoch_key(1)
    orders = [feed_of("format=doc", f"seed={seed}").plan.order(1).tolist() for seed in (1, 2)]
    assert orders[0] != orders[1]
    weights = [initial_model(compose(*words), feed_of(*words)).state_dict() for words in arguments]
    matrices = [name for name, weight in weights[0].items() if weight.ndim == 2 and "position" not in name]
    assert not any(torch.equal(weights[0][name], weights[1][name]) for name in matrices)


def test_neither_seed_touches_tokenizer_splitting_held_out_documents_or_the_micro_world(compose, feed_of):
    seeds = [("seed=1", "finetuning.seeds=[1]"), ("seed=2", "finetuning.seeds=[1]"), ("seed=1", "finetuning.seeds=[2]")]
    configs = [compose("format=segment_pair", *words) for words in seeds]
    assert len({trained_encoder(config).stores.make() for config in configs}) == 1
    feeds = [feed_of("format=segment_pair", *words) for words in seeds]
    assert len({feed.store.fingerprint for feed in feeds}) == len({feed.heldout.fingerprint for feed in feeds}) == 1
    keys = [trained_encoder(config).key for config in configs]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]  # a fine-tuning seed asks for no other encoder


def test_arms_of_one_seed_pair_by_weights_tokenizer_and_held_out_documents_and_not_by_the_order_of_text(
    compose, feed_of
):
    """What comparisons paired by seed rest on, docs/statistics.md."""
    arms = [
        (f"format={name}", f"objective={objective}")
        for name, objective in (("segment_pair", "mlm_nsp"), ("segment_pair", "mlm"), ("full", "mlm"), ("doc", "mlm"))
    ]
    feeds = [feed_of(*words) for words in arms]
    first, *others = [
        initial_model(compose(*words), feed).state_dict() for words, feed in zip(arms, feeds, strict=True)
    ]
    for weights in others:
        torch.testing.assert_close(weights, first, rtol=0, atol=0)
    assert len({trained_encoder(compose(*words)).stores.make() for words in arms}) == 1  # made from one tokenizer
    assert len({feed.heldout.fingerprint for feed in feeds}) == len({feed.store.fingerprint for feed in feeds}) == 1
    full, doc = (feed.index_of(1).spans[feed.index_of(1).offsets[feed.plan.order(1)], 0] for feed in feeds[2:])
    assert full.tolist() != doc.tolist()


@pytest.mark.parametrize("name", ["segment_pair", "full"])
def test_an_arms_own_held_out_inputs_and_masks_are_the_same_for_every_seed(compose, feed_of, name):
    found = []
    for seed in (1, 2):
        arguments = (f"format={name}", f"seed={seed}")
        batches = list(heldout_batches(compose(*arguments), feed_of(*arguments)))
        found.append([(batch.input_ids.tolist(), batch.masked_labels.tolist()) for batch in batches])
    assert found[0] == found[1]
    assert sum(len(labels) for _, labels in found[0]) > 20


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("format.lone_sentences=skip", "finds no pair"),
        ("objective=mlm_sop", "finds no pair"),
        ("format.nsp_balance=exact", "cannot be met"),
    ],
)
def test_held_out_documents_that_make_no_pairs_stop_no_training(small_corpus, feed_of, capsys, change, reason):
    lone = (f"Anna lived {number} years in Rome." for number in range(1000))
    longer = (f"Ben lived {number} years in Oslo. He had a cat. It was red." for number in range(100))
    texts = [next(text for text in lone if is_heldout(text_digest(text), 0.02)) for _ in range(2)]
    texts += [text for text in longer if not is_heldout(text_digest(text), 0.02)]
    (small_corpus / "lone.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    feed = feed_of(
        *("format=segment_pair", f"corpus.path={small_corpus}/lone.jsonl", "corpus.heldout_fraction=0.02", change),
        "tokenizer.vocab_size=280",
    )
    assert feed.heldout.num_documents == 2
    assert feed.heldout_index is None
    assert list(feed.omitted) == ["heldout_loss"]
    assert feed.omitted["heldout_loss"].startswith("of the held-out documents alone: ")
    assert feed.index_of(1).num_samples > 90
    assert reason in capsys.readouterr().out
