"""What is typed on the command line, checked before anything is composed.

`override` is Hydra's `Override`; its public attributes and methods alone are used.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, is_dataclass
from typing import Any, get_origin

from nsp_ablation.cli.group_options import CHOICES_ALONE, choice_problems
from nsp_ablation.cli.hydra_bridge import words_of
from nsp_ablation.cli.sweep_values import checked_values
from nsp_ablation.config.problem import Problem, unknown_key
from nsp_ablation.config.tree import declared, field_types, nested_names, required, split_at_dict
from nsp_ablation.config.values import value_problems
from nsp_ablation.options.setting import TextOrTexts

Options = Callable[[str], list[str]]


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
    """Yield what is wrong with an override: names, types, choices and bounds of its values; of a range its ends.

    `options(group)` lists a group's options, nothing where there is no such group; `is_sweep` is -m.
    """
    key, line = override.key_or_group, as_typed(str(override.input_line))
    allowed, group = options(key), key.partition(".")[0]
    if not key:
        yield Problem(line or "''", ..., "expected key=value")
    elif override.is_delete():
        yield Problem(line, ..., "a setting cannot be deleted; give it another value")
    elif override.package is not None:
        yield Problem(line, ..., "settings have one place each; leave out the part from @ to =")
    elif override.is_sweep_override() and not override.is_discrete_sweep():
        yield Problem(line, ..., "expected a list of values; a sweep is a grid: key=a,b,c")
    elif override.is_sweep_override() and not is_sweep:
        quoted = f"; text with commas is '{key}=\"a,b\"'" if _is_text(key) else ""
        yield Problem(line, ..., f"expected one value; several make a sweep, which needs -m; a list is [a,b]{quoted}")
    elif allowed or key in CHOICES_ALONE:
        yield from (each for value, _ in checked_values(override) for each in choice_problems(key, value, allowed))
    elif override.is_hydra_override():
        return  # Hydra's own types say the rest when it composes
    elif group in CHOICES_ALONE:
        value = override.get_value_string()
        yield Problem(key, value, f"{group} has options and no settings", tuple(options(group)))
    else:
        values = [value for value, _ in checked_values(override)]
        if problem := key_problem(key, values[0] if values else None, options):
            yield problem
        else:
            yield from (problem for value in values for problem in value_problems(key, value))


def assignments(override: Any, options: Options) -> list[Assignment]:
    """Return the values of an override: one or, in a sweep, several."""
    return list(_assigned(override, words_of(override), options))


def shared_words(override: Any, options: Options) -> list[str]:
    """Return an override as one that all cells share, nothing where it is plain values or sweeps a setting."""
    values = list(_assigned(override, checked_values(override), options))
    if all(each.is_plain for each in values):
        return []
    if not override.is_sweep_override():
        return [each.word for each in values]
    return [str(override.input_line)] if options(override.key_or_group) else []


def _assigned(override: Any, values: Iterator[tuple[Any, str]], options: Options) -> Iterator[Assignment]:
    key = override.key_or_group
    is_setting = override.package is None and not override.is_hydra_override() and not options(key)
    may_be_plain = is_setting and override.type.name in ("CHANGE", "FORCE_ADD")
    for value, word in values:
        plain = may_be_plain and isinstance(value, str | int | float | None) and "${" not in str(value)
        hydras = _mergeable(key, word, options) if is_setting and not override.is_delete() else word
        yield Assignment(key, as_typed(word), hydras, value, plain)


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
            return unknown_key(key, value, keys, position, nested_names(group))
    return None


def _is_text(key: str) -> bool:
    """Whether a key is a setting whose value is text."""
    try:
        return required(declared(key)[0]) in (str, TextOrTexts)
    except KeyError:
        return False


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
