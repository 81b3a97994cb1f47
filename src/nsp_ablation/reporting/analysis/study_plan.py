"""What a study was planned to answer."""

from dataclasses import dataclass

from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting


@dataclass(frozen=True)
class StudyPlan:
    """The question, the smallest difference that matters (in the primary measure's unit as printed), and, where none is
    planned, that pairs are explored, or how to ask for the comparisons that the study's own runs were planned with."""

    question: str | None
    smallest_effect: float | None
    unshown: str | None


def study_plan(study: Study) -> StudyPlan:
    """Return the plan of the report's own options, and the question of the study's runs where these have none."""
    return StudyPlan(study.options.question or _question(study), study.options.smallest_effect, _unshown(study))


def _question(study: Study) -> str | None:
    """Return the question that the study's own runs were planned with, None where they have none or several."""
    own = (record.config for record in study.records.values() if record.name == study.name)
    found = {setting(config, "report.question") for config in own} - {None}
    return found.pop() if len(found) == 1 else None


def _unshown(study: Study) -> str | None:
    if study.options.comparisons:
        return None
    if study.options.explored:
        return (
            "No comparison was planned, so nothing is claimed: the pairs that are explored stand among the comparisons."
        )
    own = (record.config for record in study.records.values() if record.name == study.name)
    if not any(setting(config, "report.comparisons") for config in own):
        return None
    return (
        "No comparison is shown, so nothing is claimed here. Its runs were planned with some: "
        f"add experiment={study.name.partition('/')[0]} to the command of this report."
    )
