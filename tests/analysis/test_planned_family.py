"""The planned family: Holm over all tests, equality tests, simultaneous limits, verdicts."""

import numpy as np
import pytest
from scipy import stats

from nsp_ablation.reporting.analysis.crossed_variance import estimate, means_of_sums
from nsp_ablation.reporting.analysis.intervals import holm, limits, p_difference, p_equal
from nsp_ablation.reporting.analysis.planned_family import corrected_together, num_tests, verdict

RNG = np.random.default_rng(3)


def over_seeds(differences):
    """Return the estimate of differences (..., S) over seeds alone: one cluster of one example."""
    return estimate(means_of_sums(np.asarray(differences)[..., np.newaxis], np.ones(1)), np.ones(1))


def drawn(shift, num_seeds=5, shape=()):
    return over_seeds(RNG.normal(shift, 1.0, (*shape, num_seeds)))


def test_holm_by_hand():
    # Sorted: .01 * 4, .02 * 3, .03 * 2 (raised to .06), .9 * 1; back in the order given.
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.9, 0.02])), [0.06, 0.04, 0.9, 0.06])
    np.testing.assert_array_equal(holm(np.array([0.7, 0.8])), [1.0, 1.0])
    assert holm(np.empty(0)).shape == (0,)


def test_holm_rejects_what_the_procedure_of_the_paper_rejects():
    p_values = np.random.default_rng(2).uniform(size=(300, 6)) ** 3
    for row, corrected in zip(p_values, holm(p_values), strict=True):
        rejected = np.zeros(6, dtype=bool)
        for step, place in enumerate(np.argsort(row)):
            if row[place] > 0.05 / (6 - step):
                break
            rejected[place] = True
        np.testing.assert_array_equal(corrected <= 0.05, rejected)


def test_holm_is_monotone_and_a_further_test_never_helps():
    p_values = RNG.uniform(size=(200, 5)) ** 2
    corrected, further = holm(p_values), holm(np.concatenate([p_values, RNG.uniform(size=(200, 1))], axis=1))
    assert (corrected >= p_values).all()
    assert (further[:, :5] >= corrected - 1e-15).all()
    order = np.argsort(p_values, axis=1)
    assert (np.diff(np.take_along_axis(corrected, order, axis=1), axis=1) >= 0).all()
    lower = p_values.copy()
    lower[:, 2] /= 2
    assert (holm(lower) <= corrected + 1e-15).all()


def test_a_test_that_could_not_be_made_counts_and_stays_without_a_p():
    np.testing.assert_allclose(holm(np.array([0.01, np.nan, 0.02])), [0.03, np.nan, 0.04])
    member, missing = corrected_together([over_seeds([1.0, 1.1, 0.9, 1.2]), None], [None, None])
    assert float(member.p_holm) == pytest.approx(2 * float(member.p))
    assert np.isnan([float(missing.p), float(missing.p_holm), float(missing.low_simultaneous)]).all()


def test_equality_is_two_one_sided_t_tests():
    for _ in range(50):
        differences = RNG.normal(0.3, 1.0, 6)
        sides = [
            stats.ttest_1samp(differences, -1.5, alternative="greater").pvalue,
            stats.ttest_1samp(differences, 1.5, alternative="less").pvalue,
        ]
        assert float(p_equal(over_seeds(differences), 1.5)) == pytest.approx(max(sides))


def test_p_values_say_what_the_intervals_say():
    found = drawn(0.8, shape=(400,))
    low, high = limits(found)
    excludes = (low > 0) | (high < 0)
    np.testing.assert_array_equal(excludes, p_difference(found) < 0.05)
    low, high = limits(found, 0.1)
    within = (low > -2) & (high < 2)
    np.testing.assert_array_equal(within, p_equal(found, 2.0) < 0.05)
    assert 0 < excludes.mean() < 1 > within.mean() > 0


def test_equality_grows_likelier_with_the_margin_and_turns_round_with_the_arms():
    found, back = over_seeds([0.2, 0.5, -0.1, 0.4]), over_seeds([-0.2, -0.5, 0.1, -0.4])
    p_values = [float(p_equal(found, margin)) for margin in (0.01, 0.25, 0.5, 1.0, 5.0)]
    assert p_values == sorted(p_values, reverse=True)
    assert float(p_equal(found, float(found.value))) == pytest.approx(0.5)
    assert p_values == pytest.approx([float(p_equal(back, margin)) for margin in (0.01, 0.25, 0.5, 1.0, 5.0)])


def test_the_family_is_all_tests_together():
    found, margins = [drawn(2.0), drawn(0.0), drawn(0.5)], [None, 3.0, 1.0]
    members = corrected_together(found, margins)
    p_values = [float(p_difference(one)) for one in found] + [
        float(p_equal(found[1], 3.0)),
        float(p_equal(found[2], 1.0)),
    ]
    expected = holm(np.array(p_values))
    told = [float(one.p_holm) for one in members] + [float(one.p_equal_holm) for one in members[1:]]
    assert told == pytest.approx(expected.tolist())
    assert np.isnan(float(members[0].p_equal_holm))
    assert num_tests(margins) == 5
    low, high = limits(found[0], 0.05 / 5)
    assert (float(members[0].low_simultaneous), float(members[0].high_simultaneous)) == (float(low), float(high))


def test_an_interval_that_excludes_0_or_lies_within_the_margin_is_never_contradicted():
    found, margins = [drawn(shift, 6, (500,)) for shift in (1.5, 0.0, 0.3)], [None, 2.5, 2.5]
    rejections = 0
    for member, margin in zip(corrected_together(found, margins), margins, strict=True):
        excludes = (member.low_simultaneous > 0) | (member.high_simultaneous < 0)
        assert (member.p_holm[excludes] < 0.05).all()
        rejections += int((member.p_holm < 0.05).sum())
        if margin:
            within = (member.low_simultaneous > -margin) & (member.high_simultaneous < margin)
            assert (member.p_equal_holm[within] < 0.05).all()
            assert within.any()
    assert rejections > 0


def test_without_effects_a_family_tells_something_in_at_most_5_percent():
    found = [drawn(0.0, 5, (4000,)) for _ in range(4)]
    told = np.any([member.p_holm < 0.05 for member in corrected_together(found, [None] * 4)], axis=0)
    assert 0.03 < told.mean() < 0.062  # 5 % less what Holm leaves, 3.5 standard errors of 4,000 trials above


@pytest.mark.parametrize(
    ("difference", "p_holm", "p_equal_holm", "words"),
    [
        (1.2, 0.049, None, "a above b"),
        (-1.2, 0.049, None, "b above a"),
        (1.2, 0.05, None, "not told"),
        (0.1, 0.7, 0.049, "equal within 2"),
        (0.1, 0.7, 0.05, "not told"),
        (0.4, 0.01, 0.01, "a above b, by less than 2"),
        (-0.4, 0.01, 0.01, "b above a, by less than 2"),
        (None, None, None, "not told"),
    ],
)
def test_verdicts_in_words(difference, p_holm, p_equal_holm, words):
    assert verdict(difference, p_holm, p_equal_holm, "2") == words


def test_an_estimate_over_examples_alone_is_not_tested():
    one_seed = estimate(means_of_sums(RNG.normal(5, 1, (1, 30)), np.ones(30)), np.ones(30))
    (member,) = corrected_together([one_seed], [9.0])
    assert np.isnan([float(member.p), float(member.p_equal), float(member.low_simultaneous)]).all()
