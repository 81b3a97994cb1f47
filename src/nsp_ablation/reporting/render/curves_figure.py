"""The figure of learning curves: what held-out documents show after so many real tokens, by arm and seed."""

from collections import Counter
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from nsp_ablation.reporting.analysis.learning_curves import CurvePanel
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.figures import MAX_PANELS_PER_ROW, arm_colour, svg_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MEAN = 3  # drawn above the seeds
_LINES = ("-", "--", ":", "-.")  # arms of one format, in the order of the table


@lru_cache(maxsize=1)  # the page shows what the file holds
def curves_figure(report: Report) -> str | None:
    """Return the figure as SVG, None where no curve was measured: a panel per metric, seeds thin, their mean thick."""
    panels = report.curves
    if not panels:
        return None
    num_across = min(len(panels), MAX_PANELS_PER_ROW)
    num_down = -(-len(panels) // num_across)
    num_arms = len({arm for panel in panels for arm in panel.arms})

    def draw(figure: "Figure") -> None:
        for axes, panel in zip_longest(figure.subplots(num_down, num_across, squeeze=False).flat, panels):
            if panel is None:
                axes.set_axis_off()
            else:
                _draw_panel(axes, panel)
        lines = [line for axes in figure.axes for line in axes.get_lines() if line.get_zorder() == _MEAN]
        handles = {str(line.get_label()): line for line in lines}
        where: dict[str, Any] = {"loc": "outside lower left", "frameon": False, "ncols": 2, "fontsize": 8}
        figure.legend([*handles.values()], [*handles], **where)

    return svg_of((0.6 + 3.0 * num_across, 2.4 * num_down + 0.2 * (num_arms + 1) // 2 + 0.2), draw)


def _draw_panel(axes: "Axes", panel: CurvePanel) -> None:
    axes.set_title(panel.title, loc="left", fontweight="bold", fontsize=9.5)
    axes.set_xlabel("million real tokens", fontsize=8)
    axes.set_ylabel(panel.unit, fontsize=8)
    axes.grid(color="#e3e3e3", linewidth=0.7)
    axes.set_axisbelow(True)
    numbers: Counter[str] = Counter()
    for arm, lines in panel.arms.items():
        colour = arm_colour(arm)
        style = _LINES[numbers[colour] % len(_LINES)]
        numbers[colour] += 1
        for seed in lines.seeds:
            axes.plot(seed.tokens / 1e6, seed.values, style, color=colour, linewidth=0.6, alpha=0.6)
        if lines.mean is not None:
            mean = lines.mean
            axes.plot(mean.tokens / 1e6, mean.values, style, color=colour, linewidth=2, label=lines.label, zorder=_MEAN)
