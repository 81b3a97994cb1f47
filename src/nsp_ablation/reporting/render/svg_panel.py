"""Panels of figures as SVG: PANEL_WIDTH units wide and so narrow that their text is readable on a phone.

A unit is a pixel where the column is as wide as the panel. What has no arm's colour is drawn in `currentColor`, so that
a page shows it in its own ink, on a light ground and on a dark one; a file of its own is black on nothing.
"""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from nsp_ablation.reporting.render.axis_scale import AxisScale

PANEL_WIDTH = 320
SMALL, PLAIN, LARGE = 10.5, 11.0, 12.5  # font sizes, units
_EM = 0.58  # mean width of a character, of the widest sans-serif among FONTS (DejaVu Sans), in font sizes
FONTS = "system-ui, Helvetica, Arial, 'DejaVu Sans', sans-serif"
_GAP, _NUM_ACROSS = 24, 3
_INK = "currentColor"


@dataclass(frozen=True)
class FigurePanel:
    """A drawing PANEL_WIDTH x `height` units large; `title` says what it shows to those who do not see it."""

    title: str
    height: float
    elements: Sequence[str]


def panel_svg(panel: FigurePanel) -> str:
    """Return a panel as an element within HTML."""
    head = f'<svg viewBox="0 0 {PANEL_WIDTH} {_number(panel.height)}" role="img" aria-label={quoteattr(panel.title)}'
    return "\n".join([f'{head} font-family="{FONTS}">', *panel.elements, "</svg>"])


def sheet(panels: Sequence[FigurePanel]) -> str | None:
    """Return panels side by side as a file, None where there is none."""
    if not panels:
        return None
    rows = [panels[start : start + _NUM_ACROSS] for start in range(0, len(panels), _NUM_ACROSS)]
    parts, top = [], 0.0
    for row in rows:
        for column, panel in enumerate(row):
            place = f"{column * (PANEL_WIDTH + _GAP)} {_number(top)}"
            parts += [f'<g transform="translate({place})">', *panel.elements, "</g>"]
        top += max(panel.height for panel in row) + _GAP
    width = len(rows[0]) * (PANEL_WIDTH + _GAP) - _GAP
    size = f'width="{width}" height="{_number(top - _GAP)}" viewBox="0 0 {width} {_number(top - _GAP)}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="{FONTS}">'
    return "\n".join(['<?xml version="1.0" encoding="utf-8"?>', head, *parts, "</svg>", ""])


def wrapped(text: str, size: float = PLAIN, width: float = PANEL_WIDTH) -> list[str]:
    """Return the lines of a text that is to be no wider than `width`; a longer word is broken."""
    return textwrap.wrap(text, max(4, int(width / (_EM * size)))) or [""]


def text(
    x: float, y: float, words: str, size: float = PLAIN, *, anchor: str = "start", is_bold: bool = False,
    is_faint: bool = False, colour: str = _INK,
) -> str:  # fmt: skip
    """Return a line of text on the base line y."""
    look = (' font-weight="700"' if is_bold else "") + (' opacity=".72"' if is_faint else "")
    look += "" if anchor == "start" else f' text-anchor="{anchor}"'
    where = f'x="{_number(x)}" y="{_number(y)}" font-size="{size:g}"'
    return f'<text {where} fill="{colour}"{look}>{escape(words)}</text>'


def line(
    x1: float, y1: float, x2: float, y2: float, *, colour: str = _INK, width: float = 1, opacity: float = 1,
    dash: str = "",
) -> str:  # fmt: skip
    """Return a straight line."""
    ends = " ".join(f'{name}="{_number(value)}"' for name, value in (("x1", x1), ("y1", y1), ("x2", x2), ("y2", y2)))
    return f"<line {ends}{_stroke(colour, width, opacity, dash)}/>"


def polyline(
    points: Iterable[tuple[float, float]], *, colour: str, width: float, opacity: float = 1, dash: str = ""
) -> str:
    """Return a line through points."""
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    return f'<polyline points="{path}" fill="none"{_stroke(colour, width, opacity, dash)} stroke-linejoin="round"/>'


def rect(x: float, y: float, width: float, height: float, *, colour: str = _INK, opacity: float = 1) -> str:
    """Return a filled rectangle."""
    sides = " ".join(
        f'{name}="{_number(value)}"' for name, value in (("x", x), ("y", y), ("width", width), ("height", height))
    )
    return f'<rect {sides} fill="{colour}" opacity="{opacity:g}"/>'


def polygon(points: Iterable[tuple[float, float]], *, colour: str, is_hollow: bool = False, opacity: float = 1) -> str:
    """Return a closed shape; a hollow one has an outline of its colour."""
    path = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
    look = f'fill="none" stroke="{colour}" stroke-width="1.5"' if is_hollow else f'fill="{colour}"'
    return f'<polygon points="{path}" {look} opacity="{opacity:g}"/>'


def circle(x: float, y: float, radius: float, *, colour: str, is_hollow: bool = False, opacity: float = 1) -> str:
    """Return a disc; a hollow one has an outline of its colour."""
    look = f'fill="none" stroke="{colour}" stroke-width="1.6"' if is_hollow else f'fill="{colour}"'
    return f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{radius:g}" {look} opacity="{opacity:g}"/>'


def x_axis(scale: AxisScale, bands: Sequence[tuple[float, float]], bottom: float, name: str) -> list[str]:
    """Return grid lines in bands of (top, bottom), ticks at the bottom, and the name of the axis, 32 units in all below
    it."""
    parts = [line(scale.start, bottom, scale.end, bottom, opacity=0.35)]
    for value, words in scale.ticks(6):
        x = scale.at(value)
        parts += [line(x, above, x, below, opacity=0.13) for above, below in bands]
        half = _EM * SMALL * len(words) / 2
        parts.append(text(min(max(x, half), PANEL_WIDTH - half), bottom + 13, words, SMALL, anchor="middle"))
    return [*parts, text(scale.end, bottom + 28, name, SMALL, anchor="end", is_faint=True)]


def y_axis(scale: AxisScale, left: float, right: float) -> list[str]:
    """Return grid lines from `left` to `right`, with ticks on the left side."""
    parts = []
    for value, words in scale.ticks(5):
        y = scale.at(value)
        parts += [line(left, y, right, y, opacity=0.13), text(left - 4, y + 3.5, words, SMALL, anchor="end")]
    return parts


def y_axis_width(scale: AxisScale) -> float:
    """Return the units that the ticks of a `y_axis` take."""
    return max((len(words) for _, words in scale.ticks(5)), default=1) * _EM * SMALL + 6


def _stroke(colour: str, width: float, opacity: float, dash: str) -> str:
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    faint = "" if opacity == 1 else f' opacity="{opacity:g}"'
    return f' stroke="{colour}" stroke-width="{width:g}"{faint}{dashes}'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
