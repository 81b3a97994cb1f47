"""The figure of learning curves aligned where each run left the unigram plateau."""

from dataclasses import replace

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.curves_figure import curve_panels
from nsp_ablation.reporting.render.svg_panel import FigurePanel, sheet


def aligned_figure(report: Report) -> str | None:
    """Return the figure as a file, None where fewer than two arms have a line."""
    return sheet(aligned_panels(report))


def aligned_panels(report: Report) -> list[FigurePanel]:
    """Return the panels, drawn as those of learning curves are."""
    return curve_panels(replace(report, curves=report.aligned_curves)) if report.aligned_curves else []
