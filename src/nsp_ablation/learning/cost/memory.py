"""An estimate of the memory that training takes, for a dry run; what the allocator and kernels need is not in it."""

from dataclasses import dataclass

from nsp_ablation.learning.cost.flops import EncoderSize

_FULL_BYTES = {"32-true": 4, "64-true": 8, "bf16-mixed": 4, "16-mixed": 4}


@dataclass(frozen=True)
class MemoryEstimate:
    """Bytes on one device."""

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
