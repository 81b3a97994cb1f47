"""The formulas of docs/statistics.md, written anew from that page: arrays in, numbers out.

Notation is the page's: S seeds, C clusters of weights w_c = n_c / N, theta_s the metric of seed s on all examples. What
cluster c moves in it is u_sc: w_c (mean of seed s on cluster c - theta_s) for a mean over examples, and for any other
metric (1 - w_c)(theta_s - theta_s without cluster c), which for a mean is the same.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

MOST_SEEDS = 1000


@dataclass
class Side:
    """Scores of an arm, or of a difference within seeds: theta (S,), u (S, C), w (C,), seeds on the same clusters."""

    theta: np.ndarray
    u: np.ndarray
    w: np.ndarray

    def minus(self, other: "Side") -> "Side":
        return Side(self.theta - other.theta, self.u - other.u, self.w)


@dataclass
class Estimate:
    """An estimate, and what its variance is made of: pairs of (part, degrees of freedom) over seeds and residual."""

    value: float
    seeds: list
    clusters: tuple
    residual: list
    num_seeds: int

    @property
    def parts(self) -> tuple:
        return sum(p for p, _ in self.seeds), self.clusters[0], sum(p for p, _ in self.residual)

    @property
    def variance(self) -> float:
        over_seeds, over_clusters, noise = self.parts
        return max(over_seeds + over_clusters - noise, over_seeds, over_clusters)

    @property
    def dof(self) -> float:
        """Satterthwaite's, of the parts above the noise and the noise; never fewer than those of the part kept."""
        (a, b, r), v, nu = self.parts, self.variance, self.clusters[1]
        if v == 0:
            return np.inf
        of_seeds = a**2 / sum(p**2 / d for p, d in self.seeds) if a > 0 else np.inf
        total = sum(p**2 / d for p, d in self.residual)
        if a > r:
            total += (a * v if self.num_seeds <= 3 else a**2) / of_seeds
        if b > r:
            total += b**2 / nu
        kept = a + b - r <= max(a, b)
        least = (of_seeds if a >= b else nu) if kept else min(of_seeds, nu)
        return max(v**2 / total, least) if total > 0 else least

    def interval(self, level: float = 0.05) -> tuple:
        half = stats.t.ppf(1 - level / 2, self.dof) * np.sqrt(self.variance)
        return self.value - half, self.value + half

    def p(self) -> float:
        if self.variance == 0:
            return float(self.value == 0)
        return float(2 * stats.t.sf(abs(self.value) / np.sqrt(self.variance), self.dof))

    def p_equal(self, margin: float) -> float:
        """Two one-sided tests (Schuirmann 1987): the larger p."""
        error, dof = np.sqrt(self.variance), self.dof
        below = stats.t.sf((self.value + margin) / error, dof)
        return float(max(below, stats.t.cdf((self.value - margin) / error, dof)))


def expected_square(w: np.ndarray) -> np.ndarray:
    """Expectation of each cluster's squared residual from the weighted mean, clusters of variance 1."""
    return 1 - 2 * w + np.sum(w**2)


def cluster_dof(w: np.ndarray) -> float:
    """Bell and McCaffrey (2002): (tr M)^2 / tr M^2 of the quadratic form of the part over clusters."""
    a = w**2 / expected_square(w)
    form = np.diag(a) - np.outer(a, w) - np.outer(w, a) + a.sum() * np.outer(w, w)  # (I - 1w')' diag(a) (I - 1w')
    return float(np.trace(form) ** 2 / np.sum(form * form))


def estimate(sides: list) -> Estimate:
    """Of one side, or of the first less the second where their seeds differ (unpaired); clusters are common."""
    signs, w = (1, -1)[: len(sides)], sides[0].w
    scale, many = expected_square(w), len(w) > 1
    nu = cluster_dof(w) if many else np.inf
    repeated = [side for side in sides if len(side.theta) > 1]
    seeds = [(float(np.var(s.theta, ddof=1)) / len(s.theta), len(s.theta) - 1) for s in repeated]
    noise = [
        (np.sum(np.var(s.u, axis=0, ddof=1) / scale) / len(s.theta), (len(s.theta) - 1) * nu) for s in repeated if many
    ]
    moved = sum(sign * side.u.mean(axis=0) for sign, side in zip(signs, sides, strict=True))
    value = sum(sign * side.theta.mean() for sign, side in zip(signs, sides, strict=True))
    clusters = (float(np.sum(moved**2 / scale)) if many else 0.0, nu)
    return Estimate(float(value), seeds, clusters, noise, min(len(side.theta) for side in sides))


def sandwich(u: np.ndarray) -> float:
    """Standard error over clusters that a record states of its own scores: C / (C - 1) sum u_c^2, under the root."""
    return float(np.sqrt(len(u) / (len(u) - 1) * np.sum(u**2)))


def deal(sizes: np.ndarray, most: int = 200) -> np.ndarray:
    """Group of each cluster: all its own up to `most`; else largest first, dealt to the groups forth and back."""
    ranks = np.empty(len(sizes), dtype=int)
    ranks[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    if len(sizes) <= most:
        return np.arange(len(sizes))
    rounds, place = np.divmod(ranks, most)
    return np.where(rounds % 2 == 0, place, most - 1 - place)


def holm(tests: list) -> list:
    """Corrected p; a test without p (None) was planned and counts all the same."""
    made = sorted((p, i) for i, p in enumerate(tests) if p is not None)
    corrected, highest = [None] * len(tests), 0.0
    for rank, (p, i) in enumerate(made):
        highest = max(highest, min(1.0, (len(tests) - rank) * p))
        corrected[i] = highest
    return corrected


def verdict(value: float, p_holm: float | None, p_equal_holm: float | None) -> str:
    """The words of docs/statistics.md, the margin left out."""
    told = p_holm is not None and p_holm < 0.05
    equal = p_equal_holm is not None and p_equal_holm < 0.05
    order = "a above b" if value > 0 else "b above a"
    if told:
        return f"{order}, by less than" if equal else order
    return "equal within" if equal else "not told"


def seeds_needed(pilot: Estimate, effect: float, level: float) -> tuple:
    """Least seeds with power .8, and that least at both ends of the variances' 95 % intervals; None: over the most."""
    over_seeds, over_clusters, noise = pilot.parts
    falls = max(over_seeds, noise) * np.mean([d + 1 for _, d in pilot.seeds])
    stays, nu, num = max(over_clusters - noise, 0.0), pilot.clusters[1], sum(d for _, d in pilot.seeds)
    needed = []
    for quantile in (None, 0.975, 0.025):
        a, b = (1, 1) if quantile is None else (num / stats.chi2.ppf(quantile, num), nu / stats.chi2.ppf(quantile, nu))
        needed.append(_least(falls * a, stays * b, nu, effect, level, len(pilot.seeds)))
    return tuple(needed)


def _least(falls: float, stays: float, nu: float, effect: float, level: float, sides: int) -> int | None:
    low, high = 1, MOST_SEEDS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(middle, falls, stays, nu, effect, level, sides) >= 0.8 else (middle, high)
    return None if high > MOST_SEEDS else high


def _power(num: int, falls: float, stays: float, nu: float, effect: float, level: float, sides: int) -> float:
    part, dof = falls / num, sides * (num - 1)
    variance = part + stays
    dof = max(variance**2 / (part**2 / dof + stays**2 / nu), min(dof, nu))
    bound, shift = stats.t.ppf(1 - level / 2, dof), effect / np.sqrt(variance)
    if shift > bound + 6:  # certain, and beyond what scipy's noncentral t is computed for
        return 1.0
    return float(stats.nct.sf(bound, dof, shift) + np.nan_to_num(stats.nct.cdf(-bound, dof, shift)))


def multi_bootstrap(sides: list, draws: int = 2000) -> tuple:
    """Percentile interval of Sellam et al. (2022): seeds and clusters drawn anew; two differ by chance."""
    random, w = np.random.default_rng(0), sides[0].w
    times = random.multinomial(len(w), np.full(len(w), 1 / len(w)), size=draws)
    means = np.zeros(draws)
    for sign, side in zip((1, -1), sides, strict=False):
        num = len(side.theta)
        scores = side.theta + (times @ side.u.T) / (times @ w)[:, None]
        means += sign * np.take_along_axis(scores, random.integers(num, size=(draws, num)), axis=1).mean(axis=1)
    return tuple(np.quantile(means, [0.025, 0.975]))
