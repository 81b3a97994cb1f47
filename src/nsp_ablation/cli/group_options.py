"""What may be chosen for a group, as `format=doc`, and what is wrong with a choice."""

from collections.abc import Iterator
from typing import Any, get_origin

from nsp_ablation.config.problem import Problem, unknown_value
from nsp_ablation.config.schema import Config
from nsp_ablation.config.tree import field_types, required
from nsp_ablation.config.values import value_problems

# Groups that change settings elsewhere and hold none.
CHOICES_ALONE = {
    "condition": "A row of the published and planned tables: format, objective and masking together.",
    "scale": "Sizes and seeds of an experiment.",
    "experiment": "A planned study from experiments/; it is a sweep, so add -m.",
}
# Options of Hydra's groups that packages of their own bring.
_PLUGINS = {
    "hydra/launcher": {
        "submitit_slurm": "hydra-submitit-launcher",
        "submitit_local": "hydra-submitit-launcher",
        "joblib": "hydra-joblib-launcher",
        "ray": "hydra-ray-launcher",
        "ray_aws": "hydra-ray-launcher",
        "rq": "hydra-rq-launcher",
    },
    "hydra/hydra_logging": {"colorlog": "hydra-colorlog"},
    "hydra/job_logging": {"colorlog": "hydra-colorlog"},
}


def option_problem(group: str, name: str, allowed: list[str], where: str = "") -> Problem:
    """Return the problem of a group's option that does not exist; `where` says which file names it."""
    if group == "hydra/sweeper":
        return Problem(group, name, "a sweep is a grid: -m key=a,b,c runs every combination; leave the sweeper out")
    if package := _PLUGINS.get(group, {}).get(name):
        return Problem(group, name, f"is not installed; pip install {package}", tuple(allowed))
    hint = " (batch.sequences=N sets the number alone)" if group == "batch" and name.isdecimal() else ""
    return unknown_value(group, name, tuple(allowed), f"option{hint}{where}")


def choice_problems(group: str, value: Any, allowed: list[str]) -> Iterator[Problem]:
    """Yield what is wrong with what is chosen for a group: its options, or settings of it as {key:value}."""
    if isinstance(value, dict):
        yield from _settings_problems(group, value, allowed)
    elif isinstance(value, list) and group.startswith("hydra"):
        yield from (problem for name in value for problem in _name_problems(group, name, allowed))
    elif isinstance(value, list):
        if not _takes_list(group):
            yield Problem(group, value, "expected one option, not a list; with -m, a,b runs each", tuple(allowed))
        elif not all(isinstance(name, str) for name in value):
            yield Problem(
                group, value, f"expected a list of names, as {group}=[{','.join(allowed[:2])}]", tuple(allowed)
            )
        elif len(set(value)) < len(value):
            yield Problem(group, value, "names an option twice")
        else:
            yield from (problem for name in value for problem in _name_problems(group, name, allowed))
    else:
        yield from _name_problems(group, value, allowed)


def _name_problems(group: str, name: Any, allowed: list[str]) -> Iterator[Problem]:
    if name is None:
        yield Problem(group, None, "no such option; leave it out where none is wanted", tuple(allowed))
    elif name not in allowed:
        yield option_problem(group, str(name), allowed)


def _settings_problems(group: str, value: dict[Any, Any], allowed: list[str]) -> Iterator[Problem]:
    if group not in Config.__dataclass_fields__:
        yield Problem(group, value, "expected one of its options, not settings", tuple(allowed))
    elif not value:
        yield Problem(group, value, f"expected an option, or settings as {group}.key=value", tuple(allowed))
    else:
        yield from value_problems(group, value)


def _takes_list(group: str) -> bool:
    types = field_types(Config)
    return group in types and get_origin(required(types[group])) is dict
