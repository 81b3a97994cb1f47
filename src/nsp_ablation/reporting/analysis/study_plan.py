"""What a study was planned to answer."""

from dataclasses import dataclass

from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import setting


@dataclass(frozen=True)
class StudyPlan:
    """The question, the smallest difference that matters (in the primary measure's unit as printed), and, where the
    runs were planned with comparisons that this report was not asked for, how to ask for them."""

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
    planned = any(setting(record.config, "report.comparisons") for record in study.records.values())
    if study.options.comparisons or not planned:
        return None
    return (
        "No comparison is shown, so nothing is claimed here. Its runs were planned with some: "
        f"add experiment={study.name.partition('/')[0]} to the command of this report."
    )
