"""Panels with two axes of numbers: curves and points."""

from collections.abc import Callable
from dataclasses import dataclass

from nsp_ablation.reporting.render.axis_scale import AxisScale
from nsp_ablation.reporting.render.svg_panel import (
    LARGE,
    PANEL_WIDTH,
    SMALL,
    FigurePanel,
    text,
    wrapped,
    x_axis,
    y_axis,
    y_axis_width,
)

_HEIGHT, _AXIS_HEIGHT = 190, 34


@dataclass(frozen=True)
class Plane:
    """Both axes, each given the positions of its start and end."""

    x: Callable[[tuple[float, float]], AxisScale]
    y: Callable[[tuple[float, float]], AxisScale]


def plane_panel(
    title: str, unit: str, x_name: str, plane: Plane, draw: Callable[[AxisScale, AxisScale], list[str]]
) -> FigurePanel:
    """Return the panel; `unit` names the vertical axis and stands above it, `draw` draws on both axes."""
    heading = wrapped(title, LARGE)
    top = 15.0 * len(heading) + 26
    bottom = top + _HEIGHT
    y = plane.y((bottom, top))
    left = y_axis_width(y)
    x = plane.x((left, PANEL_WIDTH - 6.0))
    parts = [text(0, 13 + 15 * number, words, LARGE, is_bold=True) for number, words in enumerate(heading)]
    name = unit + (", logarithmic" if y.is_log else "")
    parts.append(text(0, top - 10, name, SMALL, is_faint=True))
    x_name += ", logarithmic" if x.is_log else ""
    axes = [*x_axis(x, [(top, bottom)], bottom, x_name), *y_axis(y, left, PANEL_WIDTH)]
    return FigurePanel(f"{title}, {name}", bottom + _AXIS_HEIGHT, [*parts, *axes, *draw(x, y)])
