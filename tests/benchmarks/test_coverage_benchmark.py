"""The intervals cover as often as they say, in small; the simulation says what it simulates."""

import json
import sys

import numpy as np
import pytest


@pytest.fixture(scope="module")
def benchmark(benchmark_module):
    return benchmark_module("interval_coverage")


def within(coverage, trials, low=0.93, high=0.98):
    """Say whether a coverage lies within the bounds, give or take three standard errors of so many trials."""
    error = 3 * np.sqrt(0.05 * 0.95 / trials)
    return low - error < coverage < high + error


@pytest.mark.parametrize("num_seeds", [3, 5, 10])
@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_intervals_of_normal_scores_cover_as_often_as_they_say(benchmark, number, num_seeds):
    scores = benchmark.NORMAL[number]
    for layout in benchmark.layouts(12):
        figures = benchmark.normal_coverage(scores, layout, num_seeds, 800, 5).figures(1.0)
        assert within(figures["coverage"], 800), (layout.name, figures)
        assert figures["width"] < {3: 2.4, 5: 1.7, 10: 1.5}[num_seeds]


@pytest.mark.parametrize("target", ["mean", "paired difference", "unpaired difference"])
def test_intervals_of_items_cover_as_often_as_they_say(benchmark, target):
    for layout in benchmark.layouts(12)[1:]:
        figures = benchmark.item_coverage(target, layout, 5, 500, 6).figures()
        assert within(figures["coverage"], 500), (layout.name, figures)


def test_simulated_scores_have_the_variance_that_they_say(benchmark):
    for scores in benchmark.NORMAL:
        for layout in benchmark.layouts(9):
            sums = np.concatenate([*scores.draw(layout, 4, 3000, np.random.default_rng(1))])
            values = sums.sum(axis=-1).mean(axis=-1) / layout.sizes.sum()
            assert values.std() == pytest.approx(1.0, rel=0.06)  # four standard errors of 3,000 trials


def test_simulated_items_are_right_as_often_as_they_say(benchmark):
    (sums,) = next(benchmark.ITEMS.draw(benchmark.layouts(90)[2], 5, 100, np.random.default_rng(2), (0.3,)))
    found = sums.sum() / (len(sums) * 5 * benchmark.layouts(90)[2].sizes.sum())
    assert found == pytest.approx(benchmark.ITEMS.mean(0.3), abs=0.01)
    assert benchmark.ITEMS.mean(0.3) > benchmark.ITEMS.mean() + 0.05


def test_a_seed_that_stays_on_a_plateau_is_not_covered(benchmark):
    assert benchmark.plateau_coverage(5, 300, 8).figures()["coverage"] < 0.85


def test_figures_are_those_of_the_trials(benchmark):
    one = benchmark.normal_coverage(benchmark.NORMAL[1], benchmark.layouts(9)[0], 3, 50, 9)
    again = benchmark.normal_coverage(benchmark.NORMAL[1], benchmark.layouts(9)[0], 3, 50, 9)
    assert one.figures(1.0) == again.figures(1.0)
    held, widths = np.concatenate(one.held), np.concatenate(one.widths)
    values = np.concatenate(one.values)
    np.testing.assert_array_equal(held, np.abs(values) <= widths / 2)
    assert one.figures(1.0)["coverage"] == held.mean()
    assert one.figures(1.0)["width"] == pytest.approx(widths.mean() / (2 * 1.959964))


@pytest.mark.slow
def test_a_quick_run_writes_tables_and_studies(benchmark, tmp_path, monkeypatch):
    arguments = ["coverage.py", "--quick", "--trials", "500", "--output", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", arguments)
    benchmark.main()
    found = json.loads((tmp_path / "coverage.json").read_text())
    assert len(found["coverage"]) == 4 * 3 * 8 + 1
    assert found["studies"]["with: b above a"] > 0.5
    assert found["studies"]["without: anything above"] <= 0.2
    assert "40 simulated studies" in (tmp_path / "coverage.md").read_text()
