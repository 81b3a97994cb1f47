"""Attention by fused CUDA kernels that read sequences of any length end to end, without a slot of padding.

Two ways to FlashAttention-2 (and to the memory-efficient kernel where FlashAttention does not run): torch's
`varlen_attn`, which has no dropout, and jagged nested tensors through `scaled_dot_product_attention`, which has.
FlexAttention is not among them: it has no dropout either, and without it `varlen_attn` needs no compiled mask.

Never run on a GPU by the authors. Tested without one: torch accepts both calls, forward and backward, down to its CUDA
operators (on the meta device, which computes nothing); results go where they belong (jagged through its slow CPU way,
with gradients and dropout; `varlen_attn` against a stand-in of its documented contract).
"""

# L tokens of S sequences, H = A heads of size D

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True, eq=False)
class FusedLayout:
    """The borders of sequences, `offsets` (S + 1,) int32, with the least and greatest length among them.

    `has_dropout_kernel`: jagged nested tensors; else `varlen_attn`, which applies none.
    """

    offsets: Tensor
    shortest: int
    longest: int
    has_dropout_kernel: bool

    def to(self, device: Any) -> "FusedLayout":
        """Return this layout with its tensor on `device`."""
        return FusedLayout(
            self.offsets.to(device, non_blocking=True), self.shortest, self.longest, self.has_dropout_kernel
        )


def fused_layout(sequence_offsets: Tensor, longest: int, has_dropout_kernel: bool) -> FusedLayout:
    """Return the layout of the sequences [offsets[s], offsets[s + 1]) of flat tokens; offsets (S + 1,) int64 on CPU.

    `longest` bounds every length from above. (A fixed one spares compiled code a new graph for each micro-batch.)
    """
    lengths = sequence_offsets.diff()
    shortest = int(lengths.min()) if len(lengths) else 0
    assert len(lengths) == 0 or int(lengths.max()) <= longest, (int(lengths.max()), longest)
    return FusedLayout(sequence_offsets.to(torch.int32), shortest, longest, has_dropout_kernel)


def has_varlen() -> bool:
    """Whether this torch has `torch.nn.attention.varlen`."""
    return find_spec("torch.nn.attention.varlen") is not None


def varlen_attention(query_key_value: Tensor, layout: FusedLayout, num_heads: int) -> Tensor:
    """Return attention (L, H) without dropout within each sequence of Q, K and V side by side, (L, 3 H) in half
    precision."""
    from torch.nn.attention.varlen import varlen_attn

    query_LAD, key_LAD, value_LAD = _heads(query_key_value, num_heads)
    offsets, longest = layout.offsets, layout.longest
    output_LAD: Any = varlen_attn(query_LAD, key_LAD, value_LAD, offsets, offsets, longest, longest)
    return output_LAD.flatten(1)


def jagged_attention(query_key_value: Tensor, layout: FusedLayout, num_heads: int, dropout: float) -> Tensor:
    """Return attention (L, H) within each sequence of Q, K and V side by side, (L, 3 H)."""
    query, key, value = (
        # contiguous: torch's slow way (CPU) asks for it, and a copy is safer than trusting every kernel with strides
        torch.nested.nested_tensor_from_jagged(
            part_LAD.contiguous(), layout.offsets, min_seqlen=layout.shortest, max_seqlen=layout.longest
        ).transpose(1, 2)
        for part_LAD in _heads(query_key_value, num_heads)
    )
    output = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout)
    return output.transpose(1, 2).values().flatten(1)


def _heads(query_key_value: Tensor, num_heads: int) -> tuple[Tensor, ...]:
    """Return Q, K and V as views (L, A, D)."""
    return query_key_value.unflatten(1, (3, num_heads, -1)).unbind(1)
