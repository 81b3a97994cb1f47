"""Arms: the rows of a table, in the paper's order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.records.record import Condition, ResultRecord

KINDS = ("trained", "external", "random")
OBJECTIVE_SUFFIXES = {"mlm_nsp": " + NSP", "mlm_sop": " + SOP", "mlm": ""}


@dataclass(frozen=True)
class StudyArm:
    """A condition with its science, a row of the table; an external encoder's row is that of its weights.

    `encoder` and `encoder_sha256` are those of an external encoder, else None. Science alone tells arms apart: one
    setting may have two names, as rows of two published tables do.
    """

    kind: str
    science: str
    encoder: str | None
    encoder_sha256: str | None
    condition: Condition = field(compare=False)


def arm_of(record: ResultRecord) -> StudyArm:
    """Return the arm that a record belongs to."""
    encoder = sha256 = None
    if record.arm == "external":
        encoder = record.encoder.path if record.encoder else record.config.get("encoder")
        sha256 = record.encoder.sha256 if record.encoder else None
    return StudyArm(record.arm, record.science, encoder, sha256, record.condition)


def setting(config: Mapping[str, Any], key: str) -> Any:
    """Return the value of a dotted key of a record's configuration, None where it has none."""
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def science_of(config: Mapping[str, Any], not_science: frozenset[str], prefix: str = "") -> dict[str, Any]:
    """Return {dotted key: value} without `not_science`, whose keys never change a result, and without the tasks."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key == "tasks" or key in not_science:
            continue
        flat |= science_of(value, not_science, f"{key}.") if isinstance(value, Mapping) else {key: value}
    return flat


def paper_order(arm: StudyArm) -> tuple:
    """Return the sort key of an arm: as in the paper's tables, then external encoders, then untrained ones."""
    condition = arm.condition
    values: tuple[str | int | float | None, ...] = (
        *(condition.budget, condition.tokenizer, condition.model, condition.max_length, condition.batch),
        *(condition.updates, condition.learning_rate, condition.corpus, arm.encoder, arm.encoder_sha256),
    )
    return (
        KINDS.index(arm.kind),
        _position(condition.format, tuple(FORMATS)),
        _position(condition.objective, tuple(OBJECTIVE_SUFFIXES)),
        condition.masking != "static",
        condition.copies or 0,
        *((value is not None, "" if value is None else value) for value in values),
    )


def _position(value: str | None, order: tuple[str, ...]) -> int:
    """Return a value's position in `order`: -1 for None, behind all for one that is not there."""
    return -1 if value is None else (order.index(value) if value in order else len(order))


def masking_name(condition: Condition) -> str | None:
    """Return "static", "static ×10" or "dynamic"."""
    copies = f" ×{condition.copies}" if condition.copies and condition.copies > 1 else ""
    return f"{condition.masking}{copies}" if condition.masking else None
