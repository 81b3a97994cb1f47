"""The figure of scores against loss: whether what lowers the loss raises the score, by arm and seed."""

from nsp_ablation.reporting.analysis.loss_points import LossPanel
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.render.arm_marks import ArmMark, arm_marks, legend
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.plane_panel import Plane, plane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, sheet


def loss_figure(report: Report) -> str | None:
    """Return the figure as a file, None where no score stands beside a loss."""
    return sheet(loss_panels_of(report))


def loss_panels_of(report: Report) -> list[FigurePanel]:
    """Return a panel per column, and a legend."""
    if not report.loss_panels:
        return []
    marks = arm_marks(report.labels)
    drawn = {arm for panel in report.loss_panels for arm in panel.points}
    labels = {arm: label for arm, label in report.labels.items() if arm in drawn}
    return [*(_panel(panel, marks) for panel in report.loss_panels), legend(labels, marks)]


def _panel(panel: LossPanel, marks: dict[StudyArm, ArmMark]) -> FigurePanel:
    pairs = [pair for points in panel.points.values() for pair in points]
    plane = Plane(
        lambda place: scale_of((loss for loss, _ in pairs), [], place),
        lambda place: scale_of((score for _, score in pairs), [], place, may_be_log=panel.column.may_be_log),
    )

    def draw(x: AxisScale, y: AxisScale) -> list[str]:
        return [
            marks[arm].point(x.at(loss), y.at(score), opacity=0.85)
            for arm, points in panel.points.items()
            for loss, score in points
        ]

    return plane_panel(panel.column.title, panel.column.axis_unit, panel.loss_name, plane, draw)
