"""The losses: as shares of one update, to whose mean micro-batches and ranks add up; and held out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
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


@dataclass(frozen=True)
class HeldoutLoss:
    """Mean MLM loss a masked token in nats, and the share of pairs told apart (NSP, SOP), None without a head."""

    mlm_loss: float
    pair_accuracy: float | None


@torch.inference_mode()
def heldout_loss(model: PretrainingModel, batches: Iterable[MicroBatch], device: torch.device) -> HeldoutLoss:
    """Return the losses over all batches together, without dropout, in the weights' own precision; the model stays on
    `device`, in evaluation mode.

    Raises InputError if there is nothing to predict.
    """
    model.eval().to(device)
    loss_sum, num_predictions, num_right, num_pairs = 0.0, 0, 0, 0
    backend = model.attention_backend(device, "32-true", dropout=0.0)
    for batch in batches:
        layout = model.layout_of(batch, backend).to(device)
        batch = batch.to(device)
        # `forward` itself: a compiled model would be compiled anew for the shapes of each batch
        masked_logits, pair_logits = model.forward(batch, layout)
        loss_sum += float(F.cross_entropy(masked_logits, batch.masked_labels, reduction="sum"))
        num_predictions += len(batch.masked_labels)
        if pair_logits is not None and batch.pair_labels is not None:
            num_right += int((pair_logits.argmax(dim=1) == batch.pair_labels).sum())
            num_pairs += len(batch.pair_labels)
    if num_predictions == 0:
        raise InputError("the held-out documents are too few to predict a token; raise corpus.heldout_fraction")
    return HeldoutLoss(loss_sum / num_predictions, num_right / num_pairs if num_pairs else None)
