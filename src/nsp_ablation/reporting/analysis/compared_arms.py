"""Which arms a planned comparison means."""

from dataclasses import asdict, dataclass

from nsp_ablation.options.output_options import ComparisonOptions
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm, masking_name


@dataclass(frozen=True)
class ComparedArms:
    """Two sides by their names, and their arms, None where the study lacks one."""

    names: tuple[str, str]
    arms: tuple[StudyArm, StudyArm] | None


def arms_compared(study: Study, plan: ComparisonOptions) -> list[ComparedArms]:
    """Return the pairs of arms that two names stand for: of all, those that differ in the fewest settings.

    So `full` and `doc` in a sweep over formats and maskings are compared under each masking, never across. Two sides
    that name their seeds may be of one arm. Without such a pair the names stand alone.
    """
    names, by_seeds = (plan.a, plan.b), bool(plan.seeds_a)
    pairs = [(x, y) for x in _named(study, plan.a) for y in _named(study, plan.b) if x != y or by_seeds]
    fewest = min((_num_differences(x, y) for x, y in pairs), default=0)
    pairs = [(x, y) for x, y in pairs if _num_differences(x, y) == fewest]
    shown = [names if len(pairs) == 1 else (study.labels[x], study.labels[y]) for x, y in pairs]
    found = [ComparedArms(_with_seeds(both, plan), pair) for both, pair in zip(shown, pairs, strict=True)]
    return found or [ComparedArms(_with_seeds(names, plan), None)]


def _with_seeds(names: tuple[str, str], plan: ComparisonOptions) -> tuple[str, str]:
    """Return the names, with the seeds of each side where the plan names them."""
    if not plan.seeds_a:
        return names
    seeds = [" ".join(map(str, each)) for each in (plan.seeds_a, plan.seeds_b)]
    return f"{names[0]} (seeds {seeds[0]})", f"{names[1]} (seeds {seeds[1]})"


def _num_differences(a: StudyArm, b: StudyArm) -> int:
    ours, theirs = asdict(a.condition), asdict(b.condition)
    return sum(ours[name] != theirs[name] for name in ours if name != "name")


def _named(study: Study, name: str) -> list[StudyArm]:
    """Return the arms of a name: that of a condition, else of a format, a masking, a tokenizer, an encoder, a kind."""
    arms = study.scores.arms
    by_condition = [arm for arm in arms if any(record.condition.name == name for record in study.of_arm(arm))]
    return by_condition or [arm for arm in arms if name in _names(arm)]


def _names(arm: StudyArm) -> set[str | None]:
    masking = (masking_name(arm.condition) or "").replace(" ×", "_x")
    return {arm.condition.format, arm.condition.masking, masking, arm.condition.tokenizer, arm.encoder, arm.kind}
