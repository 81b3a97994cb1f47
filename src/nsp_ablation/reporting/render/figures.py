"""Figures: every seed's score of every arm on every task, as SVG that is the same for the same records."""

import io
import textwrap
from collections.abc import Callable
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.analysis.tables import Score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MAX_PANELS_PER_ROW = 3
_LABEL_WIDTH = 44  # characters of a line; settings tell arms of one name apart, in a hundred characters or more
_PLAIN_LABEL = 28  # characters that 2.2 inches hold
_INK, _FAINT, _PUBLISHED = "#333333", "#9a9a9a", "#b4531f"
# Okabe and Ito's colours, which stay apart for the colour-blind, one per format in their order.
_COLOURS = ("#cc79a7", "#e69f00", "#0072b2", "#009e73", "#56b4e9", "#d55e00")
_NO_FORMAT = "#6b6b6b"
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 9.0,
    "text.parse_math": False,  # a name may hold dollar signs
    "svg.fonttype": "none",
    "svg.hashsalt": "nsp-ablation",
    "axes.edgecolor": _FAINT,
    **dict.fromkeys(("axes.labelcolor", "text.color", "xtick.color", "ytick.color"), _INK),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "axes.spines.left"), False),
}


@lru_cache(maxsize=2)  # the page shows what the files hold
def scores_figure(report: Report, are_probes: bool) -> str | None:
    """Return the figure of the zero-shot probes or of the other tasks as SVG, None where none is measured.

    It has one panel per measured column, arms from top to bottom, the untrained encoder last.
    """
    rows = report.arms
    shown = [i for i, column in enumerate(report.columns) if (column.task in report.probes) == are_probes]
    measured = [i for i in shown if any(row.scores[i].summary for row in rows)]
    if not measured:
        return None
    num_across = min(len(measured), MAX_PANELS_PER_ROW)
    num_down = -(-len(measured) // num_across)
    labels = [textwrap.fill(row.label, _LABEL_WIDTH) for row in rows]
    lines = [line for label in labels for line in label.split("\n")]
    margin = 2.2 + 0.08 * max(0, max(map(len, lines)) - _PLAIN_LABEL)
    row_height = 0.15 + 0.15 * max(1 + label.count("\n") for label in labels)

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(num_down, num_across, squeeze=False, sharey=True)
        for axes, i in zip_longest(panels.flat, measured):
            axes.tick_params(axis="y", length=0)
            if i is None:
                axes.set_axis_off()
            else:
                _draw_panel(axes, report, i)
        for axes in panels[:, 0]:
            axes.set_yticks(range(len(rows)), labels)
            axes.set_ylim(len(rows) - 0.5, -0.5)

    return svg_of((margin + 2.5 * num_across, num_down * (0.9 + row_height * len(rows))), draw)


def svg_of(inches: tuple[float, float], draw: "Callable[[Figure], None]") -> str:
    """Return what `draw` draws, in the style of all figures, as SVG without a date."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def arm_colour(arm: StudyArm) -> str:
    """Return the colour of an arm: that of its format."""
    formats = list(FORMATS)
    known = arm.condition.format in formats
    return _COLOURS[formats.index(str(arm.condition.format)) % len(_COLOURS)] if known else _NO_FORMAT


def _draw_panel(axes: "Axes", report: Report, i: int) -> None:
    """Draw column `i` of the table."""
    column, chance = report.columns[i], report.chances[i]
    axes.set_title(column.title, loc="left", fontweight="bold", fontsize=9.5)
    axes.set_xlabel(f"{column.unit}, %" if column.is_fraction else column.unit, fontsize=8)
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.7)
    axes.set_axisbelow(True)
    for y, row in enumerate(report.arms):
        assert row.arm is not None
        _draw_score(axes, column, row.scores[i], row.arm, y)
    if chance is not None and column.is_fraction:
        axes.axvline(column.scaled(chance), color=_FAINT, linestyle=(0, (4, 3)), linewidth=1.0, zorder=1)
    axes.margins(x=0.12)


def _draw_score(axes: "Axes", column: Column, score: Score, arm: StudyArm, y: int) -> None:
    """Draw all seeds as faint points, the median as a dot, the interval as a bar, the paper's number as a diamond."""
    colour = arm_colour(arm)
    if score.published is not None:
        axes.plot([column.scaled(score.published)], [y], "D", color="none", markeredgecolor=_PUBLISHED, markersize=5)
    summary = score.summary
    if summary is None:
        if score.num_failed:
            axes.text(0.02, y, "failed", transform=axes.get_yaxis_transform(), color="#b3261e", va="center")
        return
    if summary.low is not None and summary.high is not None:
        axes.plot([column.scaled(summary.low), column.scaled(summary.high)], [y, y], color=colour, linewidth=1.4)
    hollow = arm.condition.masking == "static" or arm.kind == "random"
    axes.plot(
        [column.scaled(summary.median)], [y], "o", markersize=7, color=colour, markeredgewidth=1.5,
        markerfacecolor="white" if hollow else colour, markeredgecolor=colour, zorder=3,
    )  # fmt: skip
    if len(summary.scores) > 1:
        seeds = [column.scaled(value) for value in summary.scores]
        axes.plot(seeds, [y + 0.22] * len(seeds), "|", color=colour, markersize=6)
