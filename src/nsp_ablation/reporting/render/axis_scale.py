"""The scale of an axis: linear, or logarithmic where values of several orders of magnitude stand together."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

LOG_RATIO = 30.0  # largest to smallest value from which an axis of positive values is logarithmic
_MANTISSAS = ((1,), (1, 3), (1, 2, 5))
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class AxisScale:
    """Values from `low` to `high`, drawn between the positions `start` and `end` (units of the drawing)."""

    low: float
    high: float
    is_log: bool
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the position of a value; one outside the axis is drawn at its end."""
        low, high, inside = self.low, self.high, min(max(value, self.low), self.high)
        if self.is_log:
            low, high, inside = log10(low), log10(high), log10(inside)
        return self.start + (self.end - self.start) * (inside - low) / (high - low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """Return at most `most` round values within the axis, ascending, each as it is written."""
        found = self._log_ticks(most) if self.is_log else []
        return [(value, _compact(value)) for value in found] if len(found) > 1 else self._linear_ticks(most)

    def _log_ticks(self, most: int) -> list[float]:
        exponents = range(floor(log10(self.low)), ceil(log10(self.high)) + 1)
        sets = [
            [one * 10.0**power for power in exponents for one in ones if self.low <= one * 10.0**power <= self.high]
            for ones in _MANTISSAS
        ]
        fitting = [values for values in sets if len(values) <= most]
        if fitting:
            return fitting[-1]
        stride = -(-len(sets[0]) // most)
        return sets[0][::stride]

    def _linear_ticks(self, most: int) -> list[tuple[float, str]]:
        span = self.high - self.low
        power = 10.0 ** floor(log10(span / most))
        step = next((one * power for one in _STEPS if span / (one * power) <= most - 1), 10 * power)
        decimals = len(f"{step:.12f}".rstrip("0").partition(".")[2])
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        values = [number * step for number in range(first, last + 1)]
        return [(value, f"{value + 0.0:,.{decimals}f}".replace("-", "−")) for value in values]


def scale_of(
    points: Iterable[float],
    ends: Iterable[float],
    positions: tuple[float, float],
    *,
    reach: float = 1.0,
    bounds: tuple[float, float] = (float("-inf"), float("inf")),
    may_be_log: bool = True,
) -> AxisScale:
    """Return an axis that holds all points, and of the ends of intervals those within `reach` times the points' span.

    An interval of two seeds may be a hundred times as long as the scores are apart: its ends are then drawn as cut. No
    axis leaves `bounds`, unless a point does. Values that are no finite numbers count for nothing. An axis that
    `may_be_log` is one where the largest point is more than LOG_RATIO times the smallest, and all are positive.
    """
    values = [value for value in points if isfinite(value)] or [0.0]
    low, high = min(values), max(values)
    outer = [value for value in ends if isfinite(value)]
    if may_be_log and low > 0 and high / low > LOG_RATIO:
        allowed = [value for value in outer if low / 10**reach <= value <= high * 10**reach]
        low, high = min([low, *allowed]) / 1.15, max([high, *allowed]) * 1.15
        return AxisScale(low, high, True, *positions)
    span = (high - low) or abs(high) * 0.2 or 1.0
    least, most = min(low, bounds[0]), max(high, bounds[1])
    allowed = [min(max(value, low - reach * span), high + reach * span) for value in outer]
    low, high = min([low, *allowed]), max([high, *allowed])
    pad = 0.06 * ((high - low) or span)
    low, high = max(low - pad, least), min(high + pad, most)
    return AxisScale(low, high if high > low else low + span, False, *positions)


def _compact(value: float) -> str:
    """Return a tick of a logarithmic axis: .01, 20, 500, 10k, 2M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size * 0.999:
            return f"{value / (1e3 if letter == 'k' else size):g}{letter}"
    return f"{value:,g}" if value >= 1 else f"{value:g}"
