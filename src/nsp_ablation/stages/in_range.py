"""The end of `stage=inspect`: which lengths of inputs are in range of every arm of a sweep, known before the run."""

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.config.identity import condition_name
from nsp_ablation.config.schema import Config
from nsp_ablation.options.probe_options import IN_RANGE_SHARE, MIN_PAIR_LENGTH
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.samples.batches.accounting import positions_of, trained_length


def say_in_range(configs: list[Config]) -> None:
    """Say up to which length each arm trains every position, from the indexes of their first epochs, and the setting
    that holds for all of them; arms of other seeds are asked, too."""
    lengths: dict[str, list[int]] = {}
    for config in configs:
        index = feed_of(config).first_index()
        trained = trained_length(positions_of(np.asarray(index.lengths()), config.max_length))
        lengths.setdefault(config.condition_name or condition_name(config), []).append(trained)
    for name, found in lengths.items():
        say("inspect", f"{name}: {IN_RANGE_SHARE:.0%} of the inputs have {min(found)} tokens or more")
    in_range = min(min(found) for found in lengths.values())
    if in_range < MIN_PAIR_LENGTH:
        raise InputError(
            f"only {in_range} tokens are in range of every arm, and a pair needs {MIN_PAIR_LENGTH}; leave the arm of "
            "the shortest inputs out of what is compared by probes"
        )
    say("inspect", f"in range of every arm: probes.in_range_tokens={in_range}")
