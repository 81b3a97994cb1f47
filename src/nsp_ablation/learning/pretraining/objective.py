"""The losses, as shares of one update: what micro-batches and ranks contribute adds up to the update's mean."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from nsp_ablation.samples.batches.loader import MicroBatch


class Losses(NamedTuple):
    """A micro-batch's share of the update's losses, scalars; `pair` (NSP or SOP) is None without a head on pairs."""

    mlm: Tensor
    pair: Tensor | None

    @property
    def total(self) -> Tensor:
        """MLM and, where there is one, the loss on pairs, added (BERT's objective)."""
        return self.mlm if self.pair is None else self.mlm + self.pair


def update_share(masked_logits: Tensor, pair_logits: Tensor | None, batch: MicroBatch) -> Losses:
    """Return the sums of the micro-batch's losses over the counts of its whole update (fidelity row 3).

    masked_logits (M, V): cross-entropy at the masked positions, over all masked tokens of the update; pair_logits
    (S, 2): cross-entropy over all pairs of the update. No mean of means, however the update is cut.
    """
    mlm = F.cross_entropy(masked_logits, batch.masked_labels, reduction="sum") / batch.num_update_predictions
    if pair_logits is None:
        return Losses(mlm, None)
    assert batch.pair_labels is not None, "a loss on pairs needs a format of pairs"
    return Losses(mlm, F.cross_entropy(pair_logits, batch.pair_labels, reduction="sum") / batch.num_update_pairs)
