"""The report of a study as one value: everything that an output shows, computed once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.appendix_facts import AppendixFacts, appendix_facts
from nsp_ablation.reporting.analysis.baseline_margins import baseline_sentences
from nsp_ablation.reporting.analysis.caption import caption
from nsp_ablation.reporting.analysis.card_facts import card_table, lost_cards
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparison_notes import exploratory_note, planned_note
from nsp_ablation.reporting.analysis.comparisons import Comparison, compare, refusals
from nsp_ablation.reporting.analysis.contrasts import Contrast, contrasts
from nsp_ablation.reporting.analysis.cost_facts import cost_table
from nsp_ablation.reporting.analysis.facts import FactsTable, failures, pretraining_table, provenance_table, warnings
from nsp_ablation.reporting.analysis.learning_curves import CurvePanel, learning_curves, lost_curves, read_curves
from nsp_ablation.reporting.analysis.loss_points import LossPanel, loss_panels
from nsp_ablation.reporting.analysis.plateau_exits import aligned_curves, exit_sentences
from nsp_ablation.reporting.analysis.probe_facts import layout_table, probe_sentences, range_warnings
from nsp_ablation.reporting.analysis.processors import processor_warnings
from nsp_ablation.reporting.analysis.size_histograms import HistogramPanel, size_histograms
from nsp_ablation.reporting.analysis.study import Study, load_study
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.analysis.study_plan import StudyPlan, study_plan
from nsp_ablation.reporting.analysis.study_runs import StudyRuns, study_runs
from nsp_ablation.reporting.analysis.tables import Row, Section, long_table, points, reading_table
from nsp_ablation.reporting.records.anonymity import Places
from nsp_ablation.reporting.records.manifest import Manifest


@dataclass(frozen=True, eq=False)
class Report:
    """What `render` writes down, each output a pure function of it.

    columns, sections: the table for reading. probes: the tasks among them that no fine-tuning seed belongs to.
    chances: per column, as fractions. has_published: published numbers stand in the table. long_table, points: every
    number, as printed. manifest: the newest sweep. curves: learning curves, a panel per metric; aligned_curves: the
    same, their tokens counted from where each run left the unigram plateau. loss_panels: scores against loss, a panel
    per column. histograms: of lengths and of sizes of updates. runs: what the report stands on.
    """

    name: str
    title: str
    plan: StudyPlan
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
    contrasts: list[Contrast]
    planned_note: str
    exploratory_note: str
    data_cards: FactsTable
    pretraining: FactsTable
    layouts: FactsTable
    provenance: FactsTable
    manifest: Manifest | None
    curves: list[CurvePanel]
    aligned_curves: list[CurvePanel]
    loss_panels: list[LossPanel]
    histograms: list[HistogramPanel]
    costs: FactsTable
    appendix: AppendixFacts
    runs: StudyRuns

    @property
    def num_done(self) -> int:
        """How many results it is made of."""
        return len(self.runs.records)

    @property
    def arms(self) -> list[Row]:
        """The rows that are arms, in the order of the table."""
        return [row for section in self.sections for row in section.rows if row.arm]

    @property
    def labels(self) -> dict[StudyArm, str]:
        """The names of the arms, in the order of the table."""
        return {row.arm: row.label for row in self.arms if row.arm is not None}


def load_report(
    folder: Path,
    name: str,
    options: ReportOptions,
    not_science: frozenset[str] = frozenset(),
    places: Places | None = None,
) -> Report:
    """Return the report of the study that `load_study` reads."""
    return report_of(load_study(folder, name, options, not_science, places))


def report_of(study: Study) -> Report:
    """Return the report of a study, with no finished record too."""
    comparisons = compare(study)
    summed = contrasts(study, comparisons)
    results = [*(one.result for one in comparisons), *(one.result for one in summed)]
    sections = reading_table(study, comparisons)
    records, curves = study.records.values(), read_curves(study)
    return Report(
        name=study.name,
        title=study.options.title or study.name,
        plan=study_plan(study),
        columns=study.columns,
        sections=sections,
        probes=set(study.scores.tasks) - {one.task for one in records if one.finetuning_seed is not None},
        chances=_chances(study, sections),
        has_published=study.published is not None,
        long_table=long_table(study),
        points=points(study),
        caption=[*caption(study, sections, comparisons), *baseline_sentences(study), *_beside(study)],
        warnings=[*warnings(study), *processor_warnings(study), *refusals(results), *_lost(study)],
        failures=failures(study),
        comparisons=comparisons,
        contrasts=summed,
        planned_note=planned_note(study, comparisons),
        exploratory_note=exploratory_note(study),
        data_cards=card_table(study),
        pretraining=pretraining_table(study),
        layouts=layout_table(study),
        provenance=provenance_table(study),
        manifest=study.manifest,
        curves=learning_curves(study, curves),
        aligned_curves=aligned_curves(study, curves),
        runs=study_runs(study),
        loss_panels=loss_panels(study),
        histograms=size_histograms(study),
        costs=cost_table(study),
        appendix=appendix_facts(study),
    )


def _beside(study: Study) -> list[str]:
    return [*probe_sentences(study), *exit_sentences(study)]


def _lost(study: Study) -> list[str]:
    return [*range_warnings(study), *lost_cards(study), *lost_curves(study)]


def _chances(study: Study, sections: list[Section]) -> list[float | None]:
    rows = [row for section in sections for row in section.rows if row.arm is None and row.label == "chance"]
    if not rows:
        return [None] * len(study.columns)
    return [score.summary.median if score.summary else None for score in rows[0].scores]
