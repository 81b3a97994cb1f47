"""Hydra's and OmegaConf's messages of several lines as one line that names the field and what is expected.

What is typed is checked before (`overrides.py`), so most of these come from a user's own YAML or from Hydra's keys.
"""

import re
from typing import Any

from omegaconf.errors import OmegaConfBaseException, ValidationError

from nsp_ablation.cli.group_options import option_problem
from nsp_ablation.cli.overrides import Options, as_typed, key_problem
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.values import EXPECTED, EXPECTED_LIST

# What OmegaConf says of a value of the wrong type, and what we say.
_TYPES = (
    (r"could not be converted to Integer", EXPECTED[int]),
    (r"could not be converted to Float", EXPECTED[float]),
    (r"is not a valid bool", EXPECTED[bool]),
    (r"is not a subclass of TaskOptions", "is below a task that is not selected; add the task to tasks=[...]"),
    (r"is not Optional", "expected a value, not null"),
    (r"list, or tuple|list or tuple", EXPECTED_LIST),
)


def translate(error: Exception, options: Options) -> str:
    """Return one line for an error that Hydra raised while it parsed or composed.

    `options(group)` lists a configuration group's options, nothing where there is no such group.
    """
    if hasattr(error, "missing_cfg_file"):
        return _unknown_option(error, options)
    if hasattr(error, "override") and hasattr(error, "message"):
        override, detail = as_typed(str(error.override)), _one_line(str(error.message).partition("\nSee https")[0])
        if "=" not in override:
            return f"{override or repr(override)}: expected key=value"
        return f"{override}: cannot be read ({detail}); put quotes in quotes: 'key=\"a,b\"'"
    text, cause = str(error), error.__cause__
    if found := re.match(r"Could not override '(.*)'\.(?:\nTo append to your config use \+(.*))?", text):
        return _refused_key(found[1], (found[2] or "").partition("=")[2], cause, options)
    if found := re.match(r"Error merging override (.*)", text):
        key, _, value = as_typed(found[1]).partition("=")
        return _refused_key(key.lstrip("+"), value, cause, options)
    if found := re.match(r"In '(.*?)': \w+ raised while composing config:\n(.*)\n +full_key: (\S+)", text):
        return f"{_refused_key(found[3], ..., ValueError(found[2]), options)} (in {found[1]}.yaml)"
    if found := re.match(r"Could not append to config. An item is already at '(.*?)'", text):
        return f"{found[1]}: is a setting already; leave the + out"
    if found := re.match(r"Multiple values for (\S+?)\.", text):
        return f"{found[1]}: is chosen twice; choose it once, without +"
    if isinstance(cause, OmegaConfBaseException):
        error = cause
    if isinstance(error, ValidationError):
        return Problem(str(error.full_key), error.value, _reason(error)).line()
    if isinstance(error, OmegaConfBaseException):
        return f"{error.full_key}: {_reason(error)}"
    return _one_line(text.partition("\nConfig search path")[0] or type(error).__name__)


def _unknown_option(error: Any, options: Options) -> str:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    file = re.match(r"In '(.*?)'", str(error))
    where = f" (named by {file[1]})" if file and file[1] not in ("config", "hydra/config") else ""
    return option_problem(group, name, error.options or options(group), where).line()


def _refused_key(key: str, value: Any, cause: BaseException | None, options: Options) -> str:
    problem = None if key.startswith("hydra.") else key_problem(key, value, options)
    return (problem or Problem(key, value, _reason(cause))).line()


def _reason(cause: BaseException | None) -> str:
    text = str(cause).partition("\n    full_key")[0]
    return next((words for pattern, words in _TYPES if re.search(pattern, text)), _one_line(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
