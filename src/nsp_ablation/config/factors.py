"""Settings given as a multiple of what model and scale set, so that one experiment has its grid at every scale."""

from collections.abc import Iterator
from dataclasses import replace

from nsp_ablation.config.problem import Problem, refuse
from nsp_ablation.config.schema import Config
from nsp_ablation.options.pretraining_options import MAX_SEQUENCES, MAX_UPDATES


def multiplied(config: Config) -> Config:
    """Return a configuration with its factors multiplied out (at least 1 is left) and set to 1.

    So equal cells are one, however they were typed. Raises ConfigurationError for a product beyond its bound.
    """
    batch, pretraining = config.batch, config.pretraining
    if batch.sequences_factor == pretraining.max_steps_factor == 1:
        return config
    sequences = max(1, round(batch.sequences * batch.sequences_factor))
    updates = max(1, round(pretraining.max_steps * pretraining.max_steps_factor))
    refuse(_too_large("batch.sequences", batch.sequences_factor, sequences, MAX_SEQUENCES))
    refuse(_too_large("pretraining.max_steps", pretraining.max_steps_factor, updates, MAX_UPDATES))
    return replace(
        config,
        batch=replace(batch, sequences=sequences, sequences_factor=1.0),
        pretraining=replace(pretraining, max_steps=updates, max_steps_factor=1.0),
    )


def _too_large(field: str, factor: float, product: int, most: int) -> Iterator[Problem]:
    if product > most:
        yield Problem(f"{field}_factor", factor, f"makes {field}={product:,}, more than {most:,}; lower either")
