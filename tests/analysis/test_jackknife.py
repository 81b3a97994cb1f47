"""Scores without each cluster, and the metrics of predictions that need them."""

import numpy as np
import pytest

from nsp_ablation.base.prediction_metrics import matthews, perplexity
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores, estimate, means_of_sums
from nsp_ablation.reporting.analysis.jackknife import cluster_numbers, grouped, sums_by_cluster, without_each

RNG = np.random.default_rng(8)


def test_clusters_are_numbered_as_they_come():
    assert cluster_numbers(["b", "a", "b", "c"]).tolist() == [0, 1, 0, 2]


def test_groups_hold_whole_clusters_and_are_about_equal():
    clusters = np.repeat(np.arange(1000), RNG.integers(1, 30, 1000))
    groups = grouped(clusters, 50)
    assert len({(cluster, group) for cluster, group in zip(clusters, groups, strict=True)}) == 1000
    sizes = np.bincount(groups)
    assert len(sizes) == 50
    assert sizes.max() / sizes.min() < 1.05
    few = np.array([0, 0, 1, 2])
    assert grouped(few, 3) is few


def test_leaving_out_gives_the_metric_of_the_rest():
    prediction, label = np.array([1, 0, 1, 1, 0.0]), np.array([1, 0, 0, 1, 1.0])
    found = without_each(matthews, (prediction, label), np.array([0, 0, 1, 1, 2]), 3)
    rest = [matthews(prediction[kept], label[kept]) for kept in ([2, 3, 4], [0, 1, 4], [0, 1, 2, 3])]
    assert found.tolist() == rest


def test_a_mean_by_leaving_out_is_the_mean_by_its_sums():
    values, clusters = RNG.normal(size=(3, 40)), np.sort(RNG.integers(0, 7, 40))
    sums, sizes = zip(*(sums_by_cluster(row, clusters) for row in values), strict=True)
    by_sums = means_of_sums(np.stack(sums), sizes[0])
    left_out = np.stack([without_each(lambda x: float(x.mean()), (row,), clusters, 7) for row in values])
    np.testing.assert_allclose(by_sums.without, left_out)
    np.testing.assert_allclose(by_sums.scores, values.mean(axis=1))


def test_the_error_of_perplexity_is_that_of_the_mean_loss_times_perplexity():
    # Delta method: exp(x) has the standard error exp(x) times that of x, where that is small.
    loss, number, clusters = RNG.gamma(3, 4, 400), np.full(400, 5.0), np.repeat(np.arange(100), 4)
    found = error_of(perplexity, (loss, number), clusters, 100)
    by_mean = error_of(lambda x, n: float(x.sum() / n.sum()), (loss, number), clusters, 100)
    assert found == pytest.approx(by_mean * perplexity(loss, number), rel=0.02)


def test_the_error_of_matthews_is_that_of_many_samples():
    rng, estimates, errors = np.random.default_rng(4), [], []
    for _ in range(150):
        chance, label = rng.beta(2, 1, 30), rng.integers(0, 2, (30, 5))
        right = rng.uniform(size=(30, 5)) < chance[:, np.newaxis]
        prediction = np.where(right, label, 1 - label)
        arrays = (prediction.ravel().astype(float), label.ravel().astype(float))
        estimates.append(matthews(*arrays))
        errors.append(error_of(matthews, arrays, np.repeat(np.arange(30), 5), 30))
    # 150 samples know a standard deviation within 6 %; 3 standard errors
    assert np.mean(errors) == pytest.approx(np.std(estimates), rel=0.18)


def test_groups_of_clusters_give_about_the_error_of_all():
    loss, number, clusters = RNG.gamma(3, 4, 3000), np.full(3000, 5.0), np.arange(3000)
    whole = error_of(perplexity, (loss, number), clusters, 3000)
    groups = grouped(clusters)
    assert error_of(perplexity, (loss, number), groups, 200) == pytest.approx(whole, rel=0.2)


def error_of(metric, arrays, clusters, num_clusters):
    without = without_each(metric, arrays, clusters, num_clusters)
    scores = SeedScores(np.array([metric(*arrays)]), without[np.newaxis])
    return float(estimate(scores, np.bincount(clusters).astype(float)).error)
