"""The losses of a micro-batch: as sums, and as shares of one update, to whose mean micro-batches and ranks add up."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from nsp_ablation.samples.batches.loader import MicroBatch


class Losses(NamedTuple):
    """A micro-batch's losses, scalars, as sums or as its share; `pair` (NSP or SOP) is None without a head on pairs."""

    mlm: Tensor
    pair: Tensor | None

    @property
    def total(self) -> Tensor:
        """MLM and, where there is one, the loss on pairs, added (BERT's objective)."""
        return self.weighted(1.0)

    def weighted(self, pair_weight: float) -> Tensor:
        """MLM plus `pair_weight` times the loss on pairs, where there is one: what is minimized."""
        return self.mlm if self.pair is None else self.mlm + pair_weight * self.pair


def sum_losses(
    masked_logits: Tensor, pair_logits: Tensor | None, masked_labels: Tensor, pair_labels: Tensor | None
) -> Losses:
    """Return the sums of the cross-entropies at masked positions (M, V) and over pairs (S, 2), but for labels -100."""
    mlm = F.cross_entropy(masked_logits, masked_labels, reduction="sum")
    if pair_logits is None:
        return Losses(mlm, None)
    assert pair_labels is not None, "a loss on pairs needs a format of pairs"
    return Losses(mlm, F.cross_entropy(pair_logits, pair_labels, reduction="sum"))


def update_share(sums: Losses, batch: MicroBatch) -> Losses:
    """Return the sums of a micro-batch's losses over the counts of its whole update (fidelity row 3).

    MLM over all masked tokens of the update, pairs over all its pairs. No mean of means, however the update is cut.
    The counts change with every update: compiled code ends before them.
    """
    pair = None if sums.pair is None else sums.pair / batch.num_update_pairs
    return Losses(sums.mlm / batch.num_update_predictions, pair)
