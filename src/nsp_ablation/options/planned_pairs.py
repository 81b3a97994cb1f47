"""Which arms the two names of a planned comparison stand for: pure, for the plan before a run and for its report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nsp_ablation.options.output_options import ComparisonOptions

# What a name may be narrowed by: the values of a record's `condition`.
NARROWING = (
    *("format", "objective", "masking", "copies", "budget", "tokenizer", "model", "max_length", "batch", "updates"),
    *("learning_rate", "corpus"),
)


@dataclass(frozen=True)
class NamedArm:
    """An arm as comparisons name it.

    `names` are those of its condition, `others` what it is called besides; `condition` is its record's, `settings` are
    {dotted key: value} of all its settings.
    """

    names: frozenset[str | None]
    others: frozenset[str | None]
    condition: Mapping[str, Any]
    settings: Mapping[str, Any]


def other_names(condition: Mapping[str, Any]) -> frozenset[str | None]:
    """Return what a trained arm is called besides its condition's name: by format, masking (with copies, too), or
    tokenizer."""
    masking, copies = condition["masking"], condition["copies"]
    copied = f"{masking}_x{copies}" if copies and copies > 1 else masking
    return frozenset((condition["format"], masking, copied, condition["tokenizer"]))


def compared_pairs(plan: ComparisonOptions, arms: Sequence[NamedArm]) -> list[tuple[int, int]]:
    """Return the pairs (number of a's arm, of b's) that a comparison means: of all that its names stand for, those
    that differ in the fewest settings of the condition and, of these, of all settings. A setting that one of the two
    lacks, as records of an older version do, counts less than any that both have.

    So `full` and `doc` in a sweep over formats and maskings are compared under each masking, never across. Two sides
    that name their seeds may be of one arm.
    """
    by_seeds = bool(plan.seeds_a)
    pairs = [(x, y) for x in called(plan.a, arms) for y in called(plan.b, arms) if x != y or by_seeds]
    apart = {(x, y): _num_unequal(arms[x].condition, arms[y].condition) for x, y in pairs}
    fewest = min(apart.values(), default=(0, 0))
    apart = {(x, y): _num_unequal(arms[x].settings, arms[y].settings) for x, y in pairs if apart[x, y] == fewest}
    of_a, of_b = dict[int, tuple[int, int]](), dict[int, tuple[int, int]]()
    for (x, y), number in apart.items():
        of_a[x], of_b[y] = min(number, of_a.get(x, number)), min(number, of_b.get(y, number))
    return [(x, y) for (x, y), number in apart.items() if number == of_a[x] == of_b[y]]


def narrowed(name: str) -> tuple[str, dict[str, str]]:
    """Return a side's name and the settings that narrow it: `full@batch=44,learning_rate=3e-3`.

    A name with a slash is that of an encoder, and taken as it is.
    """
    base, at, text = name.partition("@")
    if not at or "/" in name:
        return name, {}
    words = [word.partition("=") for word in text.split(",")]
    return base, {key.strip(): value.strip() for key, _, value in words}


def called(name: str, arms: Sequence[NamedArm]) -> list[int]:
    """Return the numbers of the arms of a name: that of a condition, else of what an arm is called besides."""
    base, settings = narrowed(name)
    by_condition = [number for number, arm in enumerate(arms) if base in arm.names]
    found = by_condition or [number for number, arm in enumerate(arms) if base in arm.others]
    return [
        number
        for number in found
        if all(_is_value(text, arms[number].condition.get(key)) for key, text in settings.items())
    ]


def _is_value(text: str, value: Any) -> bool:
    """Whether a text spells a value: numbers by their value (3e-3 is 0.003)."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return float(text) == value
        except ValueError:
            return False
    return text == str(value)


def _num_unequal(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[int, int]:
    """Return how many settings are unequal of those that both have, and how many one of them lacks."""
    return sum(a[key] != b[key] for key in (a.keys() & b.keys()) - {"name"}), len(a.keys() ^ b.keys())
