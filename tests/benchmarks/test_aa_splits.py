"""Splits of an A/A study's seeds: each once, and as many told apart as there are differences to be told."""

from itertools import combinations

import numpy as np
import pytest

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.crossed_variance import SeedScores, means_of_sums
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix

SEEDS = tuple(range(1, 11))
COLUMN = Column("in_context_recall", "accuracy", "in-context recall")


@pytest.fixture(scope="module")
def splits(benchmark_module):
    return benchmark_module("aa_splits")


def matrix(levels):
    """Return a matrix of ten seeds at these levels, over 200 clusters of two examples with a little noise."""
    sizes = np.full(200, 2.0)
    noise = np.random.default_rng(1).normal(0, 0.05, (len(levels), 200))
    sums = 2 * (np.array(levels)[:, np.newaxis] + noise)
    scores: SeedScores = means_of_sums(sums, sizes)
    return ScoreMatrix(SEEDS, scores, sizes, sums, tuple(map(str, range(400))))


def test_every_split_into_halves_is_there_once(splits):
    found = [(frozenset(a), frozenset(b)) for a, b in splits.halves(SEEDS)]
    wanted = {frozenset((frozenset(a), frozenset(SEEDS) - frozenset(a))) for a in combinations(SEEDS, 5)}
    assert len(found) == 126 == len(wanted)
    assert {frozenset(pair) for pair in found} == wanted


def test_splits_are_told_apart_only_where_the_seeds_differ(splits):
    alike = splits.splits_of(matrix(np.random.default_rng(2).normal(0.5, 0.02, 10)), COLUMN, 0.1, True)
    assert alike.num_different <= 0.1 * 126
    assert alike.num_above <= alike.num_different
    assert alike.num_equal > 100
    two_groups = np.repeat([0.3, 0.7], 5) + np.random.default_rng(3).normal(0, 0.02, 10)
    apart = splits.splits_of(matrix(two_groups), COLUMN, 0.1, True)
    assert 1 <= apart.num_above <= apart.num_different < 126
    assert apart.num_equal == 0


def test_the_plan_is_the_experiments(splits):
    options = splits.planned_options(splits.PLAN)
    assert (options.primary_measure, options.margin, options.all) == ("in_context_recall", 3, True)
    assert options.comparisons[0].seeds_a == [1, 2, 3, 4, 5]
