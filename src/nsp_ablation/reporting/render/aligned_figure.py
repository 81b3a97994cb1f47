"""The figure of learning curves aligned where each run left the unigram plateau."""

from dataclasses import replace

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.curves_figure import curves_figure


def aligned_figure(report: Report) -> str | None:
    """Return the figure as SVG, drawn as that of learning curves is; None where fewer than two arms have a line."""
    return curves_figure(replace(report, curves=report.aligned_curves)) if report.aligned_curves else None
