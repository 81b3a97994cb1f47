"""What readers of a study on Weights & Biases see: a saved workspace of its runs, and a report page.

Both show loss by real tokens, grouped by arm and with every seed, the planned comparisons and the table. They name the
runs by their ids, so that an encoder which another study trained, and which is not trained again, is among them. Panels
need nothing of a server until they are saved; what `wandb-workspaces` (public preview) makes of them is held by tests.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nsp_ablation.reporting.analysis.comparison_notes import CONTRAST_NOTE
from nsp_ablation.reporting.analysis.learning_curves import metric_name
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.dashboards.finished_run import EVALUATION, FINAL, FinishedRun, record_run_id
from nsp_ablation.reporting.dashboards.report_run import TABLE, report_run
from nsp_ablation.reporting.dashboards.wandb_run import TOKENS, UPDATE
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
from nsp_ablation.reporting.render.arm_marks import arm_marks
from nsp_ablation.reporting.render.comparison_tables import contrast_table, exploratory_table, planned_table
from nsp_ablation.reporting.render.table_files import facts_part, markdown_table

_LOSS, _PAIR_LOSS = "pretraining/mlm_loss", "pretraining/pair_loss"
_TITLE = 128  # characters of a page's title that wandb takes
_FOREST = "figures/comparisons"


@dataclass(frozen=True, eq=False)
class WandbPages:
    """The pages of a study, made of its report. Panels are grouped one by one: a workspace that is grouped as a whole
    shows no seed alone."""

    report: Report
    entity: str
    project: str

    def workspace(self) -> Any:
        """Return the workspace (`wandb_workspaces.workspaces.Workspace`), not saved."""
        import wandb_workspaces.workspaces as ws

        sections = {
            "Loss by real tokens and by updates": self._loss_panels() if self._encoders else [],
            "Held-out documents by real tokens": self._curve_panels(),
            "Final scores": self._score_panels(),
            "Planned comparisons, figures and table": [self._figures(), self._table()],
        }
        return ws.Workspace(
            entity=self.entity,
            project=self.project,
            name=self.report.name,
            sections=[
                ws.Section(name=name, panels=panels, is_open=True) for name, panels in sections.items() if panels
            ],
            settings=ws.WorkspaceSettings(x_axis=TOKENS, max_runs=max(1, len(self._encoders))),
            runset_settings=ws.RunsetSettings(
                filters=ws.And(ws.Metric("ID").isin([*self._encoders, *self._results, self._run.names.id])),
                run_settings={run: ws.RunSettings(color=colour) for run, colour in self._colours.items()},
            ),
        )

    def page(self) -> Any:
        """Return the report page (`wandb_workspaces.reports.v2.Report`), not saved."""
        import wandb_workspaces.reports.v2 as wr

        report = self.report
        blocks: list[Any] = [wr.P(report.plan.question)] if report.plan.question else []
        answers = [f"{one.verdict} {one.numbers}" for one in answer_lines(report)]
        blocks += [wr.H2("Answer"), wr.P(headline(report))]
        blocks += [wr.UnorderedList([*answers])] if answers else []
        if self._encoders:
            blocks += [wr.H2("Loss by real tokens"), self._grid("encoders", self._encoders, self._loss_panels())]
        if self._curve_panels():
            blocks += [wr.H2("Held-out documents"), self._grid("encoders", self._encoders, self._curve_panels())]
        blocks += [wr.H2("Planned comparisons"), self._grid("report", [self._run.names.id], [self._figures()])]
        blocks += self._markdown(facts_part("Planned", planned_table(report.comparisons), report.planned_note))
        blocks += self._markdown(facts_part("Contrasts", contrast_table(report.contrasts), CONTRAST_NOTE))
        blocks += [wr.H2("Table"), *self._markdown(markdown_table(report))]
        blocks += [wr.UnorderedList([*report.caption, *(f"Warning: {one}" for one in report.warnings)])]
        blocks += [self._grid("report", [self._run.names.id], [self._table()])]
        blocks += self._markdown(
            facts_part("Exploratory", exploratory_table(report.comparisons), report.exploratory_note)
        )
        return wr.Report(
            project=self.project,
            entity=self.entity,
            title=report.title[:_TITLE],
            description=f"Study {report.name}; {report.num_done} records.",
            blocks=blocks,
            width="fluid",
        )

    @cached_property
    def _encoders(self) -> list[str]:
        return [key for keys in self.report.runs.encoders.values() for key in keys]

    @cached_property
    def _results(self) -> list[str]:
        return [record_run_id(key) for key in self.report.runs.records]

    @cached_property
    def _run(self) -> FinishedRun:
        """The report's own run, whose id and figures the pages show."""
        return report_run(self.report)

    @cached_property
    def _arm_key(self) -> str:
        """The key of a run's configuration that tells arms apart: a condition's name, or, where two arms share one, the
        fingerprint of all their settings."""
        names = [arm.condition.name for arm in self.report.runs.encoders]
        return "condition.name" if len({*names}) == len(names) else "science"

    @cached_property
    def _colours(self) -> dict[str, str]:
        marks = arm_marks(self.report.labels)
        runs = self.report.runs.encoders
        return {key: marks[arm].colour for arm, keys in runs.items() if arm in marks for key in keys}

    def _loss_panels(self) -> list[Any]:
        """Return the panels of the losses that are trained: by tokens as means with every seed, and each seed alone."""
        import wandb_workspaces.reports.v2 as wr

        most = max(1, len(self._encoders))
        pairs = [_PAIR_LOSS] if any(arm.condition.objective != "mlm" for arm in self.report.runs.encoders) else []
        return [
            self._mean_of_arms(_LOSS, "MLM loss, nats: means of arms, and every seed"),
            wr.LinePlot(
                title="MLM loss, nats: each seed", x=TOKENS, y=[_LOSS], title_x="real tokens", max_runs_to_show=most
            ),
            wr.LinePlot(
                title="MLM loss, nats, by updates", x=UPDATE, y=[_LOSS], title_x="updates", max_runs_to_show=most
            ),
            *(self._mean_of_arms(name, "Loss of pairs, nats") for name in pairs),
        ]

    def _curve_panels(self) -> list[Any]:
        """Return a panel per metric that was measured on the way."""
        return [
            self._mean_of_arms(f"{EVALUATION}{metric_name(panel.column)}", panel.title) for panel in self.report.curves
        ]

    def _score_panels(self) -> list[Any]:
        import wandb_workspaces.reports.v2 as wr

        return [
            wr.BarPlot(
                title=column.measure,
                metrics=[f"{FINAL}{column.task}.{column.metric}"],
                groupby=wr.Config(self._arm_key),
                groupby_aggfunc="mean",
                groupby_rangefunc="minmax",
            )
            for column in self.report.columns
        ]

    def _mean_of_arms(self, metric: str, title: str) -> Any:
        import wandb_workspaces.reports.v2 as wr

        return wr.LinePlot(
            title=title,
            x=TOKENS,
            y=[metric],
            title_x="real tokens",
            groupby=wr.Config(self._arm_key),
            groupby_aggfunc="mean",
            groupby_rangefunc="samples",  # every run of a group as a line of its own
            max_runs_to_show=max(1, len(self._encoders)),
        )

    def _figures(self) -> Any:
        import wandb_workspaces.reports.v2 as wr

        names = [f"figures/{name}" for name in self._run.figures]
        keys = [_FOREST] if _FOREST in names else []
        return wr.MediaBrowser(
            title="Planned comparisons and scores",
            media_keys=[*keys, *(name for name in names if name not in keys)],
            num_columns=1,
            layout=wr.Layout(w=24, h=16),
        )

    def _table(self) -> Any:
        import wandb_workspaces.reports.v2 as wr

        return wr.WeavePanelSummaryTable(table_name=TABLE, layout=wr.Layout(w=24, h=12))

    def _grid(self, name: str, runs: list[str], panels: list[Any]) -> Any:
        """Return a grid of panels over some runs; without a project of its own a set of runs is of the page's."""
        import wandb_workspaces.expr as expr
        import wandb_workspaces.reports.v2 as wr

        chosen = {run: wr.RunSettings(color=self._colours[run]) for run in runs if run in self._colours}
        runset = wr.Runset(name=name, filters=expr.And(expr.Metric("ID").isin(runs)), run_settings=chosen)
        return wr.PanelGrid(runsets=[runset], panels=panels)

    def _markdown(self, text: str) -> list[Any]:
        import wandb_workspaces.reports.v2 as wr

        return [wr.MarkdownBlock(text)] if text else []
