"""Attention in groups of sequences of similar length, each padded to its longest, through torch's
`scaled_dot_product_attention`: the way of any device, which applies any dropout."""

# L tokens of S sequences, H = A heads of size D; a group has G sequences, padded to P positions: G * P slots

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# A group of sequences closes when its padding would cost more than calling the kernels once more: in pairs of
# positions (about .3 ms, forward and backward, of a small model on 2 cores), or this share of its own pairs.
_FREE_PAIRS, _FREE_SHARE = 32_768, 1 / 8


@dataclass(frozen=True, eq=False)
class LengthGroup:
    """Sequences of similar length. `mask` (G, 1, 1, P) bool: the slots that hold a token, None where all do."""

    num_sequences: int
    padded_length: int
    mask: Tensor | None


@dataclass(frozen=True, eq=False)
class GroupLayout:
    """The groups of one micro-batch, and their slots one group after the other.

    `gather` (slots,) int64: the token in each slot, some token of the sequence where it is padding; `scatter` (L,)
    int64: the slot of each token; `padding` int64: the slots that hold none.
    """

    groups: tuple[LengthGroup, ...]
    gather: Tensor
    scatter: Tensor
    padding: Tensor

    def to(self, device: Any) -> "GroupLayout":
        """Return this layout with its tensors on `device`."""
        groups = tuple(
            LengthGroup(group.num_sequences, group.padded_length, None if group.mask is None else group.mask.to(device))
            for group in self.groups
        )
        return GroupLayout(groups, self.gather.to(device), self.scatter.to(device), self.padding.to(device))


def group_layout(sequence_offsets: Tensor) -> GroupLayout:
    """Return the layout of the sequences [offsets[s], offsets[s + 1]) of flat tokens; offsets (S + 1,) int64 on CPU."""
    offsets = sequence_offsets.numpy()
    lengths = np.diff(offsets)
    longest_first = np.argsort(-lengths, kind="stable")
    groups, gathers, tokens = [], [np.empty(0, np.int64)], [np.empty(0, bool)]
    for members in np.split(longest_first, _borders(lengths[longest_first].tolist())):
        if not len(members):
            continue
        position = np.arange(lengths[members[0]])
        is_token = position < lengths[members, None]
        gathers.append((offsets[members, None] + np.where(is_token, position, 0)).reshape(-1))
        tokens.append(is_token.reshape(-1))
        mask = None if is_token.all() else torch.from_numpy(is_token[:, None, None, :])
        groups.append(LengthGroup(len(members), len(position), mask))
    gather, is_token = np.concatenate(gathers), np.concatenate(tokens)
    scatter = np.empty(offsets[-1], np.int64)
    slots = np.flatnonzero(is_token)
    scatter[gather[slots]] = slots
    return GroupLayout(tuple(groups), *map(torch.from_numpy, (gather, scatter, np.flatnonzero(~is_token))))


def group_attention(query_key_value: Tensor, layout: GroupLayout, num_heads: int, dropout: float) -> Tensor:
    """Return attention (L, H) within each sequence of Q, K and V side by side, (L, 3 H)."""
    hidden_size = query_key_value.shape[1] // 3
    slots = _Gather.apply(query_key_value, layout.gather, layout.scatter)
    outputs = []
    sizes = [group.num_sequences * group.padded_length for group in layout.groups]
    for group, part in zip(layout.groups, slots.split(sizes) if len(sizes) > 1 else [slots], strict=True):
        shape = (group.num_sequences, group.padded_length, num_heads, hidden_size // num_heads)
        query_GAPD, key_GAPD, value_GAPD = (flat.view(shape).transpose(1, 2) for flat in part.split(hidden_size, dim=1))
        output_GAPD = F.scaled_dot_product_attention(
            query_GAPD, key_GAPD, value_GAPD, attn_mask=group.mask, dropout_p=dropout
        )
        outputs.append(output_GAPD.transpose(1, 2).reshape(-1, hidden_size))
    return _Scatter.apply(outputs[0] if len(outputs) == 1 else torch.cat(outputs), layout)


class _Gather(torch.autograd.Function):
    """Tokens into slots. Padding gets no gradient (its output is dropped and its keys are masked), so that the
    gradient is the opposite selection: torch's own would add row by row."""

    @staticmethod
    def forward(context, tokens: Tensor, gather: Tensor, scatter: Tensor) -> Tensor:
        context.save_for_backward(scatter)
        return tokens.index_select(0, gather)

    @staticmethod
    def backward(context, gradient: Tensor):
        return gradient.index_select(0, context.saved_tensors[0]), None, None


class _Scatter(torch.autograd.Function):
    """Slots into tokens; the gradient of padding is 0."""

    @staticmethod
    def forward(context, slots: Tensor, layout: GroupLayout) -> Tensor:
        context.layout = layout
        return slots.index_select(0, layout.scatter)

    @staticmethod
    def backward(context, gradient: Tensor):
        layout = context.layout
        return gradient.index_select(0, layout.gather).index_fill_(0, layout.padding, 0.0), None


def _borders(descending_lengths: list[int]) -> list[int]:
    """Return where each group but the first begins."""
    borders: list[int] = []
    longest = padding = pairs = 0
    for index, length in enumerate(descending_lengths):
        padding += longest**2 - length**2
        pairs += longest**2
        if index == 0 or padding > max(_FREE_PAIRS, _FREE_SHARE * pairs):
            borders += [index] if index else []
            longest, padding, pairs = length, 0, length**2
    return borders
