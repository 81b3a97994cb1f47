"""Settings of Hydra's own that a command may give, and those that would do nothing here, or harm."""

from collections.abc import Iterator
from typing import Any

from nsp_ablation.cli.composition import Composition
from nsp_ablation.config.path_checks import NeededPath, directory_problems
from nsp_ablation.config.problem import Problem

_REFUSED = {
    "hydra.mode": "a sweep is -m, one run is without it; leave this out",
    "hydra.searchpath": "give your own options with --config-dir DIR",
}
_DIRECTORIES = ("run.dir", "sweep.dir")


def unwanted_settings(override: Any) -> Iterator[Problem]:
    """Yield the problem of an override of Hydra's that has no use here."""
    if reason := _REFUSED.get(override.key_or_group):
        yield Problem(override.key_or_group, override.get_value_string(), reason)


def hydra_problems(typed: dict[str, Any], composition: Composition, is_sweep: bool) -> Iterator[Problem]:
    """Yield what is wrong with Hydra's settings, (key, value) as typed and as composed from them."""
    launcher, values = composition.choices["hydra/launcher"], composition.hydras
    if launcher != "basic" and not is_sweep:
        yield Problem("hydra/launcher", launcher, "starts the cells of a sweep, which needs -m")
    if values["job.chdir"]:
        yield Problem("hydra.job.chdir", True, "paths are relative to the directory of the command; leave it false")
    size = values["sweeper.max_batch_size"]
    if size is not None and size < 1:
        yield Problem("hydra.sweeper.max_batch_size", size, "expected at least 1, or null for all jobs at once")
    for key in _DIRECTORIES:
        if f"hydra.{key}" in typed and values[key] is not None:
            yield from directory_problems(NeededPath(f"hydra.{key}", str(values[key]), directory_problems))
