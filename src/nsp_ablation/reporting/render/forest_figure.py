"""The forest plot: each planned comparison's difference, its interval, and the interval that all of them share."""

from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.arm_marks import COLOURS, NO_FORMAT
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.comparison_tables import signed, verdict_words, with_labels
from nsp_ablation.reporting.render.lane_panel import LANE_END, LANE_START, Drawing, Lane, bar, lane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, circle, line, rect, sheet, text

_REACH = 4.0  # spans of the differences that an interval may reach out
_TOLD, _OPEN = COLOURS[2], NO_FORMAT


def forest_figure(report: Report) -> str | None:
    """Return the figure as a file, None where nothing was planned or nothing is there to compare."""
    return sheet(forest_panels(report))


def forest_panels(report: Report) -> list[FigurePanel]:
    """Return the one panel, none where no planned comparison has a result."""
    family = [with_labels(one, report.labels) for one in report.comparisons if one.is_primary]
    if all(one.result.difference is None for one in family):
        return []
    column = family[0].column
    margin = next((column.scaled(one.margin) for one in family if one.margin is not None), None)
    points = [column.scaled(one.result.difference) for one in family if one.result.difference is not None]
    points += [0.0] if margin is None else [-margin, margin]
    ends = [column.scaled(end) for one in family for end in _limits(one) if end is not None]
    scale = scale_of(points, ends, (LANE_START, LANE_END), reach=_REACH)
    lanes = []
    for one in family:
        value = signed(column, one.result.difference)
        lanes.append(Lane(f"{one.a} − {one.b}", value, _drawing(one), verdict_words(one), one.is_told))

    def behind(top: float, bottom: float) -> list[str]:
        zero = line(scale.at(0), top, scale.at(0), bottom, opacity=0.7)
        if margin is None:
            return [zero]
        left, right = scale.at(-margin), scale.at(margin)
        return [rect(left, top, right - left, bottom - top, opacity=0.1), zero]

    name = f"difference in {column.title} {column.unit}, {'points' if column.is_fraction else 'a − b'}"
    return [lane_panel("Planned comparisons", name, lanes, scale, height=16, behind=behind)]


def _limits(one: Comparison) -> tuple[float | None, ...]:
    return one.result.low, one.result.high, one.low_simultaneous, one.high_simultaneous


def _drawing(one: Comparison) -> Drawing:
    """Return what draws the difference as a dot, its interval as a thick bar, the simultaneous one as a thin bar."""
    colour = _TOLD if one.is_told else _OPEN

    def draw(scale: AxisScale, y: float) -> list[str]:
        if one.result.difference is None:
            return [text(LANE_START, y + 4, "no result", is_faint=True)]
        limits = [None if end is None else one.column.scaled(end) for end in _limits(one)]
        parts = []
        for (low, high), width, opacity in ((limits[2:], 1.2, 1), (limits[:2], 4, 0.75)):
            if low is not None and high is not None:
                parts += bar(scale, y, low, high, colour=colour, width=width, opacity=opacity)
        return [*parts, circle(scale.at(one.column.scaled(one.result.difference)), y, 5, colour=colour)]

    return draw
