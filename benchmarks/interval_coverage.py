"""Coverage and width of the report's 95 % intervals, and what simulated studies are told, where the truth is known.

`--quick` runs a hundredth of the trials, in seconds.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from simulated_scores import BernoulliItems, Layout, NormalScores, layouts
from simulated_studies import study_figures, study_notes
from table import RESULTS, write_table

from nsp_ablation.reporting.analysis.crossed_variance import Estimate, estimate, means_of_sums, unpaired_difference
from nsp_ablation.reporting.analysis.intervals import limits
from nsp_ablation.reporting.analysis.multi_bootstrap import bootstrap_draws, drawn_counts, percentile_limits

NOISE, PLATEAU = "noise alone", "one seed in five stuck"  # at the borders of what can be covered
SEEDS, CLUSTERS = (3, 5, 10), (9, 12, 90, 1000)
NORMAL = (
    NormalScores("mostly seeds", 0.8, 0.15, 0.05),
    NormalScores("seeds and examples", 0.45, 0.45, 0.1),
    NormalScores("mostly examples", 0.1, 0.8, 0.1),
    NormalScores("mostly noise", 0.1, 0.1, 0.8),
    NormalScores(NOISE, 0.0, 0.0, 1.0),
)
ITEMS = BernoulliItems()
BOOTSTRAP_SHARE = 0.25  # of the trials, since it costs most


@dataclass
class Coverage:
    """What the intervals of one kind of data did: of each trial, whether it held the truth, and its width."""

    held: list[np.ndarray] = field(default_factory=list)
    widths: list[np.ndarray] = field(default_factory=list)
    bootstrap_held: list[np.ndarray] = field(default_factory=list)
    values: list[np.ndarray] = field(default_factory=list)

    def add(self, found: Estimate, truth: float) -> None:
        low, high = limits(found)
        self.held.append((low <= truth) & (truth <= high))
        self.widths.append(high - low)
        self.values.append(found.value)

    def add_bootstrap(self, draws: np.ndarray, truth: float) -> None:
        low, high = percentile_limits(draws)
        self.bootstrap_held.append((low <= truth) & (truth <= high))

    def figures(self, oracle_error: float | None = None) -> dict[str, float]:
        """Return coverage, width against that of an oracle who knows the error, the bootstrap's coverage, trials."""
        held, values = np.concatenate(self.held), np.concatenate(self.values)
        error = float(values.std()) if oracle_error is None else oracle_error
        oracle = 2 * 1.959964 * error
        boot = float(np.concatenate(self.bootstrap_held).mean()) if self.bootstrap_held else float("nan")
        width = float(np.concatenate(self.widths).mean()) / oracle
        return {"coverage": float(held.mean()), "width": width, "bootstrap": boot, "trials": float(len(held))}


def normal_coverage(scores: NormalScores, layout: Layout, num_seeds: int, num_trials: int, seed: int) -> Coverage:
    """Return what intervals of a mean did on normal scores; a paired difference is such a mean."""
    found, sizes = Coverage(), layout.sizes
    left = max(1, round(num_trials * BOOTSTRAP_SHARE))
    counts = _draws("seeds a", num_seeds), _draws("clusters", len(sizes))
    for sums in scores.draw(layout, num_seeds, num_trials, np.random.default_rng(seed)):
        found.add(estimate(means_of_sums(sums, sizes), sizes), 0.0)
        if left > 0:
            found.add_bootstrap(bootstrap_draws(sums[:left], sizes, *counts), 0.0)
            left -= len(sums)
    return found


def item_coverage(target: str, layout: Layout, num_seeds: int, num_trials: int, seed: int) -> Coverage:
    """Return what intervals of a share of right items, or of a difference of two equal arms, did."""
    found, sizes = Coverage(), layout.sizes
    left = max(1, round(num_trials * BOOTSTRAP_SHARE))
    seeds, others = _draws("seeds a", num_seeds), _draws("seeds b", num_seeds)
    clusters = _draws("clusters", len(sizes))
    shifts = (0.0,) if target == "mean" else (0.0, 0.0)
    is_paired, truth = target != "unpaired difference", ITEMS.mean() if target == "mean" else 0.0
    rng = np.random.default_rng(seed)
    for arms in ITEMS.draw(layout, num_seeds, num_trials, rng, shifts, is_paired=is_paired):
        a, *b = [means_of_sums(sums, sizes) for sums in arms]
        sums = [arm[:left] for arm in arms]
        if is_paired:
            found.add(estimate(a.paired_with(b[0]) if b else a, sizes), truth)
            draws = bootstrap_draws(sums[0] - sums[1] if b else sums[0], sizes, seeds, clusters)
        else:
            found.add(unpaired_difference(a, b[0], sizes), truth)
            draws = bootstrap_draws(sums[0], sizes, seeds, clusters) - bootstrap_draws(sums[1], sizes, others, clusters)
        if left > 0:
            found.add_bootstrap(draws, truth)
            left -= len(arms[0])
    return found


_draws = lru_cache(drawn_counts)


def plateau_coverage(num_seeds: int, num_trials: int, seed: int) -> Coverage:
    """Return what intervals did where one seed in five stays on a plateau, ten standard deviations below the others."""
    rng, sizes, found = np.random.default_rng(seed), np.ones(90), Coverage()
    stuck = rng.random((num_trials, num_seeds, 1)) < 0.2
    sums = np.where(stuck, -10.0, 0.0) + rng.normal(size=(num_trials, num_seeds, 1))
    sums = sums + rng.normal(size=(num_trials, 1, 90)) + rng.normal(size=(num_trials, num_seeds, 90))
    found.add(estimate(means_of_sums(sums, sizes), sizes), -2.0)
    draws = bootstrap_draws(sums[:500], sizes, _draws("seeds a", num_seeds), _draws("clusters", 90))
    found.add_bootstrap(draws, -2.0)
    return found


def coverage_rows(num_trials: int, seeds: Iterable[int] = SEEDS, clusters: Iterable[int] = CLUSTERS) -> list[dict]:
    """Return a row per kind of data: what intervals did at each number of seeds."""
    rows = []
    for num_clusters in clusters:
        trials = max(num_trials // 2, 10) if num_clusters > 100 else num_trials
        for layout in layouts(num_clusters):
            for scores in NORMAL:
                cells = {s: normal_coverage(scores, layout, s, trials, len(rows)).figures(1.0) for s in seeds}
                rows.append(_row("normal, mean", layout, scores.name, cells))
            for target in ("mean", "paired difference", "unpaired difference"):
                cells = {s: item_coverage(target, layout, s, trials, len(rows)).figures() for s in seeds}
                rows.append(_row(f"Bernoulli, {target}", layout, "items", cells))
    plateau = Layout("1 item each", np.ones(90))
    cells = {s: plateau_coverage(s, num_trials, len(rows)).figures() for s in seeds}
    return [*rows, _row("normal, mean", plateau, PLATEAU, cells)]


def _row(scores: str, layout: Layout, spread: str, cells: dict[int, dict[str, float]]) -> dict:
    return {"scores": scores, "clusters": len(layout.sizes), "items": layout.name, "spread": spread, "cells": cells}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="of each kind of data; half with 1,000 clusters")
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    num_trials = arguments.trials // 50 if arguments.quick else arguments.trials
    rows = coverage_rows(num_trials)
    studies = study_figures(arguments.studies // 10 if arguments.quick else arguments.studies)
    columns = ["scores", "clusters", "items", "spread", *(f"{seeds} seeds" for seeds in SEEDS)]
    columns += [f"bootstrap, {seeds}" for seeds in SEEDS]
    texts = [
        [row["scores"], f"{row['clusters']:,}", row["items"], row["spread"]]
        + [f"{100 * cell['coverage']:.1f} ({cell['width']:.2f})" for cell in row["cells"].values()]
        + [f"{100 * cell['bootstrap']:.1f}" for cell in row["cells"].values()]
        for row in rows
    ]
    notes = [*_notes(rows, num_trials), *study_notes(studies)]
    details = {"coverage": rows, "studies": studies}
    title = "Coverage of the 95 % intervals (%), and their width against an oracle's"
    write_table("coverage", title, columns, texts, notes, details=details, directory=arguments.output)


def _notes(rows: list[dict], num_trials: int) -> list[str]:
    ordinary = [row for row in rows if row["spread"] not in (NOISE, PLATEAU)]
    cells = [(cell, row, seeds) for row in ordinary for seeds, cell in row["cells"].items()]
    worst, best = (pick(cells, key=lambda each: each[0]["coverage"]) for pick in (min, max))
    error = 100 * (0.95 * 0.05 / num_trials) ** 0.5
    return [
        f"{num_trials:,} trials a cell, half with 1,000 clusters: one standard error is {error:.2f} points, and "
        f"{error * 2**0.5:.2f} there. The bootstrap's is over a quarter of the trials.",
        "In brackets: mean width against the interval of an oracle who knows the standard error (1.96 of it each way).",
        *(
            f"{word}: {100 * cell['coverage']:.1f} % ({row['scores']}, {row['clusters']:,} clusters, {row['items']}, "
            f"{row['spread']}, {seeds} seeds)."
            for word, (cell, row, seeds) in (("Lowest", worst), ("Highest", best))
        ),
        f"These two leave out the borders. “{NOISE}”: nothing but noise differs; the variance is kept at "
        f"its larger part, so the intervals are too wide. “{PLATEAU}”: no interval of means holds with few seeds.",
    ]


if __name__ == "__main__":
    main()
