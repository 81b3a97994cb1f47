"""The two-way variance: against the analysis of variance by loops, scipy's tests, matrices, and laws."""

import numpy as np
import pytest
from scipy import stats

from nsp_ablation.reporting.analysis.crossed_variance import (
    SeedScores,
    cluster_degrees,
    estimate,
    means_of_sums,
    unpaired_difference,
)
from nsp_ablation.reporting.analysis.intervals import limits, p_difference, summarize

RNG = np.random.default_rng(20)
UNEQUAL = np.array([3.0, 7.0, 50.0, 20.0, 1.0, 19.0])


def of_means(means, sizes=None):
    """Return the scores of cluster means (S, C), and the clusters' sizes."""
    sizes = np.full(means.shape[-1], 4.0) if sizes is None else sizes
    return means_of_sums(means * sizes, sizes), sizes


def drawn(num_seeds, num_clusters, seed_sd=1.0, cluster_sd=1.0, residual_sd=1.0, rng=RNG):
    seeds = rng.normal(0, seed_sd, (num_seeds, 1))
    return seeds + rng.normal(0, cluster_sd, num_clusters) + rng.normal(0, residual_sd, (num_seeds, num_clusters))


def mean_squares(means):
    """Return MS_seed, MS_cluster and MS_residual of cells (S, C), by loops over every cell."""
    num_seeds, num_clusters = means.shape
    grand = sum(means[s, c] for s in range(num_seeds) for c in range(num_clusters)) / means.size
    rows = [sum(means[s]) / num_clusters for s in range(num_seeds)]
    columns = [sum(means[:, c]) / num_seeds for c in range(num_clusters)]
    seed = num_clusters * sum((row - grand) ** 2 for row in rows) / (num_seeds - 1)
    cluster = num_seeds * sum((column - grand) ** 2 for column in columns) / (num_clusters - 1)
    cells = [(means[s, c] - rows[s] - columns[c] + grand) ** 2 for s in range(num_seeds) for c in range(num_clusters)]
    return seed, cluster, sum(cells) / ((num_seeds - 1) * (num_clusters - 1))


@pytest.mark.parametrize(("num_seeds", "num_clusters"), [(2, 2), (3, 9), (5, 12), (10, 90)])
def test_equal_clusters_give_the_two_way_layout(num_seeds, num_clusters):
    means = drawn(num_seeds, num_clusters)
    found, cells = estimate(*of_means(means)), num_seeds * num_clusters
    seed, cluster, residual = mean_squares(means)
    parts = [float(part) * cells for part in (found.seed_part, found.cluster_part, found.residual_part)]
    assert parts == pytest.approx([seed, cluster, residual])
    expected = max((seed + cluster - residual) / cells, seed / cells, cluster / cells)
    assert float(found.error) ** 2 == pytest.approx(expected)
    assert float(found.value) == pytest.approx(means.mean())
    if seed > residual < cluster:
        freedom = [num_seeds - 1, num_clusters - 1, (num_seeds - 1) * (num_clusters - 1)]
        # three seeds and fewer: the part over seeds by its share, not its square
        squares = [part**2 for part in (seed, cluster, residual)]
        squares[0] = seed * expected * cells if num_seeds <= 3 else squares[0]
        spread = sum(square / cells**2 / dof for square, dof in zip(squares, freedom, strict=True))
        assert float(found.dof) == pytest.approx(max(expected**2 / spread, min(freedom)))


def test_the_variance_is_never_below_its_larger_part_nor_the_degrees_below_the_fewer():
    counts = {"unclamped": 0, "clamped": 0}
    for _ in range(300):
        num_seeds, sizes = int(RNG.integers(2, 11)), RNG.integers(1, 60, int(RNG.integers(2, 30))).astype(float)
        sds = RNG.choice([0.0, 0.1, 1.0], 3)
        found = estimate(*of_means(drawn(num_seeds, len(sizes), *sds), sizes))
        variance = float(found.error) ** 2
        larger = max(float(found.seed_part), float(found.cluster_part))
        whole = float(found.seed_part + found.cluster_part - found.residual_part)
        assert variance == pytest.approx(max(larger, whole), rel=1e-9, abs=1e-30)
        counts["clamped" if whole < larger else "unclamped"] += 1
        if variance > 1e-20:
            assert float(found.dof) >= min(num_seeds - 1, float(found.cluster_dof)) - 1e-9
    assert min(counts.values()) > 30


def test_one_seed_leaves_the_t_interval_over_cluster_means():
    means = drawn(1, 12)
    found = estimate(*of_means(means))
    expected = stats.t.interval(0.95, 11, loc=means.mean(), scale=stats.sem(means[0]))
    assert [float(limit) for limit in limits(found)] == pytest.approx(list(expected))
    assert (found.over_seeds, summarize(means.mean(axis=1), found).interval) == (False, "examples")


def test_one_cluster_leaves_the_t_interval_over_seeds():
    means = drawn(5, 1)
    found = estimate(*of_means(means))
    expected = stats.t.interval(0.95, 4, loc=means.mean(), scale=stats.sem(means[:, 0]))
    assert [float(limit) for limit in limits(found)] == pytest.approx(list(expected))
    assert summarize(means[:, 0], found).interval == "seeds_examples"


def test_one_seed_and_one_cluster_leave_no_interval():
    summary = summarize(np.array([0.5]), estimate(*of_means(np.array([[0.5]]))))
    assert (summary.low, summary.high, summary.interval) == (None, None, "none")


def test_pairs_over_one_cluster_are_scipys_paired_t_test():
    a, b = drawn(6, 1), drawn(6, 1)
    found = estimate(of_means(a)[0].paired_with(of_means(b)[0]), of_means(a)[1])
    expected = stats.ttest_rel(a[:, 0], b[:, 0])
    assert float(p_difference(found)) == pytest.approx(expected.pvalue)
    assert [float(limit) for limit in limits(found)] == pytest.approx(list(expected.confidence_interval()))


def test_unpaired_sides_over_one_cluster_are_scipys_welch_test():
    a, b = drawn(6, 1), drawn(4, 1, seed_sd=3.0)
    found = unpaired_difference(of_means(a)[0], of_means(b)[0], np.array([4.0]))
    expected = stats.ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    assert float(p_difference(found)) == pytest.approx(expected.pvalue)
    assert [float(limit) for limit in limits(found)] == pytest.approx(list(expected.confidence_interval()))


def test_unpaired_sides_add_their_seeds_and_share_their_clusters():
    a, b = drawn(5, 12), drawn(3, 12)
    found = unpaired_difference(of_means(a)[0], of_means(b)[0], np.full(12, 4.0))
    seeds, _, residuals = (
        sum(each) for each in zip(*(np.array(mean_squares(x)) / x.size for x in (a, b)), strict=True)
    )
    clusters = np.var(a.mean(axis=0) - b.mean(axis=0), ddof=1) / 12
    parts = [float(part) for part in (found.seed_part, found.cluster_part, found.residual_part)]
    assert parts == pytest.approx([seeds, clusters, residuals])


def test_a_seed_effect_that_both_arms_have_cancels_in_pairs_alone():
    a, b, common = drawn(5, 12), drawn(5, 12), RNG.normal(0, 9, (5, 1))
    sizes = np.full(12, 4.0)
    plain, shifted = [(of_means(x)[0], of_means(y)[0]) for x, y in ((a, b), (a + common, b + common))]
    paired = [float(estimate(x.paired_with(y), sizes).error) for x, y in (plain, shifted)]
    unpaired = [float(unpaired_difference(x, y, sizes).error) for x, y in (plain, shifted)]
    assert paired[0] == pytest.approx(paired[1])
    assert unpaired[1] > 2 * unpaired[0]


@pytest.mark.parametrize("sizes", [UNEQUAL, np.full(6, 5.0)])
def test_degrees_of_freedom_are_those_of_the_quadratic_form(sizes):
    share = sizes / sizes.sum()
    squares = float(share @ share)
    residual = np.eye(len(sizes)) - np.outer(np.ones(len(sizes)), share)
    form = residual.T @ np.diag(share**2 / (1 - 2 * share + squares)) @ residual
    assert np.trace(form) == pytest.approx(squares)
    assert float(cluster_degrees(sizes)) == pytest.approx(np.trace(form) ** 2 / np.trace(form @ form))


def test_degrees_of_freedom_are_those_of_the_larger_clusters():
    assert float(cluster_degrees(np.full(9, 7.0))) == pytest.approx(8)
    assert float(cluster_degrees(np.array([1e3, 1.0, 1.0, 1.0]))) == pytest.approx(1, abs=1e-2)
    assert float(cluster_degrees(UNEQUAL)) == pytest.approx(float(cluster_degrees(UNEQUAL[::-1] * 3)))
    many = np.array([10.0, 10.0, 10.0] + [1e-9] * 50)
    assert float(cluster_degrees(many)) == pytest.approx(2, abs=1e-3)


def test_the_cluster_part_is_unbiased_for_clusters_of_any_size():
    # Clusters' means of variance 1: the expectation of the quadratic form is the sum over an orthonormal basis.
    forms = [float(estimate(*of_means(row[np.newaxis], UNEQUAL)).cluster_part) for row in np.eye(6)]
    share = UNEQUAL / UNEQUAL.sum()
    assert sum(forms) == pytest.approx(float(share @ share))


def test_the_estimate_is_the_mean_over_examples_whatever_the_sizes():
    values, clusters = RNG.normal(size=100), np.repeat(np.arange(6), UNEQUAL.astype(int))
    sums = np.bincount(clusters, weights=values)
    found = means_of_sums(sums[np.newaxis], UNEQUAL)
    assert found.scores[0] == pytest.approx(values.mean())
    assert found.without[0] == pytest.approx([values[clusters != c].mean() for c in range(6)])


def test_order_shift_and_scale():
    means = drawn(4, 6)
    plain = estimate(*of_means(means, UNEQUAL))
    seeds, clusters = RNG.permutation(4), RNG.permutation(6)
    shuffled = estimate(*of_means(means[seeds][:, clusters], UNEQUAL[clusters]))
    moved = estimate(*of_means(7 + 3 * means, UNEQUAL))
    for name, factor in (("error", 3), ("dof", 1), ("seed_part", 9), ("residual_part", 9)):
        value = float(getattr(plain, name))
        assert float(getattr(shuffled, name)) == pytest.approx(value)
        assert float(getattr(moved, name)) == pytest.approx(factor * value)
    assert float(moved.value) == pytest.approx(7 + 3 * float(plain.value))


def test_swapped_sides_turn_the_sign_and_nothing_else():
    a, b = of_means(drawn(5, 6), UNEQUAL)[0], of_means(drawn(5, 6), UNEQUAL)[0]
    for forth, back in (
        (estimate(a.paired_with(b), UNEQUAL), estimate(b.paired_with(a), UNEQUAL)),
        (unpaired_difference(a, b, UNEQUAL), unpaired_difference(b, a, UNEQUAL)),
    ):
        assert float(forth.value) == pytest.approx(-float(back.value))
        assert float(forth.error) == pytest.approx(float(back.error))
        assert float(p_difference(forth)) == pytest.approx(float(p_difference(back)))


def test_many_trials_at_once_are_each_trial_alone():
    trials = np.stack([drawn(4, 6) for _ in range(5)])
    together = estimate(*of_means(trials, UNEQUAL))
    for number, means in enumerate(trials):
        alone = estimate(*of_means(means, UNEQUAL))
        for name in ("value", "error", "dof", "residual_part"):
            assert getattr(together, name)[number] == pytest.approx(float(getattr(alone, name)))


def test_scores_without_spread():
    equal = SeedScores(np.full(3, 0.5), np.full((3, 4), 0.5))
    found = estimate(equal, np.full(4, 2.0))
    assert [float(limit) for limit in limits(found)] == [0.5, 0.5]
    assert float(p_difference(found)) == 0.0
    nothing = estimate(equal.paired_with(equal), np.full(4, 2.0))
    assert float(p_difference(nothing)) == 1.0
