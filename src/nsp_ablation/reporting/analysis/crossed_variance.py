"""The variance of a score over seeds crossed with clusters of examples: arrays in, standard errors out.

    V = (MS_seed + MS_cluster - MS_residual) / (S C),  never below its larger part

S are seeds, C clusters of examples, `...` any leading axes (trials of a simulation). The formula is written by leaving
clusters out, so that it holds for means and for metrics that are no mean, and for clusters of unequal size; where all
have the same size and the score is a mean, it is the formula of the two-way layout to the digit. docs/statistics.md has
the reasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Of so few degrees of freedom the part over seeds enters Satterthwaite's sum by its share, not by its square: with
# three seeds it is often tiny by chance, and its square hides how little is known of it (92.5 % covered, not 94.5).
_FEW = 2


@dataclass(frozen=True, eq=False)
class SeedScores:
    """Scores of one arm, or paired differences of two: `scores` (..., S), `without` (..., S, C) without each cluster.

    Both are float64. What is paired has its seeds in the same order.
    """

    scores: np.ndarray
    without: np.ndarray

    @property
    def num_seeds(self) -> int:
        """S."""
        return int(self.scores.shape[-1])

    def paired_with(self, other: "SeedScores") -> "SeedScores":
        """Return the differences self - other, seed by seed."""
        assert self.without.shape == other.without.shape, (self.without.shape, other.without.shape)
        return SeedScores(self.scores - other.scores, self.without - other.without)


@dataclass(frozen=True, eq=False)
class Estimate:
    """A score or a difference (...) with its standard error and degrees of freedom; NaN where there is none.

    Its square, the variance, is seed_part + cluster_part - residual_part, but never below seed_part or cluster_part.
    With one seed `cluster_part` is all there is, and the error is one over examples alone (`over_seeds` false).
    """

    value: np.ndarray
    error: np.ndarray
    dof: np.ndarray
    seed_part: np.ndarray
    cluster_part: np.ndarray
    residual_part: np.ndarray
    num_seeds: tuple[int, ...]
    cluster_dof: np.ndarray

    @property
    def over_seeds(self) -> bool:
        """Whether the error is that over seeds and examples, not over examples alone."""
        return min(self.num_seeds) > 1


def means_of_sums(sums: np.ndarray, sizes: np.ndarray) -> SeedScores:
    """Return the mean over examples of each seed, whole and without each cluster, NaN without the only one.

    sums (..., S, C): sums of the examples' scores; sizes (..., C): how many examples they are of.
    """
    totals, counts = sums.sum(axis=-1), sizes.sum(axis=-1)[..., np.newaxis]
    with np.errstate(invalid="ignore", divide="ignore"):
        without = (totals[..., np.newaxis] - sums) / (counts - sizes)[..., np.newaxis, :]
        return SeedScores(totals / counts, without)


def estimate(arm: SeedScores, sizes: np.ndarray) -> Estimate:
    """Return the mean over seeds of an arm's scores, or of paired differences. sizes (..., C) of the clusters."""
    return _crossed([arm], [1.0], sizes)


def unpaired_difference(a: SeedScores, b: SeedScores, sizes: np.ndarray) -> Estimate:
    """Return mean(a) - mean(b) of arms whose seeds have nothing in common; the examples are the same."""
    return _crossed([a, b], [1.0, -1.0], sizes)


def cluster_degrees(sizes: np.ndarray) -> np.ndarray:
    """Return Satterthwaite's degrees of freedom (...) of the variance over clusters of sizes (..., C).

    C - 1 where all are equal, fewer where few hold most examples (Bell and McCaffrey 2002, for a mean, taking the
    clusters' own means as equally variable).
    """
    share, sum_squares, factor = _factors(sizes)
    weight = np.square(share) / factor
    sums = [(weight * share**power).sum(axis=-1) for power in range(3)]
    own = (np.square(weight) * (np.square(factor) - np.square(sum_squares[..., np.newaxis] - 2 * share))).sum(axis=-1)
    between = np.square(sum_squares * sums[0]) + 2 * sums[0] * (sums[2] - 2 * sum_squares * sums[1])
    return np.asarray(np.square(sum_squares) / (own + between + 2 * np.square(sums[1])))


def _factors(sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return share w (..., C), sum of w^2 (...), and 1 - 2w + sum w^2: what is left of a cluster's variance.

    That is the expected square of (a cluster's mean - the mean over examples), in units of the variance of the former.
    """
    share = sizes / sizes.sum(axis=-1, keepdims=True)
    sum_squares = np.square(share).sum(axis=-1)
    return share, sum_squares, 1 - 2 * share + sum_squares[..., np.newaxis]


def _crossed(sides: Sequence[SeedScores], signs: Sequence[float], sizes: np.ndarray) -> Estimate:
    """Return the estimate of a sum of independent sides, each with its own seeds, over the same clusters."""
    value = np.asarray(sum(sign * side.scores.mean(axis=-1) for side, sign in zip(sides, signs, strict=True)))
    counts = tuple(side.num_seeds for side in sides)
    nothing = [np.zeros_like(value)] * len(sides)
    seeds = [_seed_part(side) for side in sides] if min(counts) > 1 else nothing
    clusters, residuals, cluster_dof = nothing[0], nothing, np.full_like(value, np.nan)
    if sizes.shape[-1] > 1:
        share, _, factor = _factors(sizes)
        scale = np.square(1 - share) / factor  # (C - 1) / C where all clusters are of one size
        moves = [side.scores[..., np.newaxis] - side.without for side in sides]
        together = sum(sign * move.mean(axis=-2) for move, sign in zip(moves, signs, strict=True))
        clusters = (scale * np.square(together)).sum(axis=-1)
        residuals = [_residual_part(move, scale) for move in moves] if min(counts) > 1 else nothing
        cluster_dof = np.broadcast_to(cluster_degrees(sizes), value.shape)
    variance, dof = _combined(counts, seeds, clusters, residuals, cluster_dof)
    parts = (np.sum(seeds, axis=0), clusters, np.sum(residuals, axis=0))
    return Estimate(value, np.sqrt(variance), dof, *parts, counts, cluster_dof)


def _combined(
    counts: Sequence[int],
    seeds: Sequence[np.ndarray],
    clusters: np.ndarray,
    residuals: Sequence[np.ndarray],
    cluster_dof: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance (...) and its degrees of freedom (Satterthwaite 1946).

    A part below the residual one shows nothing beyond noise and takes no degrees of freedom; where the variance is kept
    at its larger part, it has at least the degrees of freedom of that part, else at least the fewest that a part has.
    """
    if min(counts) == 1:
        return np.where(np.isnan(cluster_dof), np.nan, clusters), cluster_dof
    freedom = np.array(counts) - 1
    seed, residual = np.sum(seeds, axis=0), np.sum(residuals, axis=0)
    whole = seed + clusters - residual
    variance = np.maximum.reduce([whole, seed, clusters])
    of_clusters = np.where(np.isnan(cluster_dof), 0.0, 1 / cluster_dof)
    spread = of_clusters * np.where(clusters > residual, np.square(clusters), 0.0)
    spread = spread + of_clusters * np.sum(
        [np.square(one) / dof for one, dof in zip(residuals, freedom, strict=True)], 0
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        of_seeds = np.sum([np.square(one) / dof for one, dof in zip(seeds, freedom, strict=True)], axis=0)
        seed_dof = np.where(seed > 0, np.square(seed) / of_seeds, freedom.sum())
        weight = seed * variance if freedom.sum() <= _FEW else np.square(seed)
        spread = spread + np.where(seed > residual, weight / seed_dof, 0.0)
        fewest = np.fmin(seed_dof, cluster_dof)
        kept = np.where(clusters > seed, np.fmax(cluster_dof, fewest), seed_dof)
        return variance, np.maximum(np.square(variance) / spread, np.where(whole < variance, kept, fewest))


def _seed_part(side: SeedScores) -> np.ndarray:
    """Return MS_seed / (S C): the variance over seeds of the scores, of their mean."""
    return np.asarray(side.scores.var(axis=-1, ddof=1) / side.num_seeds)


def _residual_part(move: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return MS_residual / (S C); move (..., S, C) is how each cluster moves each seed's score."""
    num_seeds = move.shape[-2]
    squares = np.square(move - move.mean(axis=-2, keepdims=True)).sum(axis=-2)
    return np.asarray((scale * squares).sum(axis=-1) / (num_seeds * (num_seeds - 1)))
