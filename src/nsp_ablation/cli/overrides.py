"""What is typed on the command line, checked before anything is composed.

`override` is Hydra's `Override`; its public attributes and methods alone are used.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_origin

from nsp_ablation.cli.hydra_bridge import words_of
from nsp_ablation.config.problem import Problem, unknown_key, unknown_value
from nsp_ablation.config.tree import allowed_keys, required
from nsp_ablation.config.values import declared, split_at_dict, typed_problems

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
    elif key.partition(".")[0] in CHOICES_ALONE:
        group = key.partition(".")[0]
        yield Problem(key, typed_value(override), f"{group} has options and no settings", tuple(options(group)))
    else:
        yield from _setting_problems(override, options)


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
    for position, part in enumerate(parts):
        parent = ".".join(parts[:position])
        keys = allowed_keys(parent)
        if keys is None:
            keys = tuple(options(parent)) or (part,)
        elif not parent:
            keys = (*keys, *CHOICES_ALONE)
        if part not in keys:
            return unknown_key(key, value, keys, position)
        if not _has_keys(".".join(parts[: position + 1])) and position + 1 < len(parts):
            return Problem(key, value, f"{'.'.join(parts[: position + 1])} is a setting and holds no others")
    return None


def typed_value(override: Any) -> Any:
    """Return the value of an override, a sweep as it was typed."""
    return override.get_value_string() if override.is_sweep_override() else override.value()


def _setting_problems(override: Any, options: Options) -> Iterator[Problem]:
    key = override.key_or_group
    values = [assignment.value for assignment in assignments(override, options)]
    if problem := key_problem(key, values[0] if values else None, options):
        yield problem
        return
    for value in values:
        yield from typed_problems(key, value)


def _option_problems(override: Any, options: Options) -> Iterator[Problem]:
    if allowed := options(override.key_or_group):
        for value in _names(override.value()):
            if value not in allowed:
                yield option_problem(override.key_or_group, "null" if value is None else str(value), allowed)


def _names(value: Any) -> Iterator[Any]:
    """Yield the single values of lists and choice sweeps; nothing of globs, ranges and mappings."""
    if type(value).__name__ == "ChoiceSweep":
        value = value.list
    if isinstance(value, list):
        for item in value:
            yield from _names(item)
    elif type(value).__name__ == "QuotedString":
        yield value.text
    elif isinstance(value, str | int | float | None):
        yield value


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


def _has_keys(path: str) -> bool:
    """Whether settings lie below a path: it is a group or a dict."""
    if path in CHOICES_ALONE:
        return True
    annotation = required(declared(path).annotation)
    return get_origin(annotation) is dict or allowed_keys(path) is not None
