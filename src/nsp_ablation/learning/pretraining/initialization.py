"""How weights start: BERT's initialization, and the measures by which small models leave the unigram plateau.

Each parameter is drawn by (seed, its name), so that no head, format or objective moves the others. The measures (keys
`*_init` and those of how they start, `pair_head_init_std`, `unigram_output_bias`) are for small scales alone; base and
large start as published.
"""

# H hidden, D size of a head, P positions, V vocabulary

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.randomness import draw64, epoch_key, stream

_NEIGHBOURS = (-1, 1, -2)  # what the first heads of the first layer attend to
_NEIGHBOUR_SCORE = 100.0  # of a pair of exact neighbours, before softmax, if the input were positions alone
_LOOKUP_GAIN = 0.5


@torch.no_grad()
def initialize(model: nn.Module, std: float, seed: int, others: Mapping[nn.Parameter, float] | None = None) -> None:
    """Draw all weights from normal(0, std); biases are 0, LayerNorms the identity, padding's embeddings 0 (BERT).

    `others` have a standard deviation of their own; of the draw itself they keep what they would have without it.
    """
    stds = others or {}
    for name, parameter in model.named_parameters():  # a tied weight once, by its first name: the embeddings'
        if parameter.ndim < 2:
            parameter.zero_()
        else:
            parameter.normal_(0.0, stds.get(parameter, std), generator=_generator(seed, name))
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            module.reset_parameters()
        elif isinstance(module, nn.Embedding) and module.padding_idx is not None:
            module.weight[module.padding_idx].zero_()


@torch.no_grad()
def initialize_positions(model: Any, first: int, base: float, amplitude: float) -> None:
    """Start position embeddings, from position id `first` on, as sinusoids (Vaswani et al. 2017) of this base and
    amplitude."""
    weight = model.base_model.embeddings.position_embeddings.weight
    weight[first:] = amplitude * _sinusoids(weight.shape[0] - first, weight.shape[1], base)


@torch.no_grad()
def initialize_lookup(model: Any, seed: int) -> None:
    """Start the last layer's attention as a lookup: W_Q = W_K, so that like attends to like, and W_O W_V = I / 2."""
    layer = model.base_model.encoder.layer[-1].attention
    attention: Any = layer.self
    attention.query.weight.copy_(attention.key.weight)
    orthogonal_HH = _orthogonal(attention.key.weight.shape[0], seed, "lookup")
    attention.value.weight.copy_(orthogonal_HH)
    layer.output.dense.weight.copy_(_LOOKUP_GAIN * orthogonal_HH.T)


@torch.no_grad()
def initialize_neighbours(model: Any, base: float | None) -> None:
    """Start first-layer heads as attention to the previous, the next and the second previous token.

    Positions must be sinusoids of `base`: a shift by k rotates each pair (sin, cos) by k times its frequency, so a
    query that rotates its position by k is likest to the key k further on. A head holds D / 2 pairs: those of the
    highest frequencies, which tell neighbours apart. There the embeddings of tokens and types start at 0: what a head
    reads of them is likest in the token itself, by more than neighbouring positions differ. Raises InputError without
    sinusoids.
    """
    if base is None:
        raise InputError("model.neighbour_init=true needs positions from sinusoids; set model.sinusoid_init_base")
    attention: Any = model.base_model.encoder.layer[0].attention.self
    hidden_size, size = attention.query.weight.shape[0], attention.attention_head_size
    pairs = size // 2
    gain = math.sqrt(_NEIGHBOUR_SCORE * math.sqrt(size) / pairs)
    frequencies = _frequencies(hidden_size, base)[:pairs].float()
    pair = torch.arange(pairs)
    for head, shift in enumerate(_NEIGHBOURS[: attention.num_attention_heads]):
        query_DH, key_DH = torch.zeros(size, hidden_size), torch.zeros(size, hidden_size)
        sine, cosine = torch.sin(shift * frequencies), torch.cos(shift * frequencies)
        # sinusoids lie as sin, cos, sin, cos, ...
        key_DH[2 * pair, 2 * pair] = key_DH[2 * pair + 1, 2 * pair + 1] = gain
        query_DH[2 * pair, 2 * pair] = query_DH[2 * pair + 1, 2 * pair + 1] = gain * cosine
        query_DH[2 * pair, 2 * pair + 1] = gain * sine
        query_DH[2 * pair + 1, 2 * pair] = -gain * sine
        rows = slice(head * size, (head + 1) * size)
        attention.query.weight[rows], attention.key.weight[rows] = query_DH, key_DH
    embeddings: Any = model.base_model.embeddings
    for table in (embeddings.word_embeddings, embeddings.token_type_embeddings):
        table.weight[:, : 2 * pairs].zero_()


@torch.no_grad()
def initialize_neighbour_values(model: Any, gain: float, seed: int) -> None:
    """Start what the heads of `initialize_neighbours` pass on: W_O W_V of head h is `gain` times a projection P_h.

    The rows of one drawn orthogonal matrix are shared out among the heads of the layer, so P_h = Q_h^T Q_h has rank D,
    P_g P_h = 0 for two heads, and over a layer of such heads alone (at most three) they add up to the identity: what
    three neighbours pass on arrives in three subspaces, each in the directions in which the token itself has it.
    `initialize_lookup` does so for the last layer, all heads of which attend alike. Other heads keep what was drawn.
    """
    attention: Any = model.base_model.encoder.layer[0].attention
    size, num_heads = attention.self.attention_head_size, attention.self.num_attention_heads
    rows = slice(0, size * min(len(_NEIGHBOURS), num_heads))
    orthogonal_HH = _orthogonal(size * num_heads, seed, "neighbour_values")
    attention.self.value.weight[rows] = orthogonal_HH[rows]
    attention.output.dense.weight[:, rows] = gain * orthogonal_HH[rows].T


@torch.no_grad()
def initialize_output_bias(mlm_head: Any, token_counts: np.ndarray) -> None:
    """Start the output bias at the log unigram frequencies; token_counts (V,), one is added to each."""
    counts = torch.from_numpy(np.asarray(token_counts, np.float64)) + 1
    mlm_head.bias.copy_(torch.log(counts / counts.sum()))


def _generator(seed: int, name: str) -> torch.Generator:
    key = np.full(1, epoch_key(seed, stream(f"initialization/{name}"), 0))
    return torch.Generator().manual_seed(int(draw64(key, np.uint64(0))[0]))


def _orthogonal(size: int, seed: int, name: str) -> Tensor:
    """Return an orthogonal matrix (size, size), drawn by the seed and a name."""
    return torch.linalg.qr(torch.empty(size, size).normal_(generator=_generator(seed, name))).Q


def _frequencies(hidden_size: int, base: float) -> Tensor:
    return base ** (-torch.arange(0, hidden_size, 2, dtype=torch.float64) / hidden_size)


def _sinusoids(num_positions: int, hidden_size: int, base: float) -> Tensor:
    """Return (P, H): column 2i is the sine of position times frequency i, column 2i + 1 its cosine."""
    angle = torch.arange(num_positions, dtype=torch.float64)[:, None] * _frequencies(hidden_size, base)
    return torch.stack([angle.sin(), angle.cos()], dim=-1).flatten(1)[:, :hidden_size].float()
