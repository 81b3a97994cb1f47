"""How many pre-training seeds a comparison needs, from what a pilot found."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.reporting.analysis.crossed_variance import Estimate

POWER = 0.8
MAX_SEEDS = 1000
_CERTAINTY = 0.95


@dataclass(frozen=True)
class SeedsNeeded:
    """Seeds per arm, and the range that the pilot's own uncertainty gives; None where MAX_SEEDS are not enough."""

    number: int | None
    low: int | None
    high: int | None


def seeds_needed(pilot: Estimate, effect: float, alpha: float) -> SeedsNeeded | None:
    """Return the least number of seeds with which a two-sided test at `alpha` tells `effect` with power .8.

    The pilot's variance over seeds falls with their number; that over examples does not, so that some effects are out
    of reach of any number of seeds. The range: both variances at the ends of their 95 % intervals (chi-squared). None
    for a pilot of one seed, which says nothing of the variance over seeds.
    """
    from scipy.special import chdtri

    if not pilot.over_seeds:
        return None
    tail = (1 - _CERTAINTY) / 2
    seed_dof = float(np.sum(pilot.num_seeds)) - len(pilot.num_seeds)
    cluster_dof = float(pilot.cluster_dof) if np.isfinite(pilot.cluster_dof) else seed_dof  # one cluster has no part
    found = []
    for upper in (None, tail, 1 - tail):  # chance of more than a quantile of chi-squared: the larger, the less variance
        scales = [1.0 if upper is None else float(dof / chdtri(dof, upper)) for dof in (seed_dof, cluster_dof)]
        enough = np.flatnonzero(power(pilot, np.arange(2, MAX_SEEDS + 1), effect, alpha, *scales) >= POWER)
        found.append(int(enough[0]) + 2 if len(enough) else None)
    return SeedsNeeded(*found)


def power(
    pilot: Estimate, num_seeds: np.ndarray, effect: float, alpha: float, seed_scale: float = 1, cluster_scale: float = 1
) -> np.ndarray:
    """Return the power (K,) of two-sided t tests at `alpha` of an effect, with num_seeds (K,) >= 2 per arm.

    `seed_scale` and `cluster_scale` multiply the pilot's variances over seeds and over clusters.
    """
    from scipy.special import nctdtr, stdtrit

    ratio, num_sides = np.mean(pilot.num_seeds) / num_seeds, len(pilot.num_seeds)
    seeds = np.maximum(pilot.seed_part, pilot.residual_part) * seed_scale * ratio
    clusters = np.maximum(pilot.cluster_part - pilot.residual_part, 0.0) * cluster_scale
    variance = seeds + clusters
    cluster_dof = pilot.cluster_dof if np.isfinite(pilot.cluster_dof) else np.inf
    spread = np.square(seeds) / (num_sides * (num_seeds - 1)) + np.square(clusters) / cluster_dof
    with np.errstate(invalid="ignore", divide="ignore"):
        dof, distance = np.square(variance) / spread, abs(effect) / np.sqrt(variance)
        told = 1 - nctdtr(dof, np.minimum(distance, 30.0), stdtrit(dof, 1 - alpha / 2))
    return np.where(variance == 0, 1.0, told)
