"""The trainings and results that a study stands on, by the keys under which dashboards show them as runs."""

from dataclasses import dataclass

from nsp_ablation.reporting.analysis.learning_curves import arm_encoders
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm


@dataclass(frozen=True)
class StudyRuns:
    """encoders: keys of the encoders of each arm that was trained here, one per pre-training seed, by seed.
    records: ids of done records."""

    encoders: dict[StudyArm, list[str]]
    records: list[str]


def study_runs(study: Study) -> StudyRuns:
    """Return the runs of a study; arms in the order of the table."""
    encoders = {arm: [*arm_encoders(study, arm)] for arm in study.scores.arms}
    done = sorted(key for key, one in study.records.items() if one.status == "done")
    return StudyRuns({arm: keys for arm, keys in encoders.items() if keys}, done)
