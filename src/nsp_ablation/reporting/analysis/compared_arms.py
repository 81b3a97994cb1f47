"""Which arms a planned comparison means."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from nsp_ablation.options.output_options import ComparisonOptions
from nsp_ablation.options.planned_pairs import NamedArm, called, compared_pairs, other_names
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, science_of


@dataclass(frozen=True)
class ComparedArms:
    """Two sides by their names, and their arms, None where the study lacks one."""

    names: tuple[str, str]
    arms: tuple[StudyArm, StudyArm] | None


def arms_compared(study: Study, plan: ComparisonOptions) -> list[ComparedArms]:
    """Return the pairs of arms that two names stand for (`compared_pairs`); without any the names stand alone.

    They are called by their labels where a name stands for several arms.
    """
    arms, names = study.scores.arms, (plan.a, plan.b)
    named = [_named(study, arm) for arm in arms]
    pairs = [(arms[x], arms[y]) for x, y in compared_pairs(plan, named)]
    is_clear = all(len(called(name, named)) == 1 for name in names)
    shown = [names if is_clear else (study.labels[x], study.labels[y]) for x, y in pairs]
    found = [ComparedArms(_with_seeds(both, plan), pair) for both, pair in zip(shown, pairs, strict=True)]
    return found or [ComparedArms(_with_seeds(names, plan), None)]


def arms_called(study: Study, names: Sequence[str]) -> list[list[StudyArm]]:
    """Return the arms that each name stands for, as in a comparison."""
    arms = study.scores.arms
    named = [_named(study, arm) for arm in arms]
    return [[arms[number] for number in called(name, named)] for name in names]


def _with_seeds(names: tuple[str, str], plan: ComparisonOptions) -> tuple[str, str]:
    """Return the names, with the seeds of each side where the plan names them."""
    if not plan.seeds_a:
        return names
    seeds = [" ".join(map(str, each)) for each in (plan.seeds_a, plan.seeds_b)]
    return f"{names[0]} (seeds {seeds[0]})", f"{names[1]} (seeds {seeds[1]})"


def _named(study: Study, arm: StudyArm) -> NamedArm:
    """Return what an arm is called, also one of which every run failed.

    An untrained encoder is no arm of the condition, nor of the tokenizer, of the cell that made it.
    """
    records, condition = study.of_arm(arm), asdict(arm.condition)
    settings = science_of(records[0].config, study.not_science | {"seed"}) if records else {}
    if arm.kind != "trained":
        return NamedArm(frozenset(), frozenset((arm.encoder, arm.kind)), condition, settings)
    names = {arm.condition.name, *(record.condition.name for record in records)}
    return NamedArm(frozenset(names), other_names(condition), condition, settings)
