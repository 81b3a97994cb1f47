"""The figure of sizes: how long each arm's inputs are, and how many tokens its updates take."""

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.size_histograms import Histogram, HistogramPanel
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.render.arm_marks import ArmMark, arm_marks
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.lane_panel import LANE_END, LANE_START, Drawing, Lane, lane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, line, rect, sheet

_HEIGHT = 30


def sizes_figure(report: Report) -> str | None:
    """Return the figure as a file, None where no card has a histogram."""
    return sheet(size_panels(report))


def size_panels(report: Report) -> list[FigurePanel]:
    """Return a panel per kind of size, arms from top to bottom as in the table."""
    return [_panel(report, panel, arm_marks(report.labels)) for panel in report.histograms]


def _panel(report: Report, panel: HistogramPanel, marks: dict[StudyArm, ArmMark]) -> FigurePanel:
    edges = [edge for one in panel.arms.values() for edge in _filled(one)]
    scale = scale_of(edges, [], (LANE_START, LANE_END), bounds=(0.0, float("inf")), may_be_log=False)
    lanes = [
        Lane(report.labels[arm], f"mean {found.mean:,.1f}", _drawing(found, marks[arm]))
        for arm, found in panel.arms.items()
    ]
    return lane_panel(panel.title, "real tokens", lanes, scale, height=_HEIGHT)


def _filled(found: Histogram) -> list[float]:
    """Return the edges of the bins that hold something."""
    bins = zip(found.counts, found.edges[:-1], found.edges[1:], strict=True)
    return [edge for count, left, right in bins if count for edge in (left, right)]


def _drawing(found: Histogram, mark: ArmMark) -> Drawing:
    """Return what draws the counts as bars, the highest as high as the row, and the mean as a line."""

    def draw(scale: AxisScale, y: float) -> list[str]:
        bottom, most = y + _HEIGHT / 2, max(found.counts, default=0) or 1
        parts = []
        for count, left, right in zip(found.counts, found.edges[:-1], found.edges[1:], strict=True):
            height = (_HEIGHT - 4) * count / most
            x = scale.at(left)
            if count:
                width = max(scale.at(right) - x - 0.4, 0.8)
                parts.append(
                    rect(x, bottom - max(height, 0.6), width, max(height, 0.6), colour=mark.colour, opacity=0.8)
                )
        return [*parts, line(scale.at(found.mean), bottom - _HEIGHT + 2, scale.at(found.mean), bottom, width=1.2)]

    return draw
