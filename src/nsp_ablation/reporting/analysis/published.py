"""The paper's tables 1 and 2 (Liu et al. 2019, development sets, percent) as data."""

from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.reporting.analysis.study_arms import Arm

# The paper states medians over five random initialisations for both tables.
SOURCE = "Liu et al. 2019 (arXiv 1907.11692)"
METRICS = {"squad1": "f1", "squad2": "f1", "mnli": "accuracy", "sst2": "accuracy", "race": "accuracy"}
PAPER_STATIC_COPIES = 10


@dataclass(frozen=True)
class PublishedRow:
    """One row of a published table. `scores` maps tasks to percent; what the paper leaves empty is missing.

    `format` to `copies` say which trained arm it describes; `encoder` names the hub's encoder that it describes.
    """

    label: str
    scores: dict[str, float]
    format: str | None = None
    objective: str | None = None
    masking: str | None = None
    copies: int | None = None
    encoder: str | None = None

    def describes(self, arm: Arm) -> bool:
        """Say whether this row is the published counterpart of an arm."""
        if arm.kind == "trained":
            condition = arm.condition
            ours = (condition.format, condition.objective, condition.masking, condition.copies)
            return self.format is not None and ours == (self.format, self.objective, self.masking, self.copies)
        return arm.kind == "external" and self.encoder is not None and Path(arm.encoder or "").name == self.encoder

    def score(self, task: str, metric: str) -> float | None:
        """Return the published score as a fraction, None where there is none."""
        value = self.scores.get(task) if METRICS.get(task) == metric else None
        return None if value is None else value / 100


def _scores(*values: float | None) -> dict[str, float]:
    return {task: value for task, value in zip(METRICS, values, strict=True) if value is not None}


# Table 1 was run with SEGMENT-PAIR and NSP: its dynamic row equals table 2's first.
TABLE_1 = (
    PublishedRow("BERT_BASE (reference)", _scores(None, 76.3, 84.3, 92.8, None), encoder="bert-base-uncased"),
    PublishedRow(
        "static ×10", _scores(None, 78.3, 84.3, 92.5, None), "segment_pair", "mlm_nsp", "static", PAPER_STATIC_COPIES
    ),
    PublishedRow("dynamic", _scores(None, 78.7, 84.0, 92.9, None), "segment_pair", "mlm_nsp", "dynamic"),
)
TABLE_2 = (
    PublishedRow("SEGMENT-PAIR + NSP", _scores(90.4, 78.7, 84.0, 92.9, 64.2), "segment_pair", "mlm_nsp", "dynamic"),
    PublishedRow("SENTENCE-PAIR + NSP", _scores(88.7, 76.2, 82.9, 92.1, 63.0), "sentence_pair", "mlm_nsp", "dynamic"),
    PublishedRow("FULL-SENTENCES", _scores(90.4, 79.1, 84.7, 92.5, 64.8), "full", "mlm", "dynamic"),
    PublishedRow("DOC-SENTENCES", _scores(90.6, 79.7, 84.7, 92.7, 65.6), "doc", "mlm", "dynamic"),
    PublishedRow("BERT_BASE", _scores(88.5, 76.3, 84.3, 92.8, 64.3), encoder="bert-base-uncased"),
    PublishedRow("XLNet_BASE (K = 7)", _scores(None, 81.3, 85.8, 92.7, 66.1)),
    PublishedRow("XLNet_BASE (K = 6)", _scores(None, 81.0, 85.6, 93.4, 66.7)),
)
TABLES = {"table1": TABLE_1, "table2": TABLE_2}


def choose_table(arms: list[Arm]) -> str:
    """Return `table1` where trained arms differ in masking and share format and objective, else `table2`."""
    conditions = [arm.condition for arm in arms if arm.kind == "trained"]
    inputs = {(condition.format, condition.objective) for condition in conditions}
    masks = {(condition.masking, condition.copies) for condition in conditions}
    return "table1" if len(inputs) == 1 and len(masks) > 1 else "table2"


def table_to_show(arms: list[Arm], tasks: list[str], asked: str | None) -> str | None:
    """Return the published table that stands beside these arms and tasks, None for none.

    `asked` is `table1`, `table2`, `none`, or None to choose. Nothing published stands beside the micro-world, beside
    nothing, or unasked beside tasks that the paper does not have.
    """
    if asked is None and not set(tasks) & set(METRICS):
        return None
    if asked == "none" or not arms or any(arm.condition.corpus == "microworld" for arm in arms):
        return None
    return asked or choose_table(arms)


def published_row(table: str | None, arm: Arm) -> PublishedRow | None:
    """Return the row of a published table that describes an arm, None if there is none."""
    return next((row for row in TABLES.get(table or "", ()) if row.describes(arm)), None)
