"""How the configured machine divides an update into micro-batches."""

from dataclasses import dataclass

import numpy as np

from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.samples.batches.micro_batches import largest_update, micro_batch_tokens, num_micro_batches
from nsp_ablation.samples.batches.update_size import UpdateSize


@dataclass(frozen=True)
class MicroBatchPlan:
    """Micro-batches per update and device, and the most real tokens that one of them holds."""

    accumulation: int
    max_tokens: int


def plan_micro_batches(trainer: TrainerOptions, size: UpdateSize, lengths: np.ndarray) -> MicroBatchPlan:
    """Return the plan for updates of this size over samples of these lengths (N,) int64.

    Raises InputError where `trainer.max_tokens` is too small for them.
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
    return MicroBatchPlan(accumulation, micro_batch_tokens(update_tokens, longest, accumulation * num_ranks))
