"""When each run left the plateau of unigram frequencies, and learning curves aligned at that moment.

A secondary analysis: an arm whose runs leave the plateau late is behind at any number of tokens, whatever its format
does afterwards. Aligned there, curves compare what runs learn once they read their context.
"""

from collections.abc import Sequence
from dataclasses import replace

from nsp_ablation.reporting.analysis.learning_curves import ArmCurves, CurvePanel, Curves, arm_encoders, learning_curves
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.records.training_facts import PlateauFacts

_ALIGNED = "aligned at the end of the plateau"  # of a panel, whose axis is of tokens since then


def exits_of(study: Study, arm: StudyArm) -> list[PlateauFacts]:
    """Return what the records of an arm say of its runs' plateaus, by seed; a run that says nothing is left out."""
    return [facts.plateau for facts in arm_encoders(study, arm).values() if facts and facts.plateau]


def exit_text(exits: Sequence[PlateauFacts]) -> str:
    """Return after how many million tokens runs left the plateau: "2.71", "2.71–3.10 (1 of 5 never)", "never"."""
    tokens = sorted(plateau.tokens / 1e6 for plateau in exits if plateau.tokens is not None)
    if not exits:
        return "–"
    if not tokens:
        return "never" if len(exits) == 1 else f"never ({len(exits)} of {len(exits)})"
    low, high = f"{tokens[0]:.2f}", f"{tokens[-1]:.2f}"
    never = len(exits) - len(tokens)
    return (low if low == high else f"{low}–{high}") + (f" ({never} of {len(exits)} never)" if never else "")


def exit_sentences(study: Study) -> list[str]:
    """Return the sentence of the caption that says when arms left the plateau; none, where no record tells."""
    exits = {arm: found for arm in study.scores.arms if (found := exits_of(study, arm))}
    if not exits:
        return []
    texts = "; ".join(f"{study.labels[arm]} {exit_text(found)}" for arm, found in exits.items())
    return [
        f"Plateau of unigram frequencies left for good after M tokens (smoothed MLM loss in training): {texts}. "
        "Until then a run is behind whatever its format is."
    ]


def aligned_curves(study: Study, curves: Curves) -> list[CurvePanel]:
    """Return the panels of `learning_curves` of these curves with tokens counted from where each run left the plateau.

    Runs that never left it, or of which that is not known, have no line; the label of an arm says of how many runs its
    lines are where it is not of all. No panel where fewer than two arms have a line: there is nothing to compare.
    """
    tokens = {arm: _exit_tokens(study, arm) for arm in study.scores.arms}
    starts = {key: value for found in tokens.values() for key, value in found.items() if value is not None}
    moved = {key: [replace(one, tokens=one.tokens - start) for one in curves[key]] for key, start in starts.items()}
    panels = learning_curves(study, moved)
    return [_labelled(panel, tokens) for panel in panels if len(panel.arms) > 1]


def _labelled(panel: CurvePanel, tokens: dict[StudyArm, dict[str, int | None]]) -> CurvePanel:
    arms = {arm: _named(lines, tokens[arm]) for arm, lines in panel.arms.items()}
    return replace(panel, title=f"{panel.title}, {_ALIGNED}", arms=arms)


def _exit_tokens(study: Study, arm: StudyArm) -> dict[str, int | None]:
    """Return by encoder's key after how many tokens it left the plateau, None where that never was or is not known."""
    plateaus = {key: facts.plateau if facts else None for key, facts in arm_encoders(study, arm).items()}
    return {key: plateau.tokens if plateau else None for key, plateau in plateaus.items()}


def _named(lines: ArmCurves, tokens: dict[str, int | None]) -> ArmCurves:
    left = sum(value is not None for value in tokens.values())
    return lines if left == len(tokens) else replace(lines, label=f"{lines.label} ({left} of {len(tokens)} seeds)")
