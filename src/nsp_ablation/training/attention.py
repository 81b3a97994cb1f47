"""Attention over sequences that lie end to end: each token attends to its own sequence, with no padding outside.

Packing sequences and passing position ids alone lets every token attend to all sequences, silently. Here sequences
are grouped by length, padded within their group, and attended to by torch's `scaled_dot_product_attention`, which can
apply the configured attention dropout on every device.
"""

# L tokens of S sequences, A heads of size D; a group has G sequences, padded to P positions

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BACKEND = "sdpa, length groups"

# A group of sequences closes when its padding would cost more than calling the kernels once more: in pairs of
# positions (about .3 ms, forward and backward, of a small model on 2 cores), or this share of its own pairs.
_FREE_PAIRS, _FREE_SHARE = 32_768, 1 / 8


@dataclass(frozen=True, eq=False)
class LengthGroup:
    """Sequences of similar length. `gather` (G * P,) int64: the token in each slot; `mask` (G, 1, 1, P) bool: slots
    that hold a token, None where all do."""

    num_sequences: int
    padded_length: int
    gather: Tensor
    mask: Tensor | None


@dataclass(frozen=True, eq=False)
class AttentionLayout:
    """The groups of one micro-batch. `scatter` (L,) int64: the slot of each token, counted over all groups."""

    groups: tuple[LengthGroup, ...]
    scatter: Tensor

    def to(self, device: Any) -> "AttentionLayout":
        """Return this layout with its tensors on `device`."""
        groups = tuple(
            replace(group, gather=group.gather.to(device), mask=None if group.mask is None else group.mask.to(device))
            for group in self.groups
        )
        return AttentionLayout(groups, self.scatter.to(device))


def attention_layout(sequence_offsets: Tensor) -> AttentionLayout:
    """Return the layout of the sequences [offsets[s], offsets[s + 1]) of flat tokens; offsets (S + 1,) int64 on CPU."""
    offsets = sequence_offsets.numpy()
    lengths = np.diff(offsets)
    longest_first = np.argsort(-lengths, kind="stable")
    scatter = np.empty(offsets[-1], np.int64)
    groups, num_slots = [], 0
    for members in np.split(longest_first, _borders(lengths[longest_first].tolist())):
        if not len(members):
            continue
        padded_length = int(lengths[members[0]])
        position = np.arange(padded_length)
        is_token = position < lengths[members, None]
        gather = np.where(is_token, offsets[members, None] + position, offsets[members, None])
        scatter[gather[is_token]] = num_slots + np.flatnonzero(is_token)
        num_slots += gather.size
        mask = None if is_token.all() else torch.from_numpy(is_token[:, None, None, :])
        groups.append(LengthGroup(len(members), padded_length, torch.from_numpy(gather.reshape(-1)), mask))
    return AttentionLayout(tuple(groups), torch.from_numpy(scatter))


def flat_attention(query: Tensor, key: Tensor, value: Tensor, layout: AttentionLayout, num_heads: int, dropout: float):
    """Return softmax(Q K^T / sqrt(D)) V within each sequence, (L, A * D); query, key, value are (L, A * D).

    `dropout` is the probability that drops an attention weight, 0 outside training.
    """
    outputs = []
    for group in layout.groups:
        shape = (group.num_sequences, group.padded_length, num_heads, query.shape[1] // num_heads)
        query_GAPD, key_GAPD, value_GAPD = (
            flat.index_select(0, group.gather).view(shape).transpose(1, 2) for flat in (query, key, value)
        )
        output_GAPD = F.scaled_dot_product_attention(
            query_GAPD, key_GAPD, value_GAPD, attn_mask=group.mask, dropout_p=dropout
        )
        outputs.append(output_GAPD.transpose(1, 2).reshape(-1, query.shape[1]))
    if not outputs:  # a micro-batch without sequences
        return query * 0
    return (outputs[0] if len(outputs) == 1 else torch.cat(outputs)).index_select(0, layout.scatter)


def _borders(descending_lengths: list[int]) -> list[int]:
    """Return where each group but the first begins."""
    borders: list[int] = []
    longest = padding = pairs = 0
    for place, length in enumerate(descending_lengths):
        padding += longest**2 - length**2
        pairs += longest**2
        if place == 0 or padding > max(_FREE_PAIRS, _FREE_SHARE * pairs):
            borders += [place] if place else []
            longest, padding, pairs = length, 0, length**2
    return borders
