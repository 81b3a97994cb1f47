"""The score matrices of a study, read from the items of its records where they are asked for."""

from nsp_ablation.reporting.analysis.crossed_variance import estimate
from nsp_ablation.reporting.analysis.intervals import Summary, summarize
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.score_matrix import ScoreMatrix, score_matrix
from nsp_ablation.reporting.analysis.study_folders import StudyFolders
from nsp_ablation.reporting.records.example_scores import ExampleScores


class ScoreMatrices:
    """Matrices by pool and metric; each record's items are read once, each matrix is made once."""

    def __init__(self, folders: StudyFolders):
        self._folders = folders
        self._examples: dict[str, ExampleScores] = {}
        self._made: dict[tuple[tuple[str, ...], str], ScoreMatrix | None] = {}

    def of(self, pool: Pool, metric: str) -> ScoreMatrix | None:
        """Return the matrix of a pool in a metric, seeds in order; None where its records have no arrays of it.

        Raises DamageError naming a file of items that is not what was written.
        """
        records = [record for record in pool.records if metric in (record.metrics or {})]
        key = (tuple(record.id for record in records), metric)
        if key not in self._made:
            by_seed: dict[int | None, list[ExampleScores]] = {}
            for record in sorted(records, key=lambda one: (one.pretraining_seed is None, one.pretraining_seed or 0)):
                by_seed.setdefault(record.pretraining_seed, []).append(self._read(record.id))
            self._made[key] = score_matrix(by_seed, metric)
        return self._made[key]

    def summary(self, pool: Pool, metric: str) -> Summary | None:
        """Return median, mean and interval of a pool in a metric, None where it was not measured."""
        scores, matrix = pool.seed_scores(metric), self.of(pool, metric)
        found = estimate(matrix.scores, matrix.sizes) if matrix else None
        return summarize(scores, found) if len(scores) else None

    def has_clusters(self, pool: Pool) -> bool:
        """Say whether the records of a pool name the clusters of their examples; those of schema 3 do not."""
        return all(record.has_items for record in pool.records)

    def _read(self, record_id: str) -> ExampleScores:
        if record_id not in self._examples:
            self._examples[record_id] = self._folders.examples(record_id)
        return self._examples[record_id]
