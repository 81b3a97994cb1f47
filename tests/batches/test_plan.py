"""Laws of the plan: each sample once an epoch, updates of the budget's size, random access."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.samples.batches.plan import BatchPlan, balanced_cut
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.sample_index import SampleIndex


def index_of_lengths(lengths):
    """An index of single spans, so that sample i has `lengths[i]` real tokens."""
    ends = np.cumsum(np.array(lengths) - 2)
    return SampleIndex(
        spans=np.stack([ends - lengths + 2, ends], axis=1),
        separators=np.ones(len(lengths), np.uint8),
        offsets=np.arange(len(lengths) + 1),
        is_pair=False,
        is_random_next=None,
        is_swapped=None,
        trimmed_tokens=0,
        cut_sentences=0,
        fingerprint="lengths",
    )


def in_sequences(num):
    return UpdateSize(num, None, num, 0.0)


def in_tokens(num):
    return UpdateSize(None, num, 0.0, num)


LENGTHS = [5 + i * 13 % 28 for i in range(1000)]
SIZES = [in_sequences(7), in_sequences(1500), in_tokens(100.25), in_tokens(30_000.5)]


@pytest.fixture
def plan_of():
    index = index_of_lengths(LENGTHS)
    return lambda size, seed=1: BatchPlan(lambda epoch: index, size, seed)


def read(plan, num_steps):
    updates = [plan.update(step) for step in range(num_steps)]
    return np.concatenate([samples for samples, _ in updates]), np.concatenate([epochs for _, epochs in updates])


@pytest.mark.parametrize("size", SIZES)
def test_each_epoch_holds_each_sample_exactly_once(plan_of, size):
    plan = plan_of(size)
    samples, epochs = read(plan, 2 + int(3.5 * sum(LENGTHS) / (size.tokens or 18.5 * size.sequences)))
    assert np.array_equal(np.unique(epochs), np.arange(1, epochs.max() + 1))
    assert (np.diff(epochs) >= 0).all()
    assert epochs.max() >= 4
    for epoch in range(1, epochs.max()):
        assert sorted(samples[epochs == epoch]) == list(range(1000))
        assert np.array_equal(samples[epochs == epoch], plan.order(epoch))


def test_epochs_and_seeds_have_orders_of_their_own(plan_of):
    plan = plan_of(in_sequences(7))
    assert not np.array_equal(plan.order(1), plan.order(2))
    assert not np.array_equal(plan.order(1), plan_of(in_sequences(7), seed=2).order(1))
    assert not np.array_equal(plan.order(1), np.arange(1000))


@pytest.mark.parametrize("size", SIZES)
def test_any_step_is_read_directly_and_in_any_order(plan_of, size):
    walked = plan_of(size)
    expected = [walked.update(step) for step in range(40)]
    jumping = plan_of(size)
    for step in (39, 3, 20, 0, 38):
        for plan in (jumping, plan_of(size)):
            assert all(np.array_equal(a, b) for a, b in zip(plan.update(step), expected[step], strict=True))


def test_updates_of_sequences_are_equal_and_straddle_epochs(plan_of):
    plan = plan_of(in_sequences(7))
    assert all(len(plan.update(step)[0]) == 7 for step in range(300))
    assert plan.update(142)[1].tolist() == [1] * 6 + [2]  # 142 * 7 = 994


@pytest.mark.parametrize("target", [33.0, 100.25, 2_000.7, 40_000.3])
def test_updates_of_tokens_hold_the_target_on_average_and_within_one_sequence_each(plan_of, target):
    plan, lengths = plan_of(in_tokens(target)), np.array(LENGTHS)
    sizes = np.array([lengths[plan.update(step)[0]].sum() for step in range(200)])
    assert abs(sizes - target).max() <= lengths.max()
    assert abs(sizes.sum() - 200 * target) <= lengths.max()
    assert abs(sizes.mean() / target - 1) < 0.005


def test_a_format_that_is_drawn_anew_has_epochs_of_different_size():
    indexes = [index_of_lengths(LENGTHS[: 300 + 100 * (epoch % 3)]) for epoch in range(8)]
    for size in (in_sequences(64), in_tokens(1000.5)):
        plan = BatchPlan(lambda epoch: indexes[epoch], size, 1)
        samples, epochs = read(plan, 25)
        for epoch in range(1, epochs.max()):
            assert sorted(samples[epochs == epoch]) == list(range(indexes[epoch].num_samples))
        assert epochs.max() > 2


def test_only_two_epochs_are_held(plan_of):
    plan = plan_of(in_sequences(600))
    for step in range(30):
        plan.update(step)
    assert len(plan._epochs) <= 2


def test_an_update_smaller_than_a_sample_is_refused(plan_of):
    with pytest.raises(ValueError, match="batch.sequences is too small .* raise batch.sequences or set budget"):
        plan_of(in_tokens(31.0)).update(0)
    with pytest.raises(ValueError, match="no samples"):
        BatchPlan(lambda epoch: index_of_lengths([]), in_sequences(2), 1).update(0)


@given(lengths=st.lists(st.integers(3, 512), max_size=60), num_parts=st.integers(1, 20))
def test_parts_are_balanced_by_tokens_and_empty_only_for_want_of_sequences(lengths, num_parts):
    borders = balanced_cut(np.array(lengths, np.int64), num_parts)
    counts = np.diff(borders)
    assert len(counts) == num_parts
    assert (borders[0], borders[-1]) == (0, len(lengths))
    assert counts.min() >= (1 if len(lengths) >= num_parts else 0)
    if len(lengths) >= num_parts:
        tokens = [sum(lengths[a:b]) for a, b in zip(borders[:-1], borders[1:], strict=True)]
        assert max(abs(num - sum(lengths) / num_parts) for num in tokens) <= max(lengths)


def test_a_cut_is_the_nearest_one():
    assert balanced_cut(np.array([10, 10, 10, 10]), 2).tolist() == [0, 2, 4]
    assert balanced_cut(np.array([30, 10, 10, 10]), 2).tolist() == [0, 1, 4]
    assert balanced_cut(np.array([100, 1, 1, 1]), 3).tolist() == [0, 1, 2, 4]
    assert balanced_cut(np.array([5, 5]), 4).tolist() == [0, 1, 2, 2, 2]
