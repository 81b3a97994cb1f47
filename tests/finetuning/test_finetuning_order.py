"""Batches: every sample once an epoch, little padding, an order that the seed alone decides."""

import itertools

import numpy as np

from nsp_ablation.learning.finetuning.finetuning_fit import training_batches
from nsp_ablation.learning.tasks.features import length_batches

LENGTHS = np.random.default_rng(0).integers(5, 60, size=1003)


def test_every_epoch_holds_each_sample_once():
    batches = list(training_batches(LENGTHS, 16, 32, seed=1, max_steps=2 * 63))
    for epoch in (batches[:63], batches[63:]):
        assert sorted(np.concatenate(epoch)) == list(range(1003))
        assert sorted(map(len, epoch)) == [11] + [16] * 62
    first, second = ({frozenset(batch.tolist()) for batch in epoch} for epoch in (batches[:63], batches[63:]))
    assert not first & second, "other samples meet, not the same batches in another order"


def test_the_order_is_a_function_of_the_seed_and_a_shorter_run_is_its_beginning():
    def order(seed, max_steps):
        return [batch.tolist() for batch in training_batches(LENGTHS, 16, 32, seed, max_steps)]

    assert order(1, 70) == order(1, 70)
    assert order(1, 70)[:5] == order(1, 5)
    assert order(1, 5) != order(2, 5)


def test_padding_is_a_small_share_and_batches_are_not_sorted_by_length():
    batches = list(training_batches(LENGTHS, 16, 32, seed=1, max_steps=63))
    padded = sum(LENGTHS[batch].max() * len(batch) for batch in batches)
    assert padded < 1.08 * LENGTHS.sum()
    longest = [LENGTHS[batch].max() for batch in batches]
    rises = sum(a < b for a, b in itertools.pairwise(longest))
    assert 20 < rises < 43


def test_evaluation_holds_each_sample_once_within_the_budget():
    num_tokens = LENGTHS * np.random.default_rng(1).integers(1, 5, size=1003)
    batches = list(length_batches(LENGTHS, num_tokens, max_tokens=1000))
    assert sorted(np.concatenate(batches)) == list(range(1003))
    assert all(num_tokens[batch].sum() <= 1000 for batch in batches)
    assert all(num_tokens[[*batch, after[0]]].sum() > 1000 for batch, after in itertools.pairwise(batches)), "full"
    assert (np.diff(LENGTHS[np.concatenate(batches)]) <= 0).all()
    lengths = np.array([9, 8])
    assert [len(batch) for batch in length_batches(lengths, lengths, max_tokens=5)] == [1, 1]
