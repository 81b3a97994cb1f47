"""Attention over sequences that lie end to end: each token attends to its own sequence, with no padding outside.

Packing sequences and passing position ids alone lets every token attend to all sequences, silently. Here the borders
of sequences are part of the call, and the fastest way is taken that this device has for them. Each applies the
configured attention dropout.
"""

import torch
from torch import Tensor

from nsp_ablation.learning.engine.attention_fused import (
    FusedLayout,
    flash_dropout_share,
    fused_attention,
    fused_layout,
    missing_operators,
)
from nsp_ablation.learning.engine.attention_groups import GroupLayout, group_attention, group_layout

AttentionLayout = GroupLayout | FusedLayout

# The names that records give the backends: the kernels, but for torch's own choice in length groups.
LENGTH_GROUPS = "sdpa, length groups"
FLASH, EFFICIENT = "flash attention 2 (aten)", "memory-efficient attention (aten)"

_FLASH_CAPABILITY = (8, 0)  # of CUDA devices, from which FlashAttention-2 and bf16 run
_DROPOUT_TOLERANCE = 0.1  # of the configured probability
_MAX_HEAD_SIZE = 128  # FlashAttention-2 has no backward pass with dropout above 192 on some devices
_DTYPES = {
    "32-true": torch.float32,
    "64-true": torch.float64,
    "bf16-mixed": torch.bfloat16,
    "16-mixed": torch.float16,
}


def choose_backend(
    device_type: str, capability: tuple[int, int] | None, precision: str, head_size: int, dropout: float
) -> str:
    """Return the fastest backend of a device that applies `dropout` to attention weights at this precision.

    `capability` is a CUDA device's, None elsewhere. FlashAttention-2 is left out where its 8 bits miss the configured
    share of dropped weights by more than a tenth of it (.01: 3 of 256).
    """
    dtype = _DTYPES[precision]
    if device_type != "cuda" or dtype == torch.float64 or head_size % 8 or head_size > _MAX_HEAD_SIZE:
        return LENGTH_GROUPS
    assert capability is not None
    is_ampere = capability >= _FLASH_CAPABILITY
    if (dtype == torch.bfloat16 and not is_ampere) or missing_operators() is not None:
        return LENGTH_GROUPS
    is_near = abs(flash_dropout_share(dropout) - dropout) <= _DROPOUT_TOLERANCE * dropout
    return FLASH if is_ampere and dtype != torch.float32 and is_near else EFFICIENT


def backend_on(device: torch.device, precision: str, head_size: int, dropout: float) -> str:
    """Return `choose_backend` of a device that is there."""
    capability = torch.cuda.get_device_capability(device) if device.type == "cuda" else None
    return choose_backend(device.type, capability, precision, head_size, dropout)


def attention_layout(
    sequence_offsets: Tensor, backend: str = LENGTH_GROUPS, longest: int | None = None
) -> AttentionLayout:
    """Return the layout that a backend needs of the sequences [offsets[s], offsets[s + 1]) of flat tokens.

    offsets (S + 1,) int64 on CPU, where the layout is built; `longest` bounds their lengths from above (None: their
    own greatest).
    """
    if backend == LENGTH_GROUPS:
        return group_layout(sequence_offsets)
    assert backend in (FLASH, EFFICIENT), backend
    bound = longest if longest is not None else int(sequence_offsets.diff().max()) if len(sequence_offsets) > 1 else 0
    return fused_layout(sequence_offsets, bound, is_flash=backend == FLASH)


def flat_attention(query_key_value: Tensor, layout: AttentionLayout, num_heads: int, dropout: float) -> Tensor:
    """Return softmax(Q K^T / sqrt(D)) V within each sequence, (L, H), of Q, K and V side by side, (L, 3 H).

    `dropout` is the probability that drops an attention weight, 0 outside training. Flash attention wants half
    precision.
    """
    if query_key_value.shape[0] == 0:  # a micro-batch without sequences
        return query_key_value[:, : query_key_value.shape[1] // 3] * 0
    if isinstance(layout, FusedLayout):
        return fused_attention(query_key_value, layout, num_heads, dropout)
    return _uncompiled(query_key_value, layout, num_heads, dropout)


@torch.compiler.disable
def _uncompiled(query_key_value: Tensor, layout: GroupLayout, num_heads: int, dropout: float) -> Tensor:
    """Groups change in number and shape from micro-batch to micro-batch: compiled code goes round them."""
    return group_attention(query_key_value, layout, num_heads, dropout)
