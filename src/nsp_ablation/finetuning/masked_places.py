"""What the zero-shot probes share: inputs of similar length batched together, and logits at masked places alone."""

# B inputs, L positions, M places, D hidden, V vocabulary

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

_BATCH_TOKENS = 16_384


def length_batches(lengths: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the rows (B,) int64 of each batch of inputs of lengths (N,), the longest first, which come first."""
    order, start = np.argsort(-lengths, kind="stable"), 0
    while start < len(order):
        rows = order[start : start + max(1, _BATCH_TOKENS // int(lengths[order[start]]))]
        start += len(rows)
        yield rows


@torch.no_grad()
def logits_at(
    model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor, rows: Tensor, places: Tensor
) -> Tensor:
    """Return logits (M, V) float32 at places (M,) of rows (M,) of inputs (B, L); the MLM head sees those alone."""
    hidden_BLD = model.base_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    head: Any = model.cls if hasattr(model, "cls") else model.lm_head
    return head(hidden_BLD[rows, places]).float()
