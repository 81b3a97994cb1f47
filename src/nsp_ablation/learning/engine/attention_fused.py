"""Attention by fused CUDA kernels that read sequences of any length end to end, without a slot of padding.

The operators of torch in which `scaled_dot_product_attention` ends are called directly: FlashAttention-2 (Dao 2023) in
half precision from Ampere on, the memory-efficient kernel (Rabe and Staats 2021, of xFormers) otherwise. Both apply
dropout, differentiate, and trace into one compiled graph. By jagged nested tensors the same kernel costs 8 + 7 ms of
host time a layer, forward and backward, instead of .06 + .12 (two CPU cores, stand-in kernels, torch 2.13).

FlashAttention-2 draws 8 bits for a weight: p = .1 drops 26 of 256 (.1016, `flash_dropout_share`) and scales the rest by
1 / .9, so that their mean is .9983. Its backward pass adds up dQ in no fixed order, unless torch's deterministic
algorithms are on.

The operators are no public interface of torch. `missing_operators` compares what they take with what is passed here,
and where a later torch takes something else, length groups are used.
"""

# L tokens of S sequences, H = A heads of size D

from dataclasses import dataclass
from functools import cache
from math import floor
from typing import Any

import torch
from torch import Tensor

# What each operator is called with, in order; further arguments must have defaults.
_ARGUMENTS = {
    "_flash_attention_forward": (
        *("query", "key", "value", "cum_seq_q", "cum_seq_k", "max_q", "max_k"),
        *("dropout_p", "is_causal", "return_debug_mask"),
    ),
    "_efficient_attention_forward": (
        *("query", "key", "value", "bias", "cu_seqlens_q", "cu_seqlens_k", "max_seqlen_q", "max_seqlen_k"),
        *("dropout_p", "custom_mask_type", "compute_log_sumexp"),
    ),
}


@dataclass(frozen=True, eq=False)
class FusedLayout:
    """The borders of sequences, `offsets` (S + 1,) int32, and a bound of their lengths.

    `is_flash`: FlashAttention-2, for half precision alone; else the memory-efficient kernel.
    """

    offsets: Tensor
    longest: int
    is_flash: bool

    def to(self, device: Any) -> "FusedLayout":
        """Return this layout with its tensor on `device`."""
        return FusedLayout(self.offsets.to(device, non_blocking=True), self.longest, self.is_flash)


def fused_layout(sequence_offsets: Tensor, longest: int, is_flash: bool) -> FusedLayout:
    """Return the layout of the sequences [offsets[s], offsets[s + 1]) of flat tokens; offsets (S + 1,) int64 on CPU.

    `longest` bounds every length from above. (A fixed one spares compiled code a new graph for each micro-batch.)
    """
    lengths = sequence_offsets.diff()
    assert len(lengths) == 0 or int(lengths.max()) <= longest, (int(lengths.max()), longest)
    return FusedLayout(sequence_offsets.to(torch.int32), longest, is_flash)


def flash_dropout_share(dropout: float) -> float:
    """Return the share of attention weights that FlashAttention-2 drops where `dropout` is asked for."""
    return 1 - (floor((1 - dropout) * 255) + 1) / 256


@cache
def missing_operators() -> str | None:
    """Return in one line which of the operators this torch lacks or calls differently, None where it has both."""
    missing = [name for name, arguments in _ARGUMENTS.items() if not _takes(name, arguments)]
    if not missing:
        return None
    names = " and ".join(f"torch.ops.aten.{name}" for name in missing)
    return f"torch {torch.__version__} has no {names} as this program calls them; attention runs in length groups"


def fused_attention(query_key_value: Tensor, layout: FusedLayout, num_heads: int, dropout: float) -> Tensor:
    """Return attention (L, H) within each sequence of Q, K and V side by side, (L, 3 H), L > 0."""
    query, key, value = query_key_value.unflatten(1, (3, num_heads, -1)).unbind(1)  # views (L, A, D)
    offsets, longest = layout.offsets, layout.longest
    output_LAD: Tensor
    if layout.is_flash:
        output_LAD = torch.ops.aten._flash_attention_forward(
            *(query, key, value, offsets, offsets, longest, longest, dropout, False, False)
        )[0]
        return output_LAD.flatten(1)
    longest = min(longest, len(query_key_value))  # it refuses a bound above the number of tokens
    keeps_sums = torch.is_grad_enabled() and query_key_value.requires_grad  # for the backward pass
    output_LAD = torch.ops.aten._efficient_attention_forward(
        *(query[None], key[None], value[None], None, offsets, offsets, longest, longest, dropout, 0, keeps_sums)
    )[0][0]
    return output_LAD.flatten(1)


def _takes(name: str, expected: tuple[str, ...]) -> bool:
    """Whether an operator of torch takes these arguments first, and nothing else that has no default."""
    operator = getattr(torch.ops.aten, name, None)
    if operator is None or "default" not in operator.overloads():
        return False
    arguments = operator.default._schema.arguments
    names = tuple(argument.name for argument in arguments[: len(expected)])
    return names == expected and all(argument.has_default_value() for argument in arguments[len(expected) :])
