"""Hydra's and OmegaConf's messages of several lines as one line that names the field and what is allowed."""

import re
from collections.abc import Callable
from typing import Any

from omegaconf.errors import OmegaConfBaseException, ValidationError

from nsp_ablation.config.problem import Problem, unknown_key, unknown_value
from nsp_ablation.config.tree import allowed_keys

Options = Callable[[str], list[str]]

# Groups that change settings elsewhere and hold none.
_CHOICES_ALONE = ("condition", "scale", "experiment")

# What OmegaConf says of a value of the wrong type, and what a person would say.
_TYPES = (
    (r"could not be converted to Integer", "is no whole number"),
    (r"could not be converted to Float", "is no number"),
    (r"is not a valid bool", "is neither true nor false"),
    (r"is not Optional", "must not be null"),
    (r"list or tuple", "is no list; write [a,b]"),
    (r"is not in struct", "is not there; choose it (tasks=[...]) or add it whole (+key=value)"),
)


def translate(error: Exception, options: Options) -> str:
    """Return one line for an error that Hydra raised while it parsed or composed.

    `options(group)` lists a configuration group's options, nothing where there is no such group.
    """
    if hasattr(error, "missing_cfg_file"):
        return _unknown_option(error, options)
    if hasattr(error, "override") and hasattr(error, "message"):
        return _grammar(str(error.override), str(error.message))
    text, cause = str(error), error.__cause__
    if found := re.match(r"Ambiguous value for argument '(.*)'\n|Sweep parameters '(.*)' requires", text):
        return f"{found[1] or found[2]}: several values make a sweep, which needs -m; a list is [a,b]"
    if found := re.match(r"Could not override '(.*)'\.(?:\nTo append to your config use \+(.*))?", text):
        return _unknown_setting(found[1], (found[2] or "").partition("=")[2], cause, options)
    if found := re.match(r"Error merging override (.*)", text):
        key, _, value = found[1].partition("=")
        return _unknown_setting(key.lstrip("+"), value, cause, options)
    if found := re.match(r"In '(.*?)': \w+ raised while composing config:\n(.*)\n +full_key: (\S+)", text):
        return f"{_unknown_setting(found[3], ..., ValueError(found[2]), options)} (in {found[1]}.yaml)"
    if found := re.match(r"Multiple values for (\S+?)\.", text):
        return f"{found[1]}: is chosen twice; choose it once, without +"
    if isinstance(cause, OmegaConfBaseException):
        error = cause
    if isinstance(error, ValidationError):
        return Problem(str(error.full_key), error.value, _reason(error)).line()
    if isinstance(error, OmegaConfBaseException):
        return f"{error.full_key}: {_reason(error)}"
    return _one_line(text.partition("\nConfig search path")[0] or type(error).__name__)


def option_problem(group: str, name: str, allowed: list[str], where: str = "") -> Problem:
    """Return the problem of a group's option that does not exist; `where` says which file names it."""
    hint = " (batch.sequences=N sets the number alone)" if group == "batch" and name.isdecimal() else ""
    return unknown_value(group, name, tuple(allowed), f"option{hint}{where}")


def _unknown_option(error: Any, options: Options) -> str:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    file = re.match(r"In '(.*?)'", str(error))
    where = f" (named by {file[1]})" if file and file[1] not in ("config", "hydra/config") else ""
    return option_problem(group, name, error.options or options(group), where).line()


def _grammar(override: str, message: str) -> str:
    if "=" not in override:
        return f"{override}: is no setting; write key=value"
    detail = _one_line(message.partition("\nSee https")[0])
    return f"{override}: cannot be read ({detail}); put quotes in quotes: 'key=\"a,b\"'"


def _unknown_setting(key: str, value: Any, cause: BaseException | None, options: Options) -> str:
    """Find the first part of `key` that the schema lacks, and name what stands in its place."""
    parts = key.split(".")
    if parts[0] == "hydra":
        return Problem(key, value, _reason(cause)).line()
    if parts[0] in _CHOICES_ALONE:
        return Problem(key, value, f"{parts[0]} has options and no settings", tuple(options(parts[0]))).line()
    for place, part in enumerate(parts):
        parent = ".".join(parts[:place])
        keys = _keys_at(parent, options)
        if keys is not None and part not in keys:
            return unknown_key(key, value, keys, place).line()
    return Problem(key, value, _reason(cause)).line()


def _keys_at(parent: str, options: Options) -> tuple[str, ...] | None:
    try:
        keys = allowed_keys(parent)
    except KeyError:
        return None
    if keys is None:
        return tuple(options(parent)) or None
    return (*keys, *_CHOICES_ALONE) if not parent else keys


def _reason(cause: BaseException | None) -> str:
    text = str(cause).partition("\n    full_key")[0]
    for pattern, words in _TYPES:
        if re.search(pattern, text):
            return words
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())
