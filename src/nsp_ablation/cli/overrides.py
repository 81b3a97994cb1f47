"""What is typed on the command line, checked before anything is composed.

`override` is Hydra's `Override`; its public attributes and methods alone are used.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, get_origin

from nsp_ablation.cli.hydra_bridge import words_of
from nsp_ablation.config.problem import Problem, unknown_key, unknown_value
from nsp_ablation.config.tree import declared, field_types, required, split_at_dict
from nsp_ablation.config.values import value_problems

Options = Callable[[str], list[str]]
MAX_CELLS = 10_000

# Groups that change settings elsewhere and hold none.
CHOICES_ALONE = {
    "condition": "A row of the published and planned tables: format, objective and masking together.",
    "scale": "Sizes and seeds of an experiment.",
    "experiment": "A planned study from experiments/; it is a sweep, so add -m.",
}


@dataclass(frozen=True)
class Assignment:
    """One value for one key: as typed, as Hydra takes it, and parsed. `is_plain`: no list, no mapping."""

    key: str
    typed: str
    word: str
    value: Any
    is_plain: bool

    @property
    def is_hydras(self) -> bool:
        """Whether it configures Hydra itself."""
        return self.key.startswith(("hydra.", "hydra/"))


def for_hydra(word: str) -> str:
    """Return what is typed as Hydra parses it: numbers of `batch=` in quotes.

    Hydra parses a bare 256 as an int and finds no such option, so quote it.
    """
    return re.sub(r"(?<=[=,])(\d+)(?=,|$)", r"'\1'", word) if word.startswith("batch=") else word


def as_typed(word: str) -> str:
    """Return a word for Hydra as one types it."""
    if word.startswith("batch="):
        return word.replace("'", "")
    while found := re.fullmatch(r"\+\+([\w.]+)=\{([\w-]+):(.*)\}", word):
        word = f"++{found[1]}.{found[2]}={found[3]}"
    return word.removeprefix("++")


def override_problems(override: Any, options: Options, is_sweep: bool) -> Iterator[Problem]:
    """Yield what is wrong with an override: names, types, choices and bounds of each of its values.

    `options(group)` lists a group's options, nothing where there is no such group; `is_sweep` is -m.
    """
    key, line = override.key_or_group, as_typed(str(override.input_line))
    group = key.partition(".")[0]
    if not key:
        yield Problem(line, ..., "expected key=value")
    elif override.is_hydra_override() or override.package is not None:
        yield from _option_problems(override, options)
    elif override.is_delete():
        yield Problem(line, ..., "a setting cannot be deleted; give it another value")
    elif override.is_sweep_override() and not override.is_discrete_sweep():
        yield Problem(line, ..., "expected a list of values; a sweep is a grid: key=a,b,c")
    elif override.is_sweep_override() and not is_sweep:
        yield Problem(line, ..., "expected one value; several make a sweep, which needs -m; a list is [a,b]")
    elif options(key) or key in CHOICES_ALONE:
        yield from _option_problems(override, options)
    elif group in CHOICES_ALONE:
        value = override.get_value_string()
        yield Problem(key, value, f"{group} has options and no settings", tuple(options(group)))
    else:
        values = [assignment.value for assignment in assignments(override, options)]
        if problem := key_problem(key, values[0] if values else None, options):
            yield problem
        else:
            yield from (problem for value in values for problem in value_problems(key, value))


def assignments(override: Any, options: Options) -> list[Assignment]:
    """Return the values of an override, one or, in a sweep, several, at most `MAX_CELLS` + 1."""
    key = override.key_or_group
    is_setting = override.package is None and not override.is_hydra_override() and not options(key)
    may_be_plain = is_setting and override.type.name in ("CHANGE", "FORCE_ADD")
    made = []
    for value, word in itertools.islice(words_of(override), MAX_CELLS + 1):
        plain = may_be_plain and isinstance(value, str | int | float | None) and "${" not in str(value)
        hydras = _mergeable(key, word, options) if is_setting and not override.is_delete() else word
        made.append(Assignment(key, as_typed(word), hydras, value, plain))
    return made


def option_problem(group: str, name: str, allowed: list[str], where: str = "") -> Problem:
    """Return the problem of a group's option that does not exist; `where` says which file names it."""
    hint = " (batch.sequences=N sets the number alone)" if group == "batch" and name.isdecimal() else ""
    return unknown_value(group, name, tuple(allowed), f"option{hint}{where}")


def key_problem(key: str, value: Any, options: Options) -> Problem | None:
    """Return the problem of a key whose first unknown part the schema lacks, None where it has them all."""
    parts = key.split(".")
    for position, part in enumerate(parts if parts[0] not in CHOICES_ALONE else ()):
        parent = ".".join(parts[:position])
        group = required(declared(parent)[0])
        if is_dataclass(group):
            keys = (*field_types(group), *(() if parent else CHOICES_ALONE))
        elif get_origin(group) is dict:
            keys = tuple(options(parent)) or (part,)
        else:
            return Problem(key, value, f"{parent} is a setting and holds no others")
        if part not in keys:
            return unknown_key(key, value, keys, position)
    return None


def _option_problems(override: Any, options: Options) -> Iterator[Problem]:
    """Yield each value of a group, or of the list that it is given, that is none of its options."""
    group, allowed = override.key_or_group, options(override.key_or_group)
    for value, _ in words_of(override) if allowed else ():
        for name in value if isinstance(value, list) else [value]:
            if name not in allowed and not isinstance(name, dict):
                yield option_problem(group, "null" if name is None else str(name), allowed)


def _mergeable(key: str, word: str, options: Options) -> str:
    """Return an override below a dict as one that makes the dict's entry if it is missing.

    `a.b.c=1`, where `a` is a dict, becomes `++a={b:{c:1}}`: Hydra finds no `a.b` to change, and would make one of no
    type for `++a.b.c=1`. A dict that is a group (tasks) has the entries that are selected, and no others; in these
    a group that is null is made (tasks.x.hub).
    """
    mapping, rest = split_at_dict(key)
    if options(mapping):
        mapping, rest = f"{mapping}.{rest[0]}", rest[1:] if len(rest) > 2 else []
    if not rest:
        return word
    text = word.partition("=")[2]
    for part in reversed(rest):
        text = f"{{{part}:{text}}}"
    return f"++{mapping}={text}"
