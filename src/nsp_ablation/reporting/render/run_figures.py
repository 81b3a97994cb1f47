"""Figures of one training or result, which dashboards show beside its curves."""

from collections import Counter
from collections.abc import Mapping, Sequence

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.learning_curves import CurveLine
from nsp_ablation.reporting.render.arm_marks import COLOURS
from nsp_ablation.reporting.render.axis_scale import AxisScale, scale_of
from nsp_ablation.reporting.render.curves_figure import MEAN_WIDTH, curve_plane, positions
from nsp_ablation.reporting.render.plane_panel import Plane, plane_panel
from nsp_ablation.reporting.render.svg_panel import FigurePanel, circle, polyline, rect, sheet

_BARS, _COLOUR = 30, COLOURS[2]


def lengths_figure(tokens_at_positions: Sequence[int]) -> str | None:
    """Return the histogram of the lengths of a training's inputs; `tokens_at_positions` (T,): how many inputs held each
    position, from 0. None where there was no input."""
    ending = zip(tokens_at_positions, [*tokens_at_positions[1:], 0], strict=True)
    lengths: dict[float, int] = {
        length: here - beyond for length, (here, beyond) in enumerate(ending, 1) if here > beyond
    }
    return sheet(_histogram(lengths, "Lengths of inputs", "inputs", "real tokens"))


def scores_histogram(scores: Sequence[float], title: str, metric: str) -> str | None:
    """Return the histogram of the scores (N,) of a result's examples, None where there are none."""
    return sheet(_histogram(Counter(scores), title, "examples", metric))


def points_figure(lines: Sequence[tuple[Column, CurveLine]]) -> str | None:
    """Return a learning curve, a panel per metric, drawn as reports draw it; None where nothing was measured."""
    return sheet([_curve(column, line) for column, line in lines])


def _curve(column: Column, line: CurveLine) -> FigurePanel:
    def draw(x: AxisScale, y: AxisScale) -> list[str]:
        found = positions(line, x, y)
        dots = [circle(*position, 2.5, colour=_COLOUR) for position in found]
        return [polyline(found, colour=_COLOUR, width=MEAN_WIDTH), *dots]

    plane = curve_plane([line], column)
    return plane_panel(column.title, column.axis_unit, "million real tokens", plane, draw)


def _histogram(counts: Mapping[float, int], title: str, unit: str, x_name: str) -> list[FigurePanel]:
    """Return the panel of values and how often each is there, none where there is no value."""
    if not counts:
        return []
    low, high = min(counts), max(counts)
    width = (high - low) / _BARS or 1.0
    heights: Counter[int] = Counter()
    for value, number in counts.items():
        heights[min(_BARS - 1, int((value - low) / width))] += number
    ends = (low, low + (max(heights) + 1) * width)

    def draw(x: AxisScale, y: AxisScale) -> list[str]:
        bars = []
        for bar, height in sorted(heights.items()):
            left, right, top = x.at(low + bar * width), x.at(low + (bar + 1) * width), y.at(height)
            bars.append(rect(left, top, max(0.5, right - left - 0.5), y.at(0) - top, colour=_COLOUR))
        return bars

    plane = Plane(
        lambda place: scale_of(ends, [], place, bounds=ends, may_be_log=False),
        lambda place: scale_of((0, *heights.values()), [], place, bounds=(0.0, float("inf")), may_be_log=False),
    )
    return [plane_panel(title, unit, x_name, plane, draw)]
