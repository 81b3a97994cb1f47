"""Scores whose truth is known: seeds crossed with clusters of examples, for `interval_coverage.py`.

T trials, S seeds, C clusters. Every source yields the sums of the examples' scores by seed and cluster (T, S, C), for
as many arms as are asked for; all arms read the same examples.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr

_MAX_CELLS = 1_000_000  # numbers drawn at once, for memory


@dataclass(frozen=True)
class Layout:
    """How many clusters there are, and how many items each has (C,)."""

    name: str
    sizes: np.ndarray


def layouts(num_clusters: int) -> list[Layout]:
    """Return clusters of one item, of 30, and of 30 on average, where a few hold many (log-normal, sigma .7)."""
    quantiles = (np.arange(num_clusters) + 0.5) / num_clusters
    drawn = np.exp(0.7 * _normal_quantiles(quantiles))
    unequal = np.maximum(np.round(drawn * 30 / drawn.mean()), 1)
    each = np.ones(num_clusters)
    return [Layout("1 item each", each), Layout("30 items each", 30 * each), Layout("30 on average, unequal", unequal)]


def _normal_quantiles(quantiles: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri(quantiles))


@dataclass(frozen=True)
class NormalScores:
    """Normal scores of one arm: the shares of the estimate's variance that seeds, clusters and their residual have.

    Half of the clusters' share, and of the residual's, belongs to the items within them, where a cluster has several.
    """

    name: str
    seeds: float
    clusters: float
    residual: float

    def draw(self, layout: Layout, num_seeds: int, num_trials: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Yield sums (T, S, C) of scores with mean 0, whose estimate has variance 1, in parts."""
        sizes = layout.sizes
        share = sizes / sizes.sum()
        squares, within = share @ share, (share * share / sizes).sum()
        # the variance of a cluster's mean is own + items / size; over clusters both weigh by squared shares
        is_single = bool((sizes == 1).all())
        split = (1.0, 0.0) if is_single else (0.5, 0.5)
        deviation = np.sqrt(split[0] / squares + split[1] / (within * sizes))
        for trials in _parts(num_trials, num_seeds * len(sizes)):
            means = rng.normal(0, np.sqrt(self.seeds * num_seeds), (trials, num_seeds, 1))
            means = means + rng.normal(0, np.sqrt(self.clusters), (trials, 1, len(sizes))) * deviation
            noise = rng.normal(0, np.sqrt(self.residual * num_seeds), (trials, num_seeds, len(sizes)))
            yield (means + noise * deviation) * sizes


@dataclass(frozen=True)
class BernoulliItems:
    """Items that are right or wrong, by a probit model: level + seed + cluster + item + seed x cluster + noise > 0.

    Each number is a standard deviation; `arm_...` are what an arm has beside what all arms have in common.
    """

    level: float = 0.6
    seed: float = 0.06
    cluster: float = 0.3
    item: float = 0.7
    arm_seed: float = 0.06
    arm_cluster: float = 0.1
    seed_cluster: float = 0.15

    def mean(self, shift: float = 0.0) -> float:
        """Return the share of right items in the population, of an arm whose level is higher by `shift`."""
        variances = (self.seed, self.cluster, self.item, self.arm_seed, self.arm_cluster, self.seed_cluster)
        return float(ndtr((self.level + shift) / np.sqrt(1 + sum(one * one for one in variances))))

    def draw(
        self,
        layout: Layout,
        num_seeds: int,
        num_trials: int,
        rng: np.random.Generator,
        shifts: tuple[float, ...] = (0.0,),
        *,
        is_paired: bool = True,
    ) -> Iterator[list[np.ndarray]]:
        """Yield the sums (T, S, C) of each arm, in parts; paired arms have the effects of their seeds in common."""
        sizes = layout.sizes.astype(int)
        starts, num_clusters = np.cumsum(sizes) - sizes, len(sizes)
        for trials in _parts(num_trials, num_seeds * int(sizes.sum())):
            item = np.float32(self.item) * rng.standard_normal((trials, 1, int(sizes.sum())), dtype=np.float32)
            cluster = rng.normal(0, self.cluster, (trials, 1, num_clusters))
            seed = rng.normal(0, self.seed, (trials, num_seeds, 1))
            arms = []
            for shift in shifts:
                own = seed if is_paired else rng.normal(0, self.seed, (trials, num_seeds, 1))
                own = own + rng.normal(self.level + shift, self.arm_seed, (trials, num_seeds, 1))
                own = own + cluster + rng.normal(0, self.arm_cluster, (trials, 1, num_clusters))
                own = own + rng.normal(0, self.seed_cluster, (trials, num_seeds, num_clusters))
                latent = rng.standard_normal((trials, num_seeds, int(sizes.sum())), dtype=np.float32)
                latent += item
                latent += np.repeat(own.astype(np.float32), sizes, axis=2)
                arms.append(np.add.reduceat(latent > 0, starts, axis=2, dtype=np.float64))
            yield arms


def _parts(num_trials: int, cells_per_trial: int) -> Iterator[int]:
    """Yield numbers of trials that sum up to `num_trials`, few enough for memory."""
    each = max(1, _MAX_CELLS // cells_per_trial)
    for start in range(0, num_trials, each):
        yield min(each, num_trials - start)
