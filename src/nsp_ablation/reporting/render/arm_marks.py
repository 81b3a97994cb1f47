"""How each arm is drawn in every figure of a report: a colour for its format, a line and a shape among those of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.render.svg_panel import PLAIN, FigurePanel, circle, line, polygon, text, wrapped

# Okabe and Ito's colours, which stay apart for the colour-blind, one per format in their order; and, on a dark ground,
# lighter ones of the same hue.
COLOURS = ("#cc79a7", "#e69f00", "#0072b2", "#009e73", "#56b4e9", "#d55e00")
NO_FORMAT, PUBLISHED, FAILED = "#6b6b6b", "#b4531f", "#b3261e"
ON_DARK = dict(zip(COLOURS, ("#dd9cc0", "#f0b429", "#5aaeea", "#35c59b", "#8ccbf2", "#ff8a3d"), strict=True))
ON_DARK |= {NO_FORMAT: "#a9b1ba", PUBLISHED: "#e59a6c", FAILED: "#ff8a80"}
_DASHES = ("", "6 3", "1.5 2.5", "7 2.5 1.5 2.5")
_NUM_SHAPES = 4


@dataclass(frozen=True)
class ArmMark:
    """An arm's colour, the dashes of its line, and the number of its shape; hollow: static masks or untrained."""

    colour: str
    dash: str
    shape: int
    is_hollow: bool

    def point(self, x: float, y: float, radius: float = 4, opacity: float = 1) -> str:
        """Return the arm's shape round a point."""
        look: dict[str, Any] = {"colour": self.colour, "is_hollow": self.is_hollow, "opacity": opacity}
        r = radius * 1.15
        if self.shape == 1:
            corners = [(x - r * 0.85, y - r * 0.85), (x + r * 0.85, y - r * 0.85), (x + r * 0.85, y + r * 0.85)]
            return polygon([*corners, (x - r * 0.85, y + r * 0.85)], **look)
        if self.shape == 2:
            return polygon([(x, y - r * 1.1), (x + r, y + r * 0.8), (x - r, y + r * 0.8)], **look)
        if self.shape == 3:
            return polygon([(x, y - r * 1.2), (x + r * 1.2, y), (x, y + r * 1.2), (x - r * 1.2, y)], **look)
        return circle(x, y, radius, **look)


def arm_marks(arms: Iterable[StudyArm]) -> dict[StudyArm, ArmMark]:
    """Return the mark of each arm, given all arms of a report in their order."""
    numbers: Counter[str] = Counter()
    marks = {}
    for arm in arms:
        colour = _colour(arm)
        number = numbers[colour]
        numbers[colour] += 1
        is_hollow = arm.condition.masking == "static" or arm.kind == "random"
        marks[arm] = ArmMark(colour, _DASHES[number % len(_DASHES)], number % _NUM_SHAPES, is_hollow)
    return marks


def legend(labels: dict[StudyArm, str], marks: dict[StudyArm, ArmMark]) -> FigurePanel:
    """Return a panel that names the arms of `labels` beside their marks."""
    parts, y = [], 4.0
    for arm, label in labels.items():
        mark = marks[arm]
        parts += [line(2, y + 7, 30, y + 7, colour=mark.colour, width=2, dash=mark.dash), mark.point(16, y + 7, 3.5)]
        for words in wrapped(label, PLAIN, 280):
            parts.append(text(38, y + 11, words))
            y += 14
        y += 4
    return FigurePanel("Legend: " + "; ".join(labels.values()), y, parts)


def _colour(arm: StudyArm) -> str:
    formats = list(FORMATS)
    known = arm.condition.format in formats
    return COLOURS[formats.index(str(arm.condition.format)) % len(COLOURS)] if known else NO_FORMAT
