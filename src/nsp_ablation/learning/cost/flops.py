"""FLOPs of the model, in one place: multiplications and additions of its matrix products.

PaLM's count (Chowdhery et al. 2022, appendix B): 6 N + 12 L H Q T a token for N parameters in matrix products, L
layers, H heads of size Q and sequences of T; a third of it forward. Here T is each sequence's own length, and the MLM
head counts at the masked positions alone, as it is computed. Embeddings, LayerNorm and softmax do not count; nor do
recomputed layers (gradient checkpointing) and padding, so that a share of the peak made of these FLOPs is the model's
(MFU), not the hardware's.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class EncoderSize:
    """The sizes that FLOPs and memory depend on."""

    num_layers: int
    hidden_size: int
    intermediate_size: int
    vocab_size: int

    @classmethod
    def of(cls, config: Any) -> "EncoderSize":
        """Return the sizes of a `transformers` configuration."""
        return cls(config.num_hidden_layers, config.hidden_size, config.intermediate_size, config.vocab_size)


@dataclass(frozen=True)
class Work:
    """What was read: real tokens; `attended`, the sum of squared sequence lengths (pairs of tokens); masked tokens
    predicted; pairs classified (0 without a loss on pairs)."""

    num_tokens: float
    attended: float
    num_predictions: float
    num_pairs: float


def training_flops(size: EncoderSize, work: Work) -> float:
    """Return the FLOPs of forward and backward pass: the backward pass has two products for each of the forward's."""
    return 3 * forward_flops(size, work)


def forward_flops(size: EncoderSize, work: Work) -> float:
    """Return the FLOPs of the forward pass."""
    hidden, intermediate = size.hidden_size, size.intermediate_size
    token = 4 * hidden**2 + 2 * hidden * intermediate  # Q, K, V and output projections; the two of the feed-forward
    pair_of_tokens = 2 * hidden  # query times key, weight times value, over all heads
    prediction = hidden**2 + hidden * size.vocab_size  # the head's transform; the output embedding
    pair = hidden**2 + 2 * hidden  # pooler; classifier
    layers = size.num_layers * (token * work.num_tokens + pair_of_tokens * work.attended)
    return 2 * (layers + prediction * work.num_predictions + pair * work.num_pairs)
