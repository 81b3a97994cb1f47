"""What a logger needs: its package, and the names that Weights & Biases takes."""

import re
from collections.abc import Iterator
from importlib.util import find_spec

from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.options.output_options import WANDB_NAME

_PACKAGES = ("tensorboard", "wandb")  # loggers that are packages of the same name
_NO_PROJECT = re.compile(r"[/\\#?%:]")  # refused by wandb's own settings (0.31: `Settings.validate_project`)
_ENTITY = re.compile(r"[A-Za-z0-9_-]+")  # the part of https://wandb.ai/ENTITY/PROJECT


def logger_problems(config: Config) -> Iterator[Problem]:
    """Yield a logger that is not installed, and names that wandb would refuse once the stores are ready.

    Tags and names of runs, which are made from other settings, are cut instead (`learning/engine/run_loggers.py`).
    """
    logger = config.logger
    if logger.name in _PACKAGES and find_spec(logger.name) is None:
        others = tuple(name for name in ("csv", *_PACKAGES) if name != logger.name)
        yield Problem("logger", logger.name, f"is not installed; pip install {logger.name}", others)
    if logger.name != "wandb":
        return
    if config.stage == "report" and not logger.offline and find_spec("wandb_workspaces") is None:
        reason = "needs wandb-workspaces for the workspace and the report page; pip install 'wandb[workspaces]'"
        yield Problem("logger.offline", False, reason)
    for field, value in (("logger.project", logger.project), ("logger.entity", logger.entity)):
        if value is not None and len(value) > WANDB_NAME:
            yield Problem(field, value, f"has {len(value)} characters; wandb takes at most {WANDB_NAME}")
    if found := _NO_PROJECT.search(logger.project):
        reason = f"wandb takes no {found[0]} in a project's name; logger.entity is the part before a slash"
        yield Problem("logger.project", logger.project, reason)
    if logger.entity is not None and not _ENTITY.fullmatch(logger.entity):
        reason = "expected a user or team on wandb: letters, digits, - and _"
        yield Problem("logger.entity", logger.entity, reason)
