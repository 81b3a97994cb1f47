"""Each key of an open point changes what training is fed, through the very objects that training uses."""

import numpy as np
import pytest
import torch

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline.initial_models import initial_model
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.formats.sample_index import SampleIndex


def content(index: SampleIndex):
    """Return all that an index says of its samples, as plain values."""
    labels = [None if label is None else label.tolist() for label in (index.is_random_next, index.is_swapped)]
    return [index.spans.tolist(), index.separators.tolist(), index.offsets.tolist(), *labels]


def test_budget(feed_of):
    sizes = {
        (name, budget): feed_of(f"format={name}", f"budget={budget}").size
        for name in FORMATS
        for budget in ("paper", "tokens", "sequences")
    }
    means = {name: feed_of(f"format={name}").index_of(1).lengths().mean() for name in ("segment_pair", "full")}
    in_tokens = {key: size.tokens for key, size in sizes.items() if size.tokens is not None}
    assert in_tokens == pytest.approx(
        {
            ("sentence_pair", "paper"): 4 * means["segment_pair"],
            ("doc", "paper"): 4 * means["full"],
            **{(name, "tokens"): 4 * means["full"] for name in FORMATS},
        }
    )
    assert all(size.sequences == 4 for key, size in sizes.items() if key not in in_tokens)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_sentence_separator(feed_of, name):
    without, after_each = (feed_of(f"format={name}", f"format.sentence_separator={v}") for v in ("false", "true"))
    assert without.index_of(1).separators.sum() < after_each.index_of(1).separators.sum()
    assert len(after_each.index_of(1).spans) == after_each.store.num_sentences


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_pair_separator(feed_of, name):
    for value, number in (("single", 1), ("double", 2)):
        feed = feed_of(f"format={name}", f"format.pair_separator={value}")
        row = assemble_masked(feed.store, feed.index_of(1), feed.frame, np.arange(1), feed.masks, 1).input_ids
        assert (row == feed.frame.sep).sum() == number + 1
        assert set(feed.index_of(1).separators[::2]) == {number}


def test_nsp_balance(feed_of):
    shares = [
        feed_of("format=segment_pair", f"format.nsp_balance={value}", "format.lone_sentences=skip").index_of(1)
        for value in ("bert", "exact")
    ]
    berts, exact = (index.is_random_next for index in shares)
    assert berts.mean() > 0.52
    assert abs(2 * exact.sum() - len(exact)) <= 1


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_lone_sentences(feed_of, name):
    for value in ("random", "skip"):
        feed = feed_of(f"format={name}", f"format.lone_sentences={value}")
        first_a = feed.index_of(1).spans[::2, 0]
        lone = np.flatnonzero(np.diff(feed.store.document_offsets) == 1)
        starts = feed.store.sentence_offsets[feed.store.document_offsets[lone]]
        assert len(starts) > 10
        assert np.isin(starts, first_a).all() if value == "random" else not np.isin(starts, first_a).any()


def test_pairs(feed_of):
    overlapping, disjoint = (feed_of("format=sentence_pair", f"format.pairs={v}") for v in ("overlapping", "disjoint"))
    assert overlapping.index_of(1).num_samples == overlapping.store.num_sentences
    assert disjoint.index_of(1).num_samples < 0.95 * disjoint.store.num_sentences


def test_count(feed_of):
    for value, varies in (("exact", False), ("bernoulli", True)):
        feed = feed_of("format=full", f"masking.count={value}", "masking.probability=0.15")
        index = feed.index_of(1)
        flat = assemble_masked(feed.store, index, feed.frame, np.arange(index.num_samples), feed.masks, 1)
        numbers = np.diff(np.searchsorted(flat.masked_positions, flat.sequence_offsets))
        ordinary = np.add.reduceat((~flat.special).astype(int), flat.sequence_offsets[:-1])
        assert (not np.array_equal(numbers, np.maximum(1, np.round(0.15 * ordinary)))) == varies


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full"])
def test_resample(feed_of, name):
    fixed, drawn, in_copies = (
        feed_of(f"format={name}", *arguments)
        for arguments in (
            ["format.resample=false"],
            ["format.resample=true"],
            ["format.resample=true", "masking.name=static", "masking.copies=2"],
        )
    )
    assert fixed.index_of(1) is fixed.index_of(2)
    assert content(drawn.index_of(1)) != content(drawn.index_of(2)) != content(drawn.index_of(3))
    assert content(in_copies.index_of(1)) == content(in_copies.index_of(3)) != content(in_copies.index_of(2))


def test_type_vocab_size_and_the_same_parameters_in_every_arm(compose, feed_of):
    numbers = {}
    arms = [(name, "paper") for name in FORMATS] + [("segment_pair", "mlm"), ("segment_pair", "mlm_sop")]
    for types in (2, 1):
        for name, objective in arms:
            arguments = (f"format={name}", f"objective={objective}", f"model.type_vocab_size={types}")
            model = initial_model(compose(*arguments), feed_of(*arguments))
            numbers[types, name, objective] = sum(parameter.numel() for parameter in model.parameters())
    counts = {types: {number for key, number in numbers.items() if key[0] == types} for types in (2, 1)}
    assert len(counts[2]) == len(counts[1]) == 1
    assert counts[2].pop() - counts[1].pop() == 64  # one more embedding of H = 64


def test_a_model_of_one_token_type_reads_pairs_of_two(compose, feed_of):
    arguments = ("format=segment_pair", "model.type_vocab_size=1")
    feed = feed_of(*arguments)
    loader = micro_batch_loader(
        *(feed.plan, feed.store, feed.frame, feed.masks),
        **{"first_step": 0, "max_steps": 1, "accumulation": 1, "num_workers": 0},
    )
    batch = next(iter(loader))
    assert batch.token_type_ids.max() == 1
    masked_logits, pair_logits = initial_model(compose(*arguments), feed)(batch)
    assert torch.isfinite(masked_logits).all()
    assert torch.isfinite(pair_logits).all()
