"""Arms: the rows of a table, in the paper's order and by the paper's names."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.records.record import Condition, ResultRecord

_KINDS = ("trained", "external", "random")
_OBJECTIVE_SUFFIXES = {"mlm_nsp": " + NSP", "mlm_sop": " + SOP", "mlm": ""}
# What tells arms apart besides format and objective, and how it is written.
_VARIABLES = {"masking": "{}", "budget": "budget {}", "tokenizer": "{}", "model": "{}", "max_length": "T {}"}
_VARIABLES |= {"batch": "batch {}", "updates": "{:,} updates", "learning_rate": "lr {:g}", "corpus": "{}"}


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
        _KINDS.index(arm.kind),
        _position(condition.format, tuple(FORMATS)),
        _position(condition.objective, tuple(_OBJECTIVE_SUFFIXES)),
        condition.masking != "static",
        condition.copies or 0,
        *((value is not None, "" if value is None else value) for value in values),
        arm.science,
    )


def _position(value: str | None, order: tuple[str, ...]) -> int:
    """Return a value's position in `order`: -1 for None, behind all for one that is not there."""
    return -1 if value is None else (order.index(value) if value in order else len(order))


def masking_name(condition: Condition) -> str | None:
    """Return "static", "static ×10" or "dynamic"."""
    copies = f" ×{condition.copies}" if condition.copies and condition.copies > 1 else ""
    return f"{condition.masking}{copies}" if condition.masking else None


def arm_labels(
    configs: Mapping[StudyArm, Mapping[str, Any]], not_science: frozenset[str] = frozenset()
) -> dict[StudyArm, str]:
    """Return a name for each arm, no two alike: the paper's name of the format, then whatever varies between arms.

    `configs` holds a full configuration of each arm; it is asked only where two arms have equal conditions.
    """
    labels = {}
    for kind in _KINDS:
        arms = [arm for arm in configs if arm.kind == kind]
        varying = [name for name in _VARIABLES if len({_value_text(arm, name) for arm in arms}) > 1]
        for arm in arms:
            extra = [text for name in varying if (text := _value_text(arm, name)) is not None]
            labels[arm] = ", ".join([_base_name(arm), *extra])
    for label, count in Counter(labels.values()).items():
        if count > 1:
            alike = {arm: science_of(configs[arm], not_science) for arm in labels if labels[arm] == label}
            labels |= {arm: f"{label} [{text}]" for arm, text in _differences(alike).items()}
    return labels


def _base_name(arm: StudyArm) -> str:
    if arm.kind == "random":
        return "untrained encoder"
    if arm.kind == "external":
        return Path(arm.encoder or "external encoder").name
    condition = arm.condition
    facts = FORMATS.get(condition.format or "")
    name = facts.title if facts else str(condition.format)
    if condition.objective == "mlm" and facts and facts.is_pair:
        return f"{name}, no NSP"
    return name + _OBJECTIVE_SUFFIXES.get(condition.objective or "", "")


def _value_text(arm: StudyArm, name: str) -> str | None:
    value = masking_name(arm.condition) if name == "masking" else getattr(arm.condition, name)
    return None if value is None else _VARIABLES[name].format(value)


def _differences(settings: Mapping[StudyArm, Mapping[str, Any]]) -> dict[StudyArm, str]:
    """Tell arms of one label apart: by their conditions' names, else by two settings at most, else by their science."""
    keys = sorted({key for values in settings.values() for key in values})
    telling = [key for key in keys if len({str(values.get(key)) for values in settings.values()}) > 1][:2]
    for texts in (
        {arm: str(arm.condition.name) for arm in settings},
        {arm: ", ".join(f"{key}={values.get(key)}" for key in telling) for arm, values in settings.items()},
    ):
        if len(set(texts.values())) == len(settings):
            return texts
    return {arm: ", ".join([*filter(None, [texts[arm]]), f"science {arm.science[:8]}"]) for arm in settings}
