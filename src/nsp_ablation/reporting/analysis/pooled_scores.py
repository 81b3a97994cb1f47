"""From records to scores: which results stand together in a cell of the table, and which must not."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from nsp_ablation.reporting.analysis.columns import tasks_in_order
from nsp_ablation.reporting.analysis.score_basis import ScoreBasis, basis_of, unequal
from nsp_ablation.reporting.analysis.study_arms import StudyArm, arm_of, paper_order
from nsp_ablation.reporting.records.record import ResultRecord


@dataclass
class Pool:
    """The results of one arm on one task: of one science and one basis, one record a pair of seeds. `basis` is None
    where every run failed."""

    arm: StudyArm
    task: str
    records: list[ResultRecord] = field(default_factory=list)
    num_failed: int = 0

    @property
    def basis(self) -> ScoreBasis | None:
        """What the scores stand on: the same in all records."""
        return basis_of(self.records[0]) if self.records else None

    @property
    def primary_metric(self) -> str | None:
        """The metric that the task is judged by, None where every run failed."""
        return self.records[0].primary_metric if self.records else None

    def metrics(self) -> list[str]:
        """Return the names of all metrics, the primary one first."""
        names = {name for record in self.records for name in record.metrics or {}}
        return sorted(names, key=lambda name: (name != self.primary_metric, name))

    def by_seed(self, metric: str) -> dict[int | None, float]:
        """Return {pre-training seed: mean over its fine-tuning seeds}, as fractions, in the order of the seeds."""
        values: dict[int | None, list[float]] = {}
        for record in self.records:
            if record.metrics and metric in record.metrics:
                values.setdefault(record.pretraining_seed, []).append(record.metrics[metric])
        in_order = sorted(values, key=lambda seed: (seed is None, seed or 0))
        return {seed: float(np.mean(values[seed])) for seed in in_order}

    def seed_scores(self, metric: str) -> np.ndarray:
        """Return scores (num_pretraining_seeds,) float64, in the order of the seeds."""
        return np.array(list(self.by_seed(metric).values()), dtype=np.float64)

    def num_finetuning_seeds(self) -> int:
        """Return how many fine-tuning seeds there are; 0 for a zero-shot probe."""
        return len({record.finetuning_seed for record in self.records} - {None})


@dataclass
class Scores:
    """All pools of a study. `set_aside` are pools on another basis than the newest (other examples, clusters, files or
    settings of the task, another schema or metric), kept out of the table."""

    arms: list[StudyArm]
    tasks: list[str]
    pools: dict[tuple[StudyArm, str], Pool]
    set_aside: list[Pool]
    warnings: list[str]

    def all_pools(self) -> list[Pool]:
        """Return every pool, in the order of the table, those set aside last."""
        in_order = [self.pools[arm, task] for arm in self.arms for task in self.tasks if (arm, task) in self.pools]
        return in_order + self.set_aside


def collect(records: Mapping[str, ResultRecord]) -> Scores:
    """Pool records by arm (equal science) and task; results of unequal science or basis never meet.

    Of several done records with the same seeds the newest counts, with a warning.
    """
    grouped: dict[tuple[StudyArm, str], list[ResultRecord]] = {}
    known = {arm_of(record) for record in records.values()}
    for record in sorted(records.values(), key=lambda record: record.provenance.time):
        grouped.setdefault((_settled(arm_of(record), known), record.task), []).append(record)
    pools: dict[tuple[StudyArm, str], Pool] = {}
    set_aside: list[Pool] = []
    warnings: list[str] = []
    for (arm, task), group in grouped.items():
        by_basis: dict[ScoreBasis, Pool] = {}
        done = [record for record in group if record.status == "done"]
        for record in done:
            warnings += _add(by_basis.setdefault(basis_of(record), Pool(arm, task)), record)
        pools[arm, task] = by_basis.pop(basis_of(done[-1])) if done else Pool(arm, task)
        pools[arm, task].num_failed = len(group) - len(done)
        set_aside += by_basis.values()
        warnings += [_set_aside(pool, pools[arm, task]) for pool in by_basis.values()]
    arms = sorted({arm for arm, _ in pools}, key=lambda arm: (paper_order(arm), arm.science))
    return Scores(arms, tasks_in_order(records), pools, set_aside, warnings)


def _settled(arm: StudyArm, known: Iterable[StudyArm]) -> StudyArm:
    """Return the arm of an external encoder that failed before its weights were hashed: the one of the same name."""
    if arm.kind != "external" or arm.encoder_sha256 is not None:
        return arm
    same = [other for other in known if other.encoder == arm.encoder and other.science == arm.science]
    return max(same, key=lambda other: other.encoder_sha256 or "")


def _set_aside(pool: Pool, newest: Pool) -> str:
    """Say which records stay out of the table, and what they do not have in common with the newest."""
    assert pool.basis is not None
    assert newest.basis is not None
    names = ", ".join(sorted(record.id for record in pool.records))
    reasons = "; ".join(unequal(pool.basis, newest.basis))
    return (
        f"{pool.task}: never pooled with newer results of the same arm, and left out of the table: {names} ({reasons})"
    )


def _add(pool: Pool, record: ResultRecord) -> list[str]:
    """Add a record, in place of an older one with the same seeds; return what is to be said about it."""
    seeds = (record.pretraining_seed, record.finetuning_seed)
    kept = [other for other in pool.records if (other.pretraining_seed, other.finetuning_seed) != seeds]
    replaced = len(kept) < len(pool.records)
    pool.records = [*kept, record]
    same = f"two records with pre-training seed {seeds[0]} and fine-tuning seed {seeds[1]}"
    return [f"{record.task}: {same}; newest used"] if replaced else []
