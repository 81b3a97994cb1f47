"""Figures: every seed's score of every arm on every task, as SVG that is the same for the same records."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column, is_fraction
from nsp_ablation.reporting.analysis.published import published_row
from nsp_ablation.reporting.analysis.statistics import summarize
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import Arm

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RECALL_TASK = "in_context_recall"
_MAX_PANELS_A_ROW = 3
_INK, _FAINT, _PUBLISHED = "#333333", "#9a9a9a", "#b4531f"
# Okabe and Ito's colours, which stay apart for the colour-blind.
_COLOURS = {"segment_pair": "#cc79a7", "sentence_pair": "#e69f00", "full": "#0072b2", "doc": "#009e73"}
_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Helvetica", "Arial"],
    "font.size": 9.0,
    "svg.fonttype": "none",
    "svg.hashsalt": "nsp-ablation",
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
}


def figures(study: Study) -> dict[str, str]:
    """Return {name: SVG text}: `scores` for the tasks, `recall` for in-context recall; none where nothing is done."""
    measured = [column for column in study.columns if _is_measured(study, column)]
    groups = {
        "scores": [column for column in measured if column.task != RECALL_TASK],
        "recall": [column for column in measured if column.task == RECALL_TASK],
    }
    return {name: _dot_plot(study, columns) for name, columns in groups.items() if columns}


def _is_measured(study: Study, column: Column) -> bool:
    return any(pool.task == column.task and pool.by_seed(column.metric) for pool in study.scores.pools.values())


def _dot_plot(study: Study, columns: list[Column]) -> str:
    """Return one panel a column, arms from top to bottom, the untrained encoder last."""
    import matplotlib
    from matplotlib.figure import Figure

    arms = study.scores.arms
    num_across = min(len(columns), _MAX_PANELS_A_ROW)
    num_down = -(-len(columns) // num_across)
    with matplotlib.rc_context(_STYLE):
        height = num_down * (0.9 + 0.3 * len(arms))
        figure = Figure(figsize=(2.2 + 2.5 * num_across, height), layout="constrained")
        panels = figure.subplots(num_down, num_across, squeeze=False, sharey=True)
        for number, axes in enumerate(panels.flat):
            if number < len(columns):
                _draw_panel(axes, study, columns[number], arms)
            else:
                axes.set_axis_off()
        _label_rows(panels, study, arms)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _label_rows(panels: Any, study: Study, arms: list[Arm]) -> None:
    for axes in panels[:, 0]:
        axes.set_yticks(range(len(arms)), [study.labels[arm] for arm in arms])
        axes.set_ylim(len(arms) - 0.5, -0.5)
    for axes in panels.flat:
        axes.tick_params(axis="y", length=0)


def _draw_panel(axes: "Axes", study: Study, column: Column, arms: list[Arm]) -> None:
    axes.set_title(column.title, loc="left", fontweight="bold", fontsize=9.5)
    axes.set_xlabel(f"{column.unit}, %" if is_fraction(column.metric) else column.unit, fontsize=8)
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.7)
    axes.set_axisbelow(True)
    for place, arm in enumerate(arms):
        _draw_arm(axes, study, column, arm, place)
    chances = [
        pool.records[0].chance for pool in study.scores.pools.values() if pool.task == column.task and pool.records
    ]
    if chances and chances[0] is not None and is_fraction(column.metric):
        axes.axvline(column.scaled(chances[0]), color=_FAINT, linestyle=(0, (4, 3)), linewidth=1.0, zorder=1)
    axes.margins(x=0.12)


def _draw_arm(axes: "Axes", study: Study, column: Column, arm: Arm, place: int) -> None:
    """Draw all seeds as faint points, the median as a dot, the interval as a bar, the paper's number as a diamond."""
    pool = study.scores.pools.get((arm, column.task))
    scores = pool.seed_scores(column.metric) if pool else np.empty(0)
    colour = _COLOURS.get(arm.condition.format or "", "#6b6b6b")
    row = published_row(study.published, arm)
    published = row.score(column.task, column.metric) if row else None
    if published is not None:
        axes.plot([column.scaled(published)], [place], "D", color="none", markeredgecolor=_PUBLISHED, markersize=5)
    if len(scores) == 0:
        if pool is not None and pool.num_failed:
            axes.text(0.02, place, "failed", transform=axes.get_yaxis_transform(), color="#b3261e", va="center")
        return
    summary = summarize(scores)
    if summary.low is not None and summary.high is not None:
        axes.plot(
            [column.scaled(summary.low), column.scaled(summary.high)], [place, place], color=colour, linewidth=1.4
        )
    hollow = arm.condition.masking == "static" or arm.kind == "random"
    axes.plot(
        [column.scaled(summary.median)], [place], "o", markersize=7, color=colour, markeredgewidth=1.5,
        markerfacecolor="white" if hollow else colour, markeredgecolor=colour, zorder=3,
    )  # fmt: skip
    if len(scores) > 1:
        axes.plot(
            [column.scaled(score) for score in scores], [place + 0.22] * len(scores), "|", color=colour, markersize=6
        )
