"""Summaries and intervals, by hand and against scipy; the intervals' coverage, in small."""

import numpy as np
import pytest
from scipy import stats

from nsp_ablation.reporting.analysis.crossed_variance import estimate, means_of_sums
from nsp_ablation.reporting.analysis.intervals import limits, summarize

ONE = np.ones(1)


def over_seeds(scores):
    """Return the estimate of scores (..., S) over seeds alone: one cluster of one example."""
    return estimate(means_of_sums(np.asarray(scores)[..., np.newaxis], ONE), ONE)


def test_summary_by_hand():
    scores = np.array([0.1, 0.2, 0.6])
    summary = summarize(scores, over_seeds(scores))
    assert (summary.median, summary.interval) == (0.2, "seeds_examples")
    assert summary.mean == pytest.approx(0.3)
    # Standard deviation .2646, standard error .1528, t(2) = 4.3027.
    assert summary.low == pytest.approx(0.3 - 4.3027 * 0.15275, abs=1e-4)
    assert summary.high == pytest.approx(0.3 + 4.3027 * 0.15275, abs=1e-4)


def test_scores_without_arrays_have_no_interval():
    summary = summarize(np.array([0.5, 0.7]))
    assert (summary.scores, summary.median, summary.mean) == ((0.5, 0.7), 0.6, 0.6)
    assert (summary.low, summary.high, summary.interval) == (None, None, "none")


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 6, 0.1])
def test_limits_are_scipys_at_every_level(alpha):
    scores = np.array([0.71, 0.74, 0.70, 0.78, 0.73])
    expected = stats.t.interval(1 - alpha, 4, loc=scores.mean(), scale=stats.sem(scores))
    assert [float(limit) for limit in limits(over_seeds(scores), alpha)] == pytest.approx(list(expected))
