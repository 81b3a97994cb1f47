"""Updates of equal counts: planned predictions are those that are made, and the search ends nearest to its target."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.equal_counts import planned_predictions, updates_for
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize


def made(plan, store, frame, masking, num_steps):
    """How many tokens the micro-batches of some updates predict."""
    parts = {"first_step": 0, "max_steps": num_steps, "accumulation": 1, "num_workers": 0}
    loader = micro_batch_loader(plan, store, frame, Masks(masking, seed=1), **parts)
    return sum(len(batch.masked_labels) for batch in loader)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("probability", [0.15, 0.25])
def test_planned_predictions_are_those_that_are_made(store, frame, index_in, name, probability):
    """Over more than an epoch, in updates of sequences."""
    index = index_in(name)
    plan = BatchPlan(lambda epoch: index, UpdateSize(7, None, 7, 0), 1)
    masking = MaskingOptions("dynamic", probability=probability)
    for num_steps in (1, 3, index.num_samples // 7 + 2):
        found = planned_predictions(plan, num_steps, masking)
        assert found == made(plan, store, frame, masking, num_steps) > 0
    assert planned_predictions(plan, 0, masking) == 0


def test_of_coins_the_expected_number_is_planned(store, frame, index_in):
    index, masking = index_in("doc"), MaskingOptions("dynamic", probability=0.25, count="bernoulli")
    plan, steps = BatchPlan(lambda epoch: index, UpdateSize(7, None, 7, 0), 1), 40
    planned, found = planned_predictions(plan, steps, masking), made(plan, store, frame, masking, steps)
    assert abs(found - planned) < 5 * np.sqrt(planned * 0.75)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 200), st.integers(1, 60))
@settings(deadline=None)
def test_the_search_ends_nearest_to_its_target(grown, target, guess):
    """A count that grows by these steps and then stays as it is."""
    totals = np.concatenate([[0], np.cumsum(grown)])

    def count(updates):
        return int(totals[min(updates, len(totals) - 1)])

    found = updates_for(count, target, guess)
    if found is None:
        assert any(count(2 * updates) == count(updates) < target for updates in range(1, 200))
    else:
        assert found >= 1
        nearest = min(abs(count(updates) - target) for updates in range(1, len(totals) + 1))
        assert abs(count(found) - target) == nearest
        before = [updates for updates in range(1, found) if abs(count(updates) - target) == nearest]
        assert all(count(updates) == count(found) or count(updates) > target for updates in before)


def test_literal_searches():
    assert updates_for(lambda updates: 500 * updates, 5000, 7) == 10
    assert updates_for(lambda updates: 500 * updates, 5249, 1) == 10
    assert updates_for(lambda updates: 500 * updates, 5250, 100) == 10
    assert updates_for(lambda updates: 500 * updates, 5251, 100) == 11
    assert updates_for(lambda updates: 500 * updates, 3, 100) == 1
    assert updates_for(lambda updates: min(updates, 9) * 10, 95, 2) is None
