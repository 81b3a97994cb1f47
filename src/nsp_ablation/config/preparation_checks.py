"""Where stores are prepared: keys that belong together, and the engine's package."""

from collections.abc import Iterator
from importlib.util import find_spec

from nsp_ablation.config.foreign_keys import foreign_keys
from nsp_ablation.config.problem import Problem
from nsp_ablation.config.schema import Config
from nsp_ablation.options.preparation_options import PREPARATIONS


def preparation_problems(config: Config) -> Iterator[Problem]:
    """Yield keys of another preparation, what Slurm lacks, and an engine that is not installed."""
    options = config.preparation
    yield from foreign_keys("preparation", options, "preparation", options.name, PREPARATIONS)
    if options.show_tasks and config.stage != "prepare":
        yield Problem("preparation.show_tasks", True, f"is of stage=prepare alone, not of stage={config.stage}")
    if options.name == "datatrove_slurm" and options.partition is None:
        yield Problem("preparation.partition", None, "preparation=datatrove_slurm needs the name of a partition")
    if PREPARATIONS[options.name].has_tasks and find_spec("datatrove") is None:
        reason = "is not installed; pip install 'nsp-ablation[cluster]'"
        yield Problem("preparation", options.name, reason, ("here",))
