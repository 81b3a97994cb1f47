"""Figures of scores: every seed's score of every arm on every task, as SVG that is the same for the same records."""

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.tables import Row, Score
from nsp_ablation.reporting.render.arm_marks import FAILED, PUBLISHED, ArmMark, arm_marks
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.lane_panel import LANE_END, LANE_START, Drawing, Lane, arrow_head, bar, lane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, circle, line, polygon, sheet, text

_PERCENT = (0.0, 100.0)
_NO_BOUNDS = (float("-inf"), float("inf"))


def scores_figure(report: Report, are_probes: bool) -> str | None:
    """Return the figure of the zero-shot probes or of the other tasks as a file, None where none is measured."""
    return sheet(score_panels(report, are_probes))


def score_panels(report: Report, are_probes: bool) -> list[FigurePanel]:
    """Return a panel per measured column, arms from top to bottom as in the table."""
    shown = [i for i, column in enumerate(report.columns) if (column.task in report.probes) == are_probes]
    return [_panel(report, i) for i in shown if any(row.scores[i].summary for row in report.arms)]


def _panel(report: Report, i: int) -> FigurePanel:
    """Return the panel of column `i` of the table."""
    column, chance = report.columns[i], report.chances[i]
    marks = arm_marks(report.labels)
    scores = [row.scores[i] for row in report.arms]
    near = [row.scores[i] for row in report.arms if not _is_far(row, column)]
    chance = column.scaled(chance) if chance is not None and column.is_fraction else None
    scale = _scale(column, near if any(score.summary for score in near) else scores, chance)
    lanes = []
    for row, score in zip(report.arms, scores, strict=True):
        assert row.arm is not None
        value = "" if score.summary is None else column.text(score.summary.median)
        draw = _drawing(column, score, marks[row.arm])
        lanes.append(Lane(row.label, value, draw, is_bold=score.is_told))

    def behind(top: float, bottom: float) -> list[str]:
        x = scale.at(chance) if chance is not None else 0.0
        return [] if chance is None else [line(x, top, x, bottom, opacity=0.5, dash="4 3")]

    return lane_panel(column.title, column.axis_unit, lanes, scale, behind=behind)


def _is_far(row: Row, column: Column) -> bool:
    """Whether a score is one that the axis need not hold: the loss of an untrained encoder, beside which those of all
    arms are one."""
    return column.is_lower_better and row.arm is not None and row.arm.kind == "random"


def _scale(column: Column, scores: list[Score], chance: float | None) -> AxisScale:
    """Return the axis that holds all seeds, medians, published numbers and chance; intervals as far as they help."""
    summaries = [score.summary for score in scores if score.summary is not None]
    points = [column.scaled(value) for one in summaries for value in (*one.scores, one.median)]
    points += [column.scaled(score.published) for score in scores if score.published is not None]
    points += [] if chance is None else [chance]
    ends = [column.scaled(end) for one in summaries for end in (one.low, one.high) if end is not None]
    bounds = _PERCENT if column.is_fraction else _NO_BOUNDS
    place = (LANE_START, LANE_END)
    return scale_of(points, ends, place, bounds=bounds, may_be_log=column.may_be_log)


def _drawing(column: Column, score: Score, mark: ArmMark) -> Drawing:
    """Return what draws all seeds as ticks, the median as a shape, the interval as a bar, the paper's as a diamond."""

    def draw(scale: AxisScale, y: float) -> list[str]:
        parts = []
        if score.published is not None:
            parts.append(_diamond(scale.at(column.scaled(score.published)), y))
        summary = score.summary
        if summary is None:
            failed = text(LANE_START, y + 4, "failed", colour=FAILED, is_bold=True)
            return [*parts, *([failed] if score.num_failed else [])]
        if column.scaled(summary.median) > scale.high:
            return [*parts, arrow_head(scale.end, y, 6, mark.colour)]
        if summary.low is not None and summary.high is not None:
            limits = column.scaled(summary.low), column.scaled(summary.high)
            parts += bar(scale, y, *limits, colour=mark.colour, width=1.6)
        median = scale.at(column.scaled(summary.median))
        parts.append(circle(median, y, 4.5, colour=mark.colour, is_hollow=mark.is_hollow))
        if len(summary.scores) > 1:
            seeds = [scale.at(column.scaled(value)) for value in summary.scores]
            parts += [line(x, y + 5, x, y + 10, colour=mark.colour, width=1.3) for x in seeds]
        return parts

    return draw


def _diamond(x: float, y: float) -> str:
    return polygon([(x, y - 5.5), (x + 5.5, y), (x, y + 5.5), (x - 5.5, y)], colour=PUBLISHED, is_hollow=True)
