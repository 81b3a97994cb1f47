"""Histograms of the data cards: how long each arm's inputs are, and how many tokens its updates take."""

from dataclasses import dataclass
from typing import Any

from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm

_LINES = {"input_lengths": "Lengths of inputs", "update_sizes": "Sizes of updates"}


@dataclass(frozen=True)
class Histogram:
    """`counts` (K) of what lies in [edge, next edge) of `edges` (K + 1), in tokens, and the mean."""

    edges: list[float]
    counts: list[int]
    mean: float


@dataclass(frozen=True, eq=False)
class HistogramPanel:
    """One kind of size, of every arm whose card has it."""

    title: str
    arms: dict[StudyArm, Histogram]


def size_histograms(study: Study) -> list[HistogramPanel]:
    """Return a panel per kind of size that some arm's card (`Study.cards`) has; those of older versions have none."""
    values = {arm: {line.name: line.value for line in card.lines} for arm, card in study.cards.items()}
    panels = [
        HistogramPanel(title, {arm: _histogram(lines[name]) for arm, lines in values.items() if name in lines})
        for name, title in _LINES.items()
    ]
    return [panel for panel in panels if panel.arms]


def _histogram(value: dict[str, Any]) -> Histogram:
    return Histogram(value["edges"], value["counts"], value["mean"])
