"""Seeds needed: against the textbook's power of a t test, and against simulation."""

import numpy as np
import pytest
from scipy import stats

from nsp_ablation.reporting.analysis.crossed_variance import estimate, means_of_sums
from nsp_ablation.reporting.analysis.intervals import p_difference
from nsp_ablation.reporting.analysis.seeds_needed import MAX_SEEDS, power, seeds_needed


def pilot(cells, num_items=1.0):
    """Return the estimate of cells (S, C)."""
    sizes = np.full(np.shape(cells)[-1], num_items)
    return estimate(means_of_sums(np.asarray(cells, dtype=float) * num_items, sizes), sizes)


def only_seeds(deviation):
    """Return a pilot of four seeds and one cluster whose standard deviation over seeds is this."""
    return pilot(deviation * np.array([[-1.0], [1.0], [-1.0], [1.0]]) * np.sqrt(3) / 2)


@pytest.mark.parametrize(("effect", "alpha"), [(1.0, 0.05), (1.5, 0.0125), (0.4, 0.05)])
def test_over_seeds_alone_it_is_the_textbooks_number(effect, alpha):
    def told(number):
        critical = stats.t.ppf(1 - alpha / 2, number - 1)
        return stats.nct.sf(critical, number - 1, effect * np.sqrt(number))

    number = next(number for number in range(2, 500) if told(number) >= 0.8)
    found = seeds_needed(only_seeds(1.0), effect, alpha)
    assert found.number == number
    assert found.low < number < found.high


def test_the_power_is_that_of_simulated_studies():
    rng, sds = np.random.default_rng(5), (1.0, 2.0, 4.0)

    def cells(trials, num_seeds, shift=0.0):
        seeds, clusters = rng.normal(shift, sds[0], (trials, num_seeds, 1)), rng.normal(0, sds[1], (trials, 1, 40))
        return seeds + clusters + rng.normal(0, sds[2], (trials, num_seeds, 40))

    many = estimate(means_of_sums(cells(400, 20), np.ones(40)), np.ones(40))
    average = pilot(np.zeros((20, 40)))
    parts = {name: getattr(many, name).mean() for name in ("seed_part", "cluster_part", "residual_part")}
    average = type(average)(**{**vars(average), **{name: np.asarray(value) for name, value in parts.items()}})
    told = p_difference(estimate(means_of_sums(cells(3000, 8, 1.3), np.ones(40)), np.ones(40))) < 0.05
    assert float(power(average, np.array([8]), 1.3, 0.05)[0]) == pytest.approx(told.mean(), abs=0.04)


def test_more_seeds_are_needed_for_less_and_at_a_stricter_level():
    found = only_seeds(1.0)
    numbers = [seeds_needed(found, effect, 0.05).number for effect in (0.3, 0.5, 1.0, 3.0)]
    assert numbers == sorted(numbers, reverse=True)
    assert seeds_needed(found, 0.5, 0.05 / 8).number > numbers[1]
    assert seeds_needed(found, -0.5, 0.05).number == numbers[1]


def test_no_number_of_seeds_helps_where_the_examples_are_too_few():
    clusters = np.tile([[-1.0, 1.0, 0.5, -0.5]], (5, 1))
    found = seeds_needed(pilot(clusters + 0.001 * np.random.default_rng(0).normal(size=(5, 4))), 0.1, 0.05)
    assert (found.number, found.high) == (None, None)
    assert float(power(only_seeds(1.0), np.array([MAX_SEEDS]), 0.1, 0.05)[0]) > 0.8


def test_one_seed_says_nothing_of_seeds():
    assert seeds_needed(pilot(np.ones((1, 9))), 1.0, 0.05) is None


def test_equal_scores_need_the_fewest_seeds():
    assert seeds_needed(pilot(np.full((3, 4), 0.5)), 0.01, 0.05).number == 2
