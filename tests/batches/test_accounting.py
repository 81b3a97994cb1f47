"""Totals equal what walking the updates counts."""

import numpy as np
import pytest

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.accounting import (
    TokenCount,
    positions_of,
    tokens_at_positions,
    totals,
    trained_length,
)
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize

SIZES = [UpdateSize(1, None, 1, 0), UpdateSize(5, None, 5, 0), UpdateSize(None, 150.5, 0, 150.5)]


def walk(plan, store, frame, num_steps):
    """Assemble every update and count what it holds."""
    masks = Masks(MaskingOptions("dynamic"), seed=1)
    content, counts = 0, dict.fromkeys(("sequences", "tokens", "special_tokens", "pairs", "random_next"), 0)
    positions = np.zeros(frame.max_length, np.int64)
    for step in range(num_steps):
        for sample, epoch in zip(*plan.update(step), strict=True):
            index = plan.index_of(epoch)
            flat = assemble_masked(store, index, frame, np.array([sample]), masks, 1)
            counts["sequences"] += 1
            counts["tokens"] += len(flat.input_ids)
            content += int((~flat.special).sum())
            counts["special_tokens"] += int(flat.special.sum())
            counts["pairs"] += index.is_pair
            counts["random_next"] += 0 if index.is_random_next is None else int(index.is_random_next[sample])
            positions += np.bincount(flat.position_ids, minlength=frame.max_length)
    return counts, content, positions


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["full", "doc", "nsp", "sop", "resampled"])
def test_totals_equal_those_of_the_updates_walked(store, frame, index_in, size, kind):
    if kind == "resampled":
        indexes = [index_in("segment_pair", resample=True, epoch=copy) for copy in range(3)]
        plan = BatchPlan(lambda epoch: indexes[(epoch - 1) % 3], size, 1)
    else:
        index = index_in("sentence_pair" if kind in ("nsp", "sop") else kind, order="sop" if kind == "sop" else "nsp")
        plan = BatchPlan(lambda epoch: index, size, 1)
    for num_steps in (0, 1, 60):
        counts, content, positions = walk(plan, store, frame, num_steps)
        found = totals(plan, num_steps, store.num_tokens)
        assert {name: getattr(found, name) for name in counts} == counts
        assert found.passes == pytest.approx(content / store.num_tokens)
        assert np.array_equal(tokens_at_positions(plan, num_steps, frame.max_length), positions)


def test_passes_count_the_corpus_and_epochs_the_samples(store, index_in):
    for name, repeats in (("full", 1.0), ("segment_pair", 1.3)):
        index = index_in(name)
        plan = BatchPlan(lambda epoch, index=index: index, UpdateSize(index.num_samples, None, 0, 0), 1)
        found = totals(plan, 3, store.num_tokens)
        assert found.epochs == 3
        assert found.passes == pytest.approx(3 * repeats, rel=0.3 if name == "segment_pair" else 1e-9)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([100, 100, 50, 1], 4),  # one input in a hundred is as long
        ([101, 101, 50, 1], 3),
        ([1000, 9, 9, 9], 1),
        ([7, 7, 7, 7], 4),
        ([300, 3, 2, 0], 2),
    ],
)
def test_a_length_is_trained_where_one_input_in_a_hundred_has_it(counts, expected):
    assert trained_length(np.array(counts)) == expected


def test_positions_of_an_index_are_those_of_one_epoch_walked(store, frame, index_in):
    index = index_in("sentence_pair")
    plan = BatchPlan(lambda epoch: index, UpdateSize(index.num_samples, None, index.num_samples, 0), 1)
    found = positions_of(np.asarray(index.lengths()), frame.max_length)
    assert found.tolist() == tokens_at_positions(plan, 1, frame.max_length).tolist()
    assert found[0] == index.num_samples


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["full", "resampled"])
def test_tokens_counted_on_the_way_are_those_of_the_totals(store, index_in, size, kind):
    if kind == "resampled":
        indexes = [index_in("segment_pair", resample=True, epoch=copy) for copy in range(3)]
        plan = BatchPlan(lambda epoch: indexes[(epoch - 1) % 3], size, 1)
    else:
        index = index_in(kind)
        plan = BatchPlan(lambda epoch: index, size, 1)
    for asked in ((0, 1, 2, 5, 5, 40, 60), (7, 60), (60, 3, 4)):  # in order, from a checkpoint, and back
        count = TokenCount(plan)
        assert [count(update) for update in asked] == [
            totals(plan, update, store.num_tokens).tokens for update in asked
        ]
