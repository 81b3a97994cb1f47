"""The report of a study as a run: its table and every point of it, not means alone, and its figures."""

from pathlib import PurePath

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.dashboards.finished_run import FinishedRun, RunNames, drawn
from nsp_ablation.reporting.render.outputs import OUTPUTS

TABLE, POINTS = "table", "points"


def report_run(report: Report) -> FinishedRun:
    """Return the run; reports of equal numbers have one id, so that a report which did not change is not sent again."""
    figures = {PurePath(name).stem: render(report) for name, render in OUTPUTS.items() if name.endswith(".svg")}
    return FinishedRun(
        names=RunNames(
            id=fingerprint(["report", report.name, report.title, report.long_table, report.points]),
            name=f"{report.name} report",
            group=report.name,
            job_type="report",
            tags=[report.name],
            config={"experiment": report.name},
        ),
        points=[],
        summary={"done_records": report.num_done},
        tables={TABLE: report.long_table, POINTS: report.points},
        figures=drawn(figures),
    )
