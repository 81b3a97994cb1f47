"""How the configured machine cuts an update in micro-batches."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.samples.batches.budget import UpdateSize
from nsp_ablation.samples.batches.micro_batches import largest_update, micro_batch_tokens, num_micro_batches


@dataclass(frozen=True)
class Cut:
    """The micro-batches of an update on each device, and the real tokens that each of them holds at most."""

    accumulation: int
    max_tokens: int


def make_cut(trainer: TrainerOptions, size: UpdateSize, lengths: np.ndarray) -> Cut:
    """Return the cut of updates of this size over samples of these lengths (N,) int64.

    Raises ValueError where `trainer.max_tokens` is too small for them.
    """
    update_tokens, longest = largest_update(size, lengths), int(lengths.max())
    num_ranks = trainer.devices * trainer.num_nodes
    accumulation = num_micro_batches(
        update_tokens,
        longest,
        max_tokens=trainer.max_tokens,
        num_ranks=num_ranks,
        at_least=trainer.accumulation,
    )
    return Cut(accumulation, micro_batch_tokens(update_tokens, longest, accumulation * num_ranks))
