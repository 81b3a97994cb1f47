"""The end of the unigram plateau: where smoothed MLM losses fall for good, whatever cuts a run into parts."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.learning.pretraining.plateau import LossBlocks, SmoothedLosses


def smoothed(losses, num_updates=None):
    """The blocks of a run of these losses, one share per update."""
    blocks = LossBlocks(num_updates or len(losses))
    for update, loss in enumerate(losses, start=1):
        blocks.add(torch.tensor(loss, dtype=torch.float64))
        if blocks.is_due(update):
            blocks.close(float(blocks.sum), update)
    return blocks.smoothed()


def curve(*parts):
    """Losses of updates, part by part: (number of updates, first loss, last loss)."""
    return np.concatenate([np.linspace(first, last, number) for number, first, last in parts])


NOISE = np.random.Generator(np.random.Philox(3)).normal(0, 0.5, 4000)
AT_7 = [(2000, 7.0, 7.0)]
CURVES = {  # losses of 4,000 updates in blocks of 20, and the update from which they stay below 6
    "late": (curve(*AT_7, (1000, 7.0, 5.0), (1000, 5.0, 4.0)), 2500),
    "at once": (curve((4000, 5.0, 3.0)), 0),
    "never": (curve((4000, 7.5, 6.3)), None),
    "a dip that returns": (curve((1000, 7, 7), (500, 5, 5), (1000, 7, 7), (1500, 5, 4)), 2500),
    "a dip and no more": (curve((1000, 7, 7), (500, 5, 5), (2500, 7, 7)), None),
    "a return at the end": (curve((2000, 7, 7), (1960, 5, 4), (40, 7, 7)), None),
    "one bad update": (np.concatenate([curve((2000, 7, 7), (2000, 5, 4))[:3990], [9.0], [4.0] * 9]), 2000),
}


@pytest.mark.parametrize(("losses", "expected"), CURVES.values(), ids=CURVES)
@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_plateau_ends_where_smoothed_losses_fall_for_good(losses, expected, noise):
    """Noise of .5 nats an update is .11 a block, here within one block of a slope of .002 nats an update."""
    found = smoothed(losses + noise * NOISE).update_below(6.0)
    if expected in (None, 0):
        assert found == expected
    else:
        assert abs(found - expected) <= (80 if noise else 20)


def test_a_block_is_the_mean_of_its_updates_and_the_last_may_be_shorter():
    found = smoothed([*[8.0, 6.0] * 5, *[4.0] * 10, 3.0, 2.0])
    assert (found.block, found.means) == (10, [7.0, 4.0, 2.5])
    assert [found.update_below(threshold) for threshold in (9.0, 7.0, 4.5, 4.0, 2.6, 2.0)] == [0, 10, 10, 20, 20, None]


@pytest.mark.parametrize(("num_updates", "block"), [(1, 10), (2000, 10), (2001, 11), (3500, 18), (1_000_000, 5000)])
def test_blocks_are_of_ten_updates_or_a_two_hundredth_of_the_run(num_updates, block):
    assert LossBlocks(num_updates).block == block


def test_a_run_without_updates_and_one_that_diverged_have_left_nothing():
    assert smoothed([], 5).update_below(6.0) is None
    assert smoothed([5.0] * 10 + [float("nan")] * 10).update_below(6.0) is None


@given(st.lists(st.floats(0, 9), min_size=1, max_size=60), st.floats(0, 9))
@settings(deadline=None)
def test_every_block_after_the_end_is_below_and_the_one_before_it_is_not(means, threshold):
    losses = SmoothedLosses(10, 10 * len(means), means)
    update = losses.update_below(threshold)
    if update is None:
        assert means[-1] >= threshold
    else:
        assert all(mean < threshold for mean in means[update // 10 :])
        assert update == 0 or means[update // 10 - 1] >= threshold


@given(st.integers(1, 45), st.integers(1, 3), st.booleans())
@settings(deadline=None, max_examples=50)
def test_a_run_in_two_parts_has_the_losses_of_a_whole_one(stop, num_ranks, saves_before_the_hook):
    """A checkpoint of the last update of a block is written before or after the block is closed; ranks add shares."""
    losses = [7.0 - 0.1 * update for update in range(45)]

    def add(ranks, first, last, closes_last):
        for update in range(first, last + 1):
            for rank in ranks:
                rank.add(torch.tensor(losses[update - 1] / num_ranks, dtype=torch.float64))
            if update < last or closes_last:
                close(ranks, update)

    def close(ranks, update):
        total = sum(float(rank.sum) for rank in ranks)
        for rank in ranks:
            if rank.is_due(update):
                rank.close(total, update)

    ranks = [LossBlocks(45) for _ in range(num_ranks)]
    add(ranks, 1, stop, closes_last=not saves_before_the_hook)
    close(ranks, stop)  # what saving does
    state = ranks[0].state(sum(float(rank.sum) for rank in ranks))
    resumed = [LossBlocks(45) for _ in range(num_ranks)]
    for number, rank in enumerate(resumed):
        rank.load(state, is_first_rank=number == 0)
    add(resumed, stop + 1, 45, closes_last=True)
    assert resumed[-1].smoothed().means == pytest.approx(smoothed(losses).means)
    assert len(resumed[0].means) == 5
