"""The multi-bootstrap against a loop over its draws."""

import numpy as np
import pytest

from nsp_ablation.reporting.analysis.multi_bootstrap import bootstrap_draws, drawn_counts, percentile_limits


def test_draws_are_whole_samples_with_replacement_and_the_same_each_time():
    counts = drawn_counts("clusters", 12)
    assert counts.shape == (1000, 12)
    assert (counts.sum(axis=1) == 12).all()
    np.testing.assert_array_equal(counts, drawn_counts("clusters", 12))
    assert (counts != drawn_counts("seeds a", 12)).any()
    # a unit is drawn 12 times in 12 of 12 chances: mean 1, variance 11/12, over 1,000 draws
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=4 * np.sqrt(11 / 12 / 1000))
    assert counts.var(axis=0) == pytest.approx(np.full(12, 11 / 12), rel=0.25)


def test_each_draw_is_the_mean_over_the_drawn_seeds_and_examples():
    rng = np.random.default_rng(6)
    sizes, seeds, clusters = np.array([3.0, 1.0, 5.0]), drawn_counts("seeds a", 4, 9), drawn_counts("clusters", 3, 9)
    sums = rng.normal(size=(2, 4, 3))
    found = bootstrap_draws(sums, sizes, seeds, clusters)
    for trial in range(2):
        for draw in range(9):
            rows, columns = (np.repeat(np.arange(len(one)), one.astype(int)) for one in (seeds[draw], clusters[draw]))
            expected = np.mean([sums[trial, row, columns].sum() / sizes[columns].sum() for row in rows])
            assert found[trial, draw] == pytest.approx(expected)


def test_limits_hold_the_middle_draws():
    low, high = percentile_limits(np.arange(1001.0))
    assert (low, high) == (25, 975)
