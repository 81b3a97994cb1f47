"""What a cell costs by formula: parameters, FLOPs (multiplications and additions of matrix products) and memory.

FLOPs are PaLM's count (Chowdhery et al. 2022, appendix B): 6 N + 12 L H Q T a token for N parameters in matrix
products, L layers, H heads of size Q and sequences of T; a third of it forward. Here T is each sequence's own length,
and the MLM head counts at the masked positions alone, as it is computed. Embeddings, LayerNorm and softmax do not
count; nor do recomputed layers (gradient checkpointing) and padding, so that a share of the peak made of these FLOPs is
the model's (MFU), not the hardware's.
"""

from dataclasses import dataclass
from typing import Any

from nsp_ablation.options.model_options import ARCHITECTURES, ModelOptions

_FULL_BYTES = {"32-true": 4, "64-true": 8, "bf16-mixed": 4, "16-mixed": 4}


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


def parameter_counts(model: ModelOptions, vocab_size: int, max_length: int, pad_id: int) -> dict[str, int]:
    """Return the number of parameters by part; the output embedding, tied to the input's, counts once."""
    facts = ARCHITECTURES[model.architecture]
    hidden, intermediate = model.hidden_size, model.intermediate_size
    num_positions = max_length + (pad_id + 1 if facts.positions_after_padding else 0)
    norm = 2 * hidden
    layer = 4 * _linear(hidden, hidden) + _linear(hidden, intermediate) + _linear(intermediate, hidden) + 2 * norm
    return {
        "embeddings": (vocab_size + num_positions + model.type_vocab_size) * hidden + norm,
        "layers": model.num_layers * layer + (norm if facts.final_layer_norm else 0),
        "pooler": _linear(hidden, hidden),
        "MLM head": _linear(hidden, hidden) + norm + vocab_size,
        "classifier of pairs": _linear(hidden, 2),
    }


def encoder_size(model: ModelOptions, vocab_size: int) -> EncoderSize:
    """Return the sizes that FLOPs and memory depend on."""
    return EncoderSize(model.num_layers, model.hidden_size, model.intermediate_size, vocab_size)


def _linear(num_inputs: int, num_outputs: int) -> int:
    return num_inputs * num_outputs + num_outputs


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one device; what the allocator and kernels need is not in it."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        return self.weights + self.gradients + self.optimizer + self.activations


def memory_estimate(
    num_parameters: int,
    size: EncoderSize,
    num_tokens: int,
    num_predictions: int,
    *,
    precision: str,
    has_dropout: bool,
    checkpoints_layers: bool,
) -> MemoryEstimate:
    """Return the memory of one micro-batch's training step: weights, gradients and AdamW's two moments in full
    precision, and what the forward pass keeps.

    A layer keeps, a token: its input, Q, K and V, attention's output, the inputs of two LayerNorms and of the two
    products that follow (9 H), the feed-forward before and after its activation (2 I), and a byte of mask for each of
    two dropouts. In mixed precision the inputs of LayerNorm stay full, the rest is half. (Korthikanti et al. 2022,
    section 4, counts 34 H bytes in half precision, without pairs of tokens, which fused attention does not keep.) The
    MLM head keeps log-probabilities, and has logits and their gradient beside them for a moment.
    """
    full = _FULL_BYTES[precision]
    half = 2 if precision.endswith("mixed") else full
    hidden, intermediate = size.hidden_size, size.intermediate_size
    layer = half * (7 * hidden + 2 * intermediate) + full * 2 * hidden + (2 * hidden if has_dropout else 0)
    layers = size.num_layers * (full * hidden) + layer if checkpoints_layers else size.num_layers * layer
    embeddings = full * 2 * hidden
    head = num_predictions * (3 * full * size.vocab_size + 4 * full * hidden)
    return MemoryEstimate(
        weights=num_parameters * full,
        gradients=num_parameters * full,
        optimizer=2 * num_parameters * full,
        activations=num_tokens * (layers + embeddings) + head,
    )
