"""The report of a study as one value: everything that an output shows, computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.reporting.analysis.caption import caption
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import Comparison, compare
from nsp_ablation.reporting.analysis.decisions import DECISIONS, Decision
from nsp_ablation.reporting.analysis.facts import FactsTable, failures, pretraining_table, provenance_table, warnings
from nsp_ablation.reporting.analysis.settings import distinct_texts, science_of, setting
from nsp_ablation.reporting.analysis.study import Study, StudyInfo, load_study
from nsp_ablation.reporting.analysis.tables import Row, Section, long_table, points, reading_table
from nsp_ablation.reporting.records.manifest import Manifest


@dataclass(frozen=True, eq=False)
class Report:
    """What `render` writes down, each output a pure function of it.

    columns, sections: the table for reading. probes: the tasks among them that no fine-tuning seed belongs to.
    chances: per column, as fractions. has_published: published numbers stand in the table. long_table, points: every
    number, as printed. settings, decisions: the values of science settings and of the paper's open points over all
    arms, by key. manifest: the newest sweep.
    """

    name: str
    title: str
    num_done: int
    columns: list[Column]
    sections: list[Section]
    probes: set[str]
    chances: list[float | None]
    has_published: bool
    long_table: list[dict[str, Any]]
    points: list[dict[str, Any]]
    caption: list[str]
    warnings: list[str]
    failures: list[str]
    comparisons: list[Comparison]
    pretraining: FactsTable
    provenance: FactsTable
    settings: dict[str, list[str]]
    decisions: list[tuple[Decision, dict[str, list[str]]]]
    manifest: Manifest | None

    @property
    def arms(self) -> list[Row]:
        """The rows that are arms, in the order of the table."""
        return [row for section in self.sections for row in section.rows if row.arm]


def load_report(folder: Path, info: StudyInfo, record_ids: Sequence[str] | None = None) -> Report:
    """Return the report of `results/<name>`, with no finished record too; `record_ids` as in `load_study`.

    Raises ValueError naming a malformed file, or a published table that does not exist.
    """
    return make_report(load_study(folder, info, record_ids))


def make_report(study: Study) -> Report:
    """Return the report of a study."""
    sections = reading_table(study)
    chances = next((row.scores for part in sections for row in part.rows if not row.arm and row.label == "chance"), [])
    return Report(
        name=study.info.name,
        title=study.title,
        num_done=sum(record.status == "done" for record in study.records.values()),
        columns=study.columns,
        sections=sections,
        probes=set(study.scores.tasks) - {r.task for r in study.records.values() if r.finetuning_seed is not None},
        chances=[score.summary.median if score.summary else None for score in chances] or [None] * len(study.columns),
        has_published=study.published is not None,
        long_table=long_table(study),
        points=points(study),
        caption=caption(study),
        warnings=warnings(study),
        failures=failures(study),
        comparisons=compare(study),
        pretraining=pretraining_table(study),
        provenance=provenance_table(study),
        settings=_settings(study),
        decisions=_decisions(study),
        manifest=study.manifest,
    )


def _configs(study: Study) -> list[dict[str, Any]]:
    """Return the configurations of trained arms, of all where none is trained."""
    trained = [record.config for record in study.records.values() if record.arm == "trained"]
    return trained or [record.config for record in study.records.values()]


def _settings(study: Study) -> dict[str, list[str]]:
    flat = [science_of(config, study.info.not_science) for config in _configs(study)]
    keys = dict.fromkeys(key for settings in flat for key, value in settings.items() if value is not None)
    return {key: distinct_texts(settings.get(key) for settings in flat) for key in keys}


def _decisions(study: Study) -> list[tuple[Decision, dict[str, list[str]]]]:
    configs = _configs(study)
    return [
        (one, {key: distinct_texts(setting(config, key) for config in configs) for key in one.keys if configs})
        for one in DECISIONS
    ]
