"""What arms are called: by the paper's names, and by what tells them apart from the others of their table."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.reporting.analysis.study_arms import KINDS, OBJECTIVE_SUFFIXES, StudyArm, masking_name, science_of

# What tells arms apart besides format and objective, and how it is written.
_VARIABLES = {"masking": "{}", "budget": "budget {}", "tokenizer": "{}", "model": "{}", "max_length": "T {}"}
_VARIABLES |= {"batch": "batch {}", "updates": "{:,} updates", "learning_rate": "lr {:g}", "corpus": "{}"}
_FEW_SETTINGS = 2  # as many stand in a name where they are enough

Settings = Mapping[StudyArm, Mapping[str, Any]]


def arm_labels(
    configs: Mapping[StudyArm, Mapping[str, Any]], not_science: frozenset[str] = frozenset()
) -> dict[StudyArm, str]:
    """Return a name for each arm, no two alike: the paper's name of the format, then whatever varies between arms.

    Arms that are alike in that are told apart by their conditions' names, which then all arms of that format and
    objective have, and, within one, by settings: of one that most arms have alike, the others alone are said to differ.
    `configs` holds a full configuration of each arm.
    """
    labels = {}
    for kind in KINDS:
        arms = [arm for arm in configs if arm.kind == kind]
        varying = [name for name in _VARIABLES if len({_value_text(arm, name) for arm in arms}) > 1]
        for arm in arms:
            extra = [text for name in varying if (text := _value_text(arm, name)) is not None]
            labels[arm] = ", ".join([_base_name(arm), *extra])
    alike = Counter(labels.values())
    if max(alike.values(), default=0) > 1:
        settings = {arm: science_of(config, not_science | {"seed"}) for arm, config in configs.items()}
        groups = [[arm for arm in settings if labels[arm] == label] for label, count in alike.items() if count > 1]
        for group in groups:
            labels |= {arm: _bracketed(labels[arm], text) for arm, text in _told_apart(group, settings).items()}
        named = {_base_name(group[0]) for group in groups if len({*_names(group).values()}) > 1}
        others = [arm for arm in configs if _base_name(arm) in named and not any(arm in group for group in groups)]
        labels |= {arm: _bracketed(labels[arm], str(arm.condition.name)) for arm in others}
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
    return name + OBJECTIVE_SUFFIXES.get(condition.objective or "", "")


def _value_text(arm: StudyArm, name: str) -> str | None:
    value = masking_name(arm.condition) if name == "masking" else getattr(arm.condition, name)
    return None if value is None else _VARIABLES[name].format(value)


def _bracketed(label: str, text: str) -> str:
    return f"{label} [{text}]" if text else label


def _told_apart(group: list[StudyArm], settings: Settings) -> dict[StudyArm, str]:
    """Return what tells arms of one label apart, with nothing of the one that has what most arms have.

    A setting that some lack, as records of an older version do, is named only where nothing else tells arms apart.
    """
    names = _names(group)
    given = names if len({*names.values()}) > 1 else dict.fromkeys(group, "")
    telling = _telling(group, names, settings)
    for keys in ([key for key in telling if all(key in values for values in settings.values())], telling):
        usual = {key: _usual([values.get(key) for values in settings.values()]) for key in keys}
        unusual = {
            arm: [f"{key}={_typed(value)}" for key in keys if (value := settings[arm].get(key)) != usual[key]]
            for arm in group
        }
        for number in range(_FEW_SETTINGS, max(_FEW_SETTINGS, *map(len, unusual.values())) + 1):
            texts = {arm: ", ".join(filter(None, [given[arm], *unusual[arm][:number]])) for arm in group}
            if len({*texts.values()}) == len(group):
                return texts
    return {arm: ", ".join(filter(None, [given[arm], f"science {arm.science[:8]}"])) for arm in group}


def _names(group: list[StudyArm]) -> dict[StudyArm, str]:
    """Return the names of the arms' conditions, which an untrained or external encoder has none of."""
    return {arm: str(arm.condition.name) if arm.kind == "trained" else "" for arm in group}


def _telling(group: list[StudyArm], names: Mapping[StudyArm, str], settings: Settings) -> list[str]:
    """Return the settings that differ between arms of one condition."""
    keys = sorted({key for arm in group for key in settings[arm]})
    values = {key: {(names[arm], repr(settings[arm].get(key))) for arm in group} for key in keys}
    return [key for key in keys if len(values[key]) > len({*names.values()})]


def _usual(values: list[Any]) -> Any:
    """Return the value that more than half have, else one that none has."""
    (text, count), *_ = Counter(map(repr, values)).most_common(1)
    return next(value for value in values if repr(value) == text) if 2 * count > len(values) else _NONE


def _typed(value: Any) -> str:
    """Return a value as it is typed on a command line."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


_NONE = object()
