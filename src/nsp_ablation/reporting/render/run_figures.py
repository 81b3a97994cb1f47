"""Figures of one training or result, which dashboards show beside its curves."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 320.0, 200.0, 52.0, 34.0, 24.0
_BARS, _COLOUR = 30, "#0072b2"
Place = Callable[[float, float], tuple[float, float]]  # of values, in the drawing


def lengths_figure(tokens_at_positions: Sequence[int]) -> str:
    """Return the histogram of the lengths of a training's inputs; `tokens_at_positions` (T,): how many inputs held each
    position, from 0."""
    ending = zip(tokens_at_positions, [*tokens_at_positions[1:], 0], strict=True)
    lengths: dict[float, int] = {
        length: here - beyond for length, (here, beyond) in enumerate(ending, 1) if here > beyond
    }
    return _file([_histogram(lengths, "Lengths of inputs: inputs by real tokens")])


def scores_histogram(scores: Sequence[float], title: str, metric: str) -> str:
    """Return the histogram of the scores (N,) of a result's examples."""
    return _file([_histogram(Counter(scores), f"{title} by {metric}")])


def points_figure(values: Mapping[str, Sequence[tuple[int, float]]]) -> str:
    """Return a learning curve, a panel per metric: its values after so many real tokens."""
    return _file([_curve(f"{name} by real tokens read", found) for name, found in values.items() if found])


def _file(panels: Sequence[str]) -> str:
    height = _HEIGHT * len(panels)
    moved = [f'<g transform="translate(0 {number * _HEIGHT:g})">{panel}</g>' for number, panel in enumerate(panels)]
    size = f'width="{_WIDTH:g}" height="{height:g}" viewBox="0 0 {_WIDTH:g} {height:g}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="10.5">'
    return "\n".join([head, *moved, "</svg>", ""])


def _curve(title: str, found: Sequence[tuple[int, float]]) -> str:
    def draw(place: Place) -> list[str]:
        places = [place(tokens, value) for tokens, value in found]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        dots = [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{_COLOUR}"/>' for x, y in places]
        return [f'<polyline points="{path}" fill="none" stroke="{_COLOUR}"/>', *dots]

    return _panel(title, [tokens for tokens, _ in found], [value for _, value in found], draw)


def _histogram(counts: Mapping[float, int], title: str) -> str:
    """Return the panel of values and how often each is there."""
    low, high = min(counts), max(counts)
    width = (high - low) / _BARS or 1.0
    heights: Counter[int] = Counter()
    for value, number in counts.items():
        heights[min(_BARS - 1, int((value - low) / width))] += number

    def draw(place: Place) -> list[str]:
        bars = []
        for bar, height in sorted(heights.items()):
            (left, top), (right, bottom) = place(low + bar * width, height), place(low + (bar + 1) * width, 0)
            size = f'width="{max(0.5, right - left - 0.5):.1f}" height="{bottom - top:.1f}"'
            bars.append(f'<rect x="{left:.1f}" y="{top:.1f}" {size} fill="{_COLOUR}"/>')
        return bars

    return _panel(title, [low, low + (max(heights) + 1) * width], [0, max(heights.values())], draw)


def _panel(title: str, xs: Sequence[float], ys: Sequence[float], draw: Callable[[Place], list[str]]) -> str:
    """Return a panel with its title and the ends of both axes."""
    (left, right), (low, high) = (min(xs), max(xs)), (min(ys), max(ys))

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - left) / ((right - left) or 1.0)
        up = (y - low) / ((high - low) or 1.0)
        return _LEFT + across * (_WIDTH - _LEFT - 8), _HEIGHT - _BOTTOM - up * (_HEIGHT - _BOTTOM - _TOP)

    base = _HEIGHT - _BOTTOM
    texts = [
        (0.0, 14.0, "start", title),
        *((_LEFT - 4, base + 3.5, "end", f"{low:.6g}"), (_LEFT - 4, _TOP + 3.5, "end", f"{high:.6g}")),
        *((_LEFT, base + 14, "start", f"{left:,.6g}"), (_WIDTH - 8, base + 14, "end", f"{right:,.6g}")),
    ]
    shown = [
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="currentColor">{escape(words)}</text>'
        for x, y, anchor, words in texts
    ]
    axis = f'<line x1="{_LEFT:g}" y1="{base:g}" x2="{_WIDTH - 8:g}" y2="{base:g}" stroke="currentColor" opacity=".4"/>'
    return "\n".join([*shown, axis, *draw(place)])
