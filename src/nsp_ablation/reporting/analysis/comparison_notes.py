"""What stands below the comparisons: how they are made, how many tests there are, and what they do not say."""

from collections.abc import Sequence

from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.score_basis import unequal_starts
from nsp_ablation.reporting.analysis.study import Study

CONTRAST_NOTE = (
    "Weighted sums of arms, seed by seed, their intervals as those of differences. p (Holm) is corrected as if each "
    "belonged to the planned comparisons, whose own tests stay as they are; what is told is the sign."
)
_PAIRED = (
    "Pairs are of equal pre-training seeds, so of equal initial weights, tokenizer and held-out documents; the order "
    "of the text differs, since each format shuffles its own samples."
)


def planned_note(study: Study, comparisons: Sequence[Comparison]) -> str:
    """Return the sentences below the planned family, nothing where there is none."""
    family = [one for one in comparisons if one.is_primary]
    if not family:
        return ""
    column, options = family[0].column, study.options
    count = len(family) + sum(one.margin is not None for one in family)
    sentences = [
        f"Planned on {column.measure}: {count} test{'s' if count > 1 else ''}, Holm's correction over all of "
        "them (p < .05 is told); simultaneous intervals by Bonferroni for as many. “Above” is the higher number"
        f"{', which is the worse one' if column.is_lower_better else ''}.",
    ]
    if all(one.result.difference is None for one in family):
        sentences.append(f"No planned pair has results on {column.measure}, so nothing is told.")
    if options.margin is not None and any(one.margin is not None for one in family):
        sentences.append(f"Equal is within {options.margin:g} {column.difference_unit}: two one-sided tests.")
    if options.smallest_effect is not None:
        sentences.append(
            "Seeds needed (range by the pilot's own uncertainty): for "
            f"{options.smallest_effect:g} {column.difference_unit} with power .8 at the level .05 / tests."
        )
    sentences += _pairing(study, family)
    if any(one.result.num_seeds == 1 for one in family):
        sentences.append("One seed has an interval over examples alone: nothing is told of other seeds.")
    return " ".join(sentences)


def exploratory_note(study: Study) -> str:
    """Return the sentences below the exploratory comparisons."""
    planned, explored = study.options.comparisons, study.options.explored
    of_plan = ["the planned pairs on every other measure"] if planned or not explored else []
    beside = ["pairs that were not planned, on every measure"] if explored else []
    return (
        f"Exploratory: {', and '.join(of_plan + beside)}. p is not corrected, there is no verdict, and of twenty such "
        "rows one is expected below .05 without any effect. The multi-bootstrap (Sellam et al. 2022) is a check, too "
        "narrow with few seeds."
    )


def _pairing(study: Study, family: Sequence[Comparison]) -> list[str]:
    """Say what paired runs have in common, and of arms that begin apart what they have not."""
    sentences = []
    for one in family:
        if one.result.is_paired and one.arms is not None and one.result.difference is not None:
            a, b = (study.of_arm(arm) for arm in one.arms)
            apart = unequal_starts(a[0].config, b[0].config, study.not_science) if a and b else []
            apart_text = f"{one.a} and {one.b} are paired by seed, but begin apart: {'; '.join(apart)}."
            sentences.append(apart_text if apart else _PAIRED)
    return list(dict.fromkeys(sentences))
