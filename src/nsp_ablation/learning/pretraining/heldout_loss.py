"""The losses held out."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.samples.batches.loader import MicroBatch


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
        masked_logits, pair_logits = model(batch, layout)
        loss_sum += float(F.cross_entropy(masked_logits, batch.masked_labels, reduction="sum"))
        num_predictions += len(batch.masked_labels)
        if pair_logits is not None and batch.pair_labels is not None:
            num_right += int((pair_logits.argmax(dim=1) == batch.pair_labels).sum())
            num_pairs += len(batch.pair_labels)
    if num_predictions == 0:
        raise InputError("the held-out documents are too few to predict a token; raise corpus.heldout_fraction")
    return HeldoutLoss(loss_sum / num_predictions, num_right / num_pairs if num_pairs else None)
