"""Statistics against scipy and by hand."""

import numpy as np
import pytest
from scipy import stats

from nsp_ablation.reporting.analysis.intervals import holm, paired_difference, summarize, t_interval

A = np.array([0.71, 0.74, 0.70, 0.78, 0.73])
B = np.array([0.70, 0.70, 0.71, 0.72, 0.71])


def test_summary_by_hand():
    summary = summarize(np.array([0.1, 0.2, 0.6]))
    assert summary.median == 0.2
    assert summary.mean == pytest.approx(0.3)
    # Standard deviation .2646, standard error .1528, t(2) = 4.3027.
    assert summary.low == pytest.approx(0.3 - 4.3027 * 0.15275, abs=1e-4)
    assert summary.high == pytest.approx(0.3 + 4.3027 * 0.15275, abs=1e-4)


def test_interval_is_scipys():
    low, high = t_interval(A)
    expected = stats.t.interval(0.95, len(A) - 1, loc=A.mean(), scale=stats.sem(A))
    assert (low, high) == pytest.approx(expected)


def test_one_seed_has_no_interval():
    summary = summarize(np.array([0.5]))
    assert (summary.scores, summary.median, summary.mean, summary.low, summary.high) == ((0.5,), 0.5, 0.5, None, None)


def test_interval_covers_the_mean_in_95_of_100_samples():
    samples = np.random.default_rng(0).normal(0.7, 0.05, size=(2000, 4))
    covered = [low <= 0.7 <= high for low, high in map(t_interval, samples)]
    assert 0.935 < np.mean(covered) < 0.965


def test_paired_difference_is_scipys():
    result, expected = paired_difference(A, B), stats.ttest_rel(A, B)
    interval = expected.confidence_interval(0.95)
    assert result.difference == pytest.approx(np.mean(A - B))
    assert result.p == pytest.approx(expected.pvalue)
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))


def test_the_interval_excludes_zero_exactly_where_p_is_below_5_percent():
    rng = np.random.default_rng(1)
    results = [paired_difference(rng.normal(0.02, 0.02, 5), rng.normal(0, 0.02, 5)) for _ in range(200)]
    significant = [result.p < 0.05 for result in results]
    assert [result.low > 0 or result.high < 0 for result in results] == significant
    assert 0 < sum(significant) < len(results)


def test_paired_difference_turns_round_with_its_arms():
    forth, back = paired_difference(A, B), paired_difference(B, A)
    assert forth.difference == -back.difference
    assert forth.p == back.p
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))


def test_one_common_seed_has_a_difference_and_no_p():
    result = paired_difference(A[:1], B[:1])
    assert (result.difference, result.p, result.low) == (pytest.approx(0.01), None, None)


def test_differences_without_spread():
    assert paired_difference(A, A).p == 1.0
    assert paired_difference(np.array([1.0, 2.0]), np.array([0.5, 1.5])).p == 0.0


def test_holm_by_hand():
    # Sorted: .01 * 4, .02 * 3, .03 * 2 (raised to .06), .9 * 1; back in the order given.
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.9, 0.02])), [0.06, 0.04, 0.9, 0.06])
    np.testing.assert_array_equal(holm(np.array([0.7, 0.8])), [1.0, 1.0])
    assert holm(np.empty(0)).shape == (0,)


def test_holm_rejects_what_the_procedure_of_the_paper_rejects():
    p_values = np.random.default_rng(2).uniform(size=(300, 6)) ** 3
    for row in p_values:
        rejected = np.zeros(6, dtype=bool)
        for step, place in enumerate(np.argsort(row)):
            if row[place] > 0.05 / (6 - step):
                break
            rejected[place] = True
        np.testing.assert_array_equal(holm(row) <= 0.05, rejected)
