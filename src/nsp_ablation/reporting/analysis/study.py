"""A study: its records, pooled and named, and what stands beside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.reporting.analysis.columns import Column, columns_of, task_title
from nsp_ablation.reporting.analysis.pooled_scores import Scores, collect
from nsp_ablation.reporting.analysis.published import PublishedTable, table_to_show
from nsp_ablation.reporting.analysis.study_arms import StudyArm, arm_labels, arm_of
from nsp_ablation.reporting.records.manifest import Manifest, has_older_manifest, read_manifest
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder


@dataclass(frozen=True)
class StudyInfo:
    """What a study is called and what it plans to show.

    name: its folder under results ("table2_formats/laptop", "adhoc"). title: None for the name. published: a table's
    name, "none", or None to choose by what varies. comparisons: pairs of condition names, formats or maskings.
    not_science: dotted keys of settings that never change a result.
    """

    name: str
    title: str | None = None
    published: str | None = None
    comparisons: tuple[tuple[str, str], ...] = ()
    not_science: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Study:
    """Records, pooled and named. `of_sweep`: they are those of the manifest's sweep; `older`: what was not read."""

    info: StudyInfo
    records: dict[str, ResultRecord]
    scores: Scores
    labels: dict[StudyArm, str]
    columns: list[Column]
    published: PublishedTable | None
    manifest: Manifest | None
    of_sweep: bool
    older: str | None

    @property
    def title(self) -> str:
        """The title, else the name."""
        return self.info.title or self.info.name

    def of_arm(self, arm: StudyArm) -> list[ResultRecord]:
        """Return the records behind an arm's row, done ones only."""
        return [record for pool in self.scores.all_pools() if pool.arm == arm for record in pool.records]


def load_study(folder: Path, info: StudyInfo, record_ids: Sequence[str] | None = None) -> Study:
    """Read a study from `results/<name>`.

    `record_ids` None takes the cells of the newest sweep, or every record where no sweep left a manifest. Records
    that a sweep has not made yet are left out, and those of an older version. Raises ValueError naming a malformed
    file, or a published table that does not exist.
    """
    manifest = read_manifest(folder)
    of_sweep = record_ids is None and manifest is not None
    asked = manifest.record_ids if of_sweep and manifest else record_ids
    records = RecordFolder(folder).all(asked)
    scores = collect(records)
    configs: dict[StudyArm, dict] = {arm: {} for arm in scores.arms}
    configs |= {arm_of(record): record.config for record in records.values() if arm_of(record) in configs}
    return Study(
        info=info,
        records=records,
        scores=scores,
        labels=arm_labels(configs, info.not_science),
        columns=_columns(scores, records),
        published=table_to_show(scores.arms, scores.tasks, info.published),
        manifest=manifest,
        of_sweep=of_sweep,
        older=_older(folder, len(RecordFolder(folder).older(asked))),
    )


def _older(folder: Path, num_records: int) -> str | None:
    """Say how much of the folder is of an older version and not read, None where nothing is."""
    parts = [f"{num_records} record{'s' if num_records > 1 else ''}"] if num_records else []
    parts += ["the manifest of the newest sweep"] if has_older_manifest(folder) else []
    return f"not read, since of an older version: {' and '.join(parts)}; run the same command again" if parts else None


def _columns(scores: Scores, records: dict[str, ResultRecord]) -> list[Column]:
    """Return the columns of all tasks; a task of which every run failed keeps one, for its word "failed"."""
    columns = []
    for task in scores.tasks:
        pools = [pool for (_, name), pool in scores.pools.items() if name == task and pool.records]
        primary = next((pool.primary_metric for pool in pools), None)
        metrics = sorted({metric for pool in pools for metric in pool.metrics()})
        columns += columns_of(task, task_title(task, records), primary or "", metrics)
    return columns
