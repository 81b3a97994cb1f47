"""Panels of lanes: a row per arm or comparison, its name above what is drawn of it, all on one axis of numbers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nsp_ablation.reporting.render.axis_scale import AxisScale
from nsp_ablation.reporting.render.svg_panel import (
    LARGE,
    PANEL_WIDTH,
    PLAIN,
    SMALL,
    FigurePanel,
    line,
    polygon,
    text,
    wrapped,
    x_axis,
)

LANE_START, LANE_END = 8.0, PANEL_WIDTH - 8.0
Drawing = Callable[[AxisScale, float], list[str]]  # elements round a height, on an axis
_VALUE_WIDTH, _LINE_HEIGHT, _AXIS_HEIGHT = 84, 13.5, 34


@dataclass(frozen=True)
class Lane:
    """A row: its name, a number at its right end as text, a note beneath the name, and what draws it round a height."""

    name: str
    value: str
    draw: Drawing
    note: str = ""
    is_bold: bool = False


def lane_panel(
    title: str, unit: str, lanes: Sequence[Lane], scale: AxisScale, *, height: float = 18,
    behind: Callable[[float, float], list[str]] = lambda top, bottom: [],
) -> FigurePanel:  # fmt: skip
    """Return the panel; `unit` names the axis, `height` is that of what is drawn of a row, `behind` draws under that.

    Grid lines and what `behind` draws keep clear of the names.
    """
    heading = wrapped(title, LARGE)
    y = 6 + 15.0 * len(heading)
    rows: list[str] = []
    bands = []
    for lane in lanes:
        names, y = _named(lane, y)
        bands.append((y, y + height + 2))
        rows += [*names, *behind(*bands[-1]), *lane.draw(scale, y + height / 2)]
        y += height + 4
    titles = [text(0, 13 + 15 * number, words, LARGE, is_bold=True) for number, words in enumerate(heading)]
    return FigurePanel(f"{title}, {unit}", y + _AXIS_HEIGHT, [*titles, *x_axis(scale, bands, y, unit), *rows])


def _named(lane: Lane, y: float) -> tuple[list[str], float]:
    """Return name, number and note of a row from a height on, and the height beneath them."""
    parts = [text(PANEL_WIDTH, y + 11, lane.value, anchor="end", is_bold=lane.is_bold)] if lane.value else []
    for words in wrapped(lane.name, PLAIN, PANEL_WIDTH - (_VALUE_WIDTH if lane.value else 0)):
        parts.append(text(0, y + 11, words, is_bold=lane.is_bold))
        y += _LINE_HEIGHT
    for words in wrapped(lane.note, SMALL) if lane.note else []:
        parts.append(text(0, y + 10, words, SMALL, is_faint=True))
        y += _LINE_HEIGHT
    return parts, y


def bar(
    scale: AxisScale, y: float, low: float, high: float, *, colour: str, width: float, opacity: float = 1
) -> list[str]:
    """Return an interval as a bar; an end that lies outside the axis is an arrow head."""
    parts = [line(scale.at(low), y, scale.at(high), y, colour=colour, width=width, opacity=opacity)]
    parts += [arrow_head(scale.start, y, -6, colour)] if low < scale.low else []
    parts += [arrow_head(scale.end, y, 6, colour)] if high > scale.high else []
    return parts


def arrow_head(x: float, y: float, length: float, colour: str) -> str:
    """Return an arrow head at an end of the axis: what is drawn goes on, or lies, beyond it; `length` has its sign."""
    return polygon([(x + length, y), (x, y - 4), (x, y + 4)], colour=colour)
