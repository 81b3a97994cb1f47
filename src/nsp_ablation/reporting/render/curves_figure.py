"""The figures of learning curves: what held-out documents show after so many real tokens, by arm and seed."""

from collections.abc import Sequence
from typing import Any

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.learning_curves import CurveLine, CurvePanel
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.render.arm_marks import ArmMark, arm_marks, legend
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.plane_panel import Plane, plane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, polyline, sheet

SEED_WIDTH, MEAN_WIDTH = 0.8, 2.4


def curves_figure(report: Report) -> str | None:
    """Return the figure as a file, None where no curve was measured: a panel per metric, seeds thin, means thick."""
    return sheet(curve_panels(report, report.curves))


def aligned_figure(report: Report) -> str | None:
    """Return the figure of curves aligned where each run left the unigram plateau, None where fewer than two arms have
    a line."""
    return sheet(curve_panels(report, report.aligned_curves))


def curve_panels(report: Report, curves: Sequence[CurvePanel]) -> list[FigurePanel]:
    """Return a panel per metric of these curves of a report, and a legend."""
    if not curves:
        return []
    marks = arm_marks(report.labels)
    labels = {arm: lines.label for panel in curves for arm, lines in panel.arms.items()}
    in_order = {arm: labels[arm] for arm in marks if arm in labels}
    return [*(_panel(panel, marks) for panel in curves), legend(in_order, marks)]


def _panel(panel: CurvePanel, marks: dict[StudyArm, ArmMark]) -> FigurePanel:
    seeds = [line for lines in panel.arms.values() for line in lines.seeds]

    def draw(x: AxisScale, y: AxisScale) -> list[str]:
        parts: list[str] = []
        for arm, lines in panel.arms.items():
            look: dict[str, Any] = {"colour": marks[arm].colour, "dash": marks[arm].dash}
            parts += [polyline(positions(one, x, y), width=SEED_WIDTH, opacity=0.6, **look) for one in lines.seeds]
            if lines.mean is not None:
                parts.append(polyline(positions(lines.mean, x, y), width=MEAN_WIDTH, **look))
        return parts

    return plane_panel(
        panel.title, panel.column.axis_unit, "million real tokens", curve_plane(seeds, panel.column), draw
    )


def curve_plane(lines: Sequence[CurveLine], column: Column) -> Plane:
    """Return the axes that hold all lines: millions of real tokens, and values of the column as printed."""
    return Plane(
        lambda place: scale_of((value for one in lines for value in one.tokens / 1e6), [], place),
        lambda place: scale_of(
            (value for one in lines for value in one.values), [], place, may_be_log=column.may_be_log
        ),
    )


def positions(line: CurveLine, x: AxisScale, y: AxisScale) -> list[tuple[float, float]]:
    """Return where the points of a line are drawn."""
    return [
        (x.at(tokens / 1e6), y.at(value))
        for tokens, value in zip(line.tokens.tolist(), line.values.tolist(), strict=True)
    ]
