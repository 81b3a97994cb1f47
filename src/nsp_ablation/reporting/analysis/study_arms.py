"""Arms: the rows of a table, in the paper's order and by the paper's names."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nsp_ablation.reporting.records.record import Condition, ResultRecord

FORMAT_NAMES = {
    "segment_pair": "SEGMENT-PAIR",
    "sentence_pair": "SENTENCE-PAIR",
    "full": "FULL-SENTENCES",
    "doc": "DOC-SENTENCES",
}
_KINDS = ("trained", "external", "random")
_OBJECTIVES = ("mlm_nsp", "mlm_sop", "mlm")
_OBJECTIVE_SUFFIXES = {"mlm_nsp": " + NSP", "mlm_sop": " + SOP", "mlm": ""}
_VARIABLES = ("masking", "budget", "tokenizer", "model", "max_length", "batch", "updates", "learning_rate", "corpus")
# Settings that do not change a result, or that a row is pooled over: they never tell two arms apart.
_UNTELLING = {
    *(
        "stage",
        "name",
        "seed",
        "condition_name",
        "scale_name",
        "encoder",
        "tasks",
        "paths",
        "logger",
        "inspect",
        "report",
    ),
    *("export", "finetuning.seeds", "corpus.path", "pretraining.export_at", "pretraining.checkpoint_seconds"),
}


@dataclass(frozen=True)
class Arm:
    """What a row of the table is: results of one arm have equal science, and an external one is one encoder.

    `encoder` and `encoder_sha256` are those of an external encoder, else None.
    """

    kind: str
    condition: Condition
    science: str
    encoder: str | None
    encoder_sha256: str | None


def arm_of(record: ResultRecord) -> Arm:
    """Return the arm that a record belongs to."""
    encoder = sha256 = None
    if record.arm == "external":
        encoder = record.encoder.path if record.encoder else record.config.get("encoder")
        sha256 = record.encoder.sha256 if record.encoder else None
    return Arm(record.arm, record.condition, record.science, encoder, sha256)


def paper_order(arm: Arm) -> tuple:
    """Return the sort key of an arm: as in the paper's tables, then external encoders, then untrained ones."""
    condition = arm.condition
    values: tuple[str | int | float | None, ...] = (
        *(condition.budget, condition.tokenizer, condition.model, condition.max_length, condition.batch),
        *(condition.updates, condition.learning_rate, condition.corpus, arm.encoder, arm.encoder_sha256),
    )
    return (
        _KINDS.index(arm.kind),
        list(FORMAT_NAMES).index(condition.format) if condition.format else -1,
        _OBJECTIVES.index(condition.objective) if condition.objective else -1,
        condition.masking != "static",
        condition.copies or 0,
        *((value is not None, "" if value is None else value) for value in values),
        arm.science,
    )


def masking_name(condition: Condition) -> str | None:
    """Return "static", "static ×10" or "dynamic"."""
    copies = f" ×{condition.copies}" if condition.copies and condition.copies > 1 else ""
    return f"{condition.masking}{copies}" if condition.masking else None


def arm_labels(configs: Mapping[Arm, Mapping[str, Any]]) -> dict[Arm, str]:
    """Return a name for each arm, no two alike: the paper's name of the format, then whatever varies between arms.

    `configs` holds a full configuration of each arm; it is asked only where two arms have the same condition.
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
            alike = [arm for arm in labels if labels[arm] == label]
            labels |= {arm: f"{label} [{_difference(arm, alike, configs)}]" for arm in alike}
    return labels


def _base_name(arm: Arm) -> str:
    if arm.kind == "random":
        return "untrained encoder"
    if arm.kind == "external":
        return Path(arm.encoder or "external encoder").name
    condition = arm.condition
    name = FORMAT_NAMES.get(condition.format or "", str(condition.format))
    if condition.objective == "mlm" and condition.format in ("segment_pair", "sentence_pair"):
        return f"{name}, no NSP"
    return name + _OBJECTIVE_SUFFIXES.get(condition.objective or "", "")


def _value_text(arm: Arm, name: str) -> str | None:
    if name == "masking":
        return masking_name(arm.condition)
    value = getattr(arm.condition, name)
    if value is None:
        return None
    texts = {
        "budget": f"budget {value}",
        "max_length": f"T {value}",
        "batch": f"batch {value}",
        "learning_rate": f"lr {value:g}" if name == "learning_rate" else "",
        "updates": f"{value:,} updates" if name == "updates" else "",
    }
    return texts.get(name, str(value))


def _difference(arm: Arm, alike: list[Arm], configs: Mapping[Arm, Mapping[str, Any]]) -> str:
    """Name the settings that tell `arm` from those of the same label, two at most; else its science."""
    flat = {other: flatten_settings(configs[other]) for other in alike}
    keys = sorted({key for values in flat.values() for key in values})
    telling = [key for key in keys if len({str(values.get(key)) for values in flat.values()}) > 1]
    texts = [f"{key}={flat[arm].get(key)}" for key in telling[:2]]
    distinct = len({tuple(str(values.get(key)) for key in telling[:2]) for values in flat.values()}) == len(alike)
    return ", ".join(texts) if distinct else ", ".join([*texts, f"science {arm.science[:8]}"])


def flatten_settings(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return {dotted key: value} of a configuration, without what never changes a result."""
    flat: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        if key in _UNTELLING or (prefix == "trainer." and name != "precision"):
            continue
        flat |= flatten_settings(value, f"{key}.") if isinstance(value, Mapping) else {key: value}
    return flat
