"""Whether an effect of the format holds in the pair layout, too: else it is not claimed (fidelity row 18)."""

from dataclasses import dataclass

from nsp_ablation.options.probe_options import LAYOUTS, measured_name
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.differences import difference
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm

_LAYOUT = "pair"
_TITLE = LAYOUTS[_LAYOUT].title
# metrics in the pair layout (in range of every arm where that was measured), and what they are
_METRICS = (
    ((f"mlm_loss_{measured_name(_LAYOUT, '')}",), f"held-out MLM loss in the {_TITLE} layout"),
    ((f"recall_gain_{_LAYOUT}_in_range", f"recall_gain_{_LAYOUT}"), f"recall gain in the {_TITLE} layout"),
)


@dataclass(frozen=True)
class LayoutSign:
    """a - b in one measure of the pair layout, and whether it says of the same arm that it is the better one."""

    name: str
    column: Column
    difference: float
    agrees: bool


def layout_signs(study: Study, arms: tuple[StudyArm, StudyArm], better: StudyArm) -> tuple[LayoutSign, ...]:
    """Return every measure of the pair layout that both arms have, over the pre-training seeds that both have."""
    found = []
    for metrics, name in _METRICS:
        for task, metric in ((task, metric) for metric in metrics for task in study.scores.tasks):
            column = Column(task, metric, name)
            value = difference(study, arms, column).difference
            if value is not None:
                a_is_better = (value < 0) == column.is_lower_better and value != 0
                found.append(LayoutSign(name, column, value, value != 0 and a_is_better == (better == arms[0])))
                break
    return tuple(found)
