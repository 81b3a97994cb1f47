"""A study: its records, pooled and named, and what stands beside them."""

import os
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.arm_labels import arm_labels
from nsp_ablation.reporting.analysis.columns import Column, columns_of, task_title
from nsp_ablation.reporting.analysis.pooled_scores import Scores, collect
from nsp_ablation.reporting.analysis.published import PublishedTable, table_to_show
from nsp_ablation.reporting.analysis.score_matrices import ScoreMatrices
from nsp_ablation.reporting.analysis.study_arms import StudyArm, arm_of, paper_order
from nsp_ablation.reporting.analysis.study_folders import StudyFolders, read_folders
from nsp_ablation.reporting.records.anonymity import Places, places_of, printable
from nsp_ablation.reporting.records.data_card import DataCard, read_card
from nsp_ablation.reporting.records.manifest import Manifest
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.sweep_cell import SweepCell
from nsp_ablation.reporting.records.typed_json import parse


@dataclass(frozen=True)
class Study:
    """Records, pooled and named.

    name: its folder under results ("table2_formats/laptop", "adhoc"). not_science: dotted keys of settings that never
    change a result. cells: those of the sweep that the records are of, none where they are all of the folder.
    """

    name: str
    options: ReportOptions
    not_science: frozenset[str]
    records: dict[str, ResultRecord]
    scores: Scores
    labels: dict[StudyArm, str]
    columns: list[Column]
    published: PublishedTable | None
    manifest: Manifest | None
    cells: list[SweepCell]
    folders: StudyFolders
    matrices: ScoreMatrices

    def of_arm(self, arm: StudyArm) -> list[ResultRecord]:
        """Return the records behind an arm's row, done ones only."""
        return [record for pool in self.scores.all_pools() if pool.arm == arm for record in pool.records]

    @cached_property
    def cards(self) -> dict[StudyArm, DataCard]:
        """The data card of each arm's first pre-training seed, as far as there is one, read once.

        Raises DamageError naming a card that is not what was written.
        """
        cards = {}
        for arm in self.scores.arms:
            records = sorted(self.of_arm(arm), key=lambda record: record.pretraining_seed or 0)
            paths = (self.card_path(record.card) for record in records if record.card)
            if path := next((path for path in paths if os.path.lexists(path)), None):
                cards[arm] = read_card(path)
        return cards

    def card_path(self, key: str) -> Path:
        """Return where the data card of a key lies, in the study's own folder where none holds it."""
        name = f"{key}.json"
        return self.folders.holding("cards", name) / "cards" / name


def load_study(
    folder: Path,
    name: str,
    options: ReportOptions,
    not_science: frozenset[str] = frozenset(),
    places: Places | None = None,
) -> Study:
    """Read a study from its folder and from `options.folders`: of each the newest sweep, or every record where no sweep
    left a manifest or all are asked for (`read_folders`).

    Records that a sweep has not made yet are left out, and those of an older version. Raises DamageError naming every
    file that is not what was written (records, scores, predictions, manifest, cells) or is missing, InputError for a
    published table that does not exist. Unless `options.anonymous` is false, nothing of it names a person or a machine:
    `places` are those of the configuration.
    """
    shown = _Shown(options.anonymous, places or places_of({}))
    folders = read_folders([folder, *map(Path, options.folders)], options.all, shown.path)
    records = {key: shown.record(record) for key, record in folders.records.items()}
    manifest = shown.manifest(folders.manifest)
    cells = [] if options.all or manifest is None else manifest.cells
    scores = collect(records)
    configs: dict[StudyArm, dict] = {arm: {} for arm in scores.arms}
    configs |= {arm_of(record): record.config for record in records.values() if arm_of(record) in configs}
    labels = arm_labels(configs, not_science)
    arms = sorted(scores.arms, key=lambda arm: (paper_order(arm), labels[arm].rstrip("]")))
    return Study(
        name=name,
        options=options,
        not_science=not_science,
        records=records,
        scores=replace(scores, arms=arms),
        labels=labels,
        columns=_columns(scores, records),
        published=table_to_show(scores.arms, scores.tasks, options.published),
        manifest=manifest,
        cells=cells,
        folders=folders,
        matrices=ScoreMatrices(folders),
    )


@dataclass(frozen=True)
class _Shown:
    """How records and manifest are shown: without characters that steer a terminal, and anonymous or as written."""

    is_anonymous: bool
    places: Places

    def path(self, path: Path) -> str:
        """Return the path of a folder as it is shown."""
        return self.places.value(str(path)) if self.is_anonymous else str(path)

    def record(self, record: ResultRecord) -> ResultRecord:
        """Return a record as it is shown."""
        found = record.anonymous(self.places) if self.is_anonymous else record.restored()
        clean = printable(data := asdict(found))
        return found if clean is data else parse(ResultRecord, clean, found.id)

    def manifest(self, manifest: Manifest | None) -> Manifest | None:
        """Return a manifest as it is shown: its command, and its cells' overrides and reasons."""
        if manifest is None:
            return None
        if self.is_anonymous:
            words = (word.partition("=")[2].strip("'\"") for cell in manifest.cells for word in cell.overrides)
            places = self.places.with_paths(words)
            cells = [_anonymous(cell, places) for cell in manifest.cells]
            manifest = replace(manifest, command=places.command(manifest.command), cells=cells)
        return parse(Manifest, printable(asdict(manifest)), "manifest")


def _anonymous(cell: SweepCell, places: Places) -> SweepCell:
    reason = None if cell.reason is None else places.text(cell.reason)
    return replace(cell, overrides=[places.override(word) for word in cell.overrides], reason=reason)


def _columns(scores: Scores, records: dict[str, ResultRecord]) -> list[Column]:
    """Return the columns of all tasks; a task of which every run failed keeps one, for its word "failed"."""
    columns = []
    for task in scores.tasks:
        pools = [pool for (_, name), pool in scores.pools.items() if name == task and pool.records]
        primary = next((pool.primary_metric for pool in pools), None)
        metrics = sorted({metric for pool in pools for metric in pool.metrics()})
        columns += columns_of(task, task_title(task, records), primary or "", metrics)
    return columns
