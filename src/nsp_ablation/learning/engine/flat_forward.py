"""The encoder's forward pass over flat tokens, through the weights of a `transformers` model.

A walk through the model's own modules: `transformers` builds masks, records outputs and passes keywords through every
layer, 1.2 to 1.5 ms of CPU time in a step of 34 at model=micro, and it pads. Tests hold it equal to theirs.
"""

# L tokens of all sequences, H hidden

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from nsp_ablation.learning.engine.architecture.architecture import Architecture
from nsp_ablation.learning.engine.attention import AttentionLayout, flat_attention


def encode_flat(
    architecture: Architecture,
    base: Any,
    input_ids: Tensor,
    token_type_ids: Tensor,
    position_ids: Tensor,
    layout: AttentionLayout,
    *,
    checkpoints_layers: bool,
) -> Tensor:
    """Return the last hidden states (L, H) of flat tokens (L,) int64, as the base model would for each sequence alone.

    `position_ids` count from 0 in each sequence. A model of one token type reads every token as type 0. With
    `checkpoints_layers` each layer keeps its input alone and runs again in the backward pass (gradient checkpointing):
    the same gradients, dropout included.
    """
    embeddings, config = base.embeddings, base.config
    by_lerp = not looks_types_up(token_type_ids.device)
    hidden_LH = embeddings.word_embeddings(input_ids)
    hidden_LH = hidden_LH + embed_token_types(embeddings.token_type_embeddings, token_type_ids, by_lerp=by_lerp)
    first_position = architecture.first_position(config.pad_token_id)
    hidden_LH = hidden_LH + embeddings.position_embeddings(position_ids + first_position)
    hidden_LH = embeddings.dropout(embeddings.LayerNorm(hidden_LH))
    for layer in base.encoder.layer:
        if checkpoints_layers and torch.is_grad_enabled():
            hidden_LH = checkpoint(architecture.run_layer, layer, hidden_LH, layout, use_reentrant=False)
        else:
            hidden_LH = architecture.run_layer(layer, hidden_LH, layout)
    return architecture.finish(base, hidden_LH)


def looks_types_up(device: torch.device) -> bool:
    """Whether a device embeds token types faster by lookup than by interpolation, both passes together."""
    return device.type == "cpu"


def embed_token_types(table: nn.Embedding, token_type_ids: Tensor, *, by_lerp: bool) -> Tensor:
    """Return the embeddings of token types (L,), (L, H) or one row (H,) for all; a table of one type reads all as 0.

    `by_lerp` interpolates between the two rows, to the very numbers of the lookup, for types 0 and 1 of two. On a GPU
    the gradient of a lookup adds L rows onto two, one after the other; on CPU it is two to three times faster.
    """
    if table.num_embeddings == 1:
        return table.weight[0] if by_lerp else table(torch.zeros_like(token_type_ids))
    if by_lerp and table.num_embeddings == 2:
        return torch.lerp(table.weight[0], table.weight[1], token_type_ids.unsqueeze(1).to(table.weight.dtype))
    return table(token_type_ids)


def post_norm_layer(layer: Any, hidden_LH: Tensor, layout: AttentionLayout) -> Tensor:
    """BERT's layer (Devlin et al. 2019): its sublayers' outputs end with LayerNorm of the residual sum."""
    return _residual_sublayers(layer, hidden_LH, _attend(layer, hidden_LH, layout))


def pre_norm_layer(layer: Any, hidden_LH: Tensor, layout: AttentionLayout) -> Tensor:
    """The pre-LN layer (fairseq's --encoder-normalize-before): LayerNorm before each sublayer."""
    return _residual_sublayers(layer, hidden_LH, _attend(layer, layer.attention.LayerNorm(hidden_LH), layout))


def _residual_sublayers(layer: Any, hidden_LH: Tensor, attended_LH: Tensor) -> Tensor:
    hidden_LH = layer.attention.output(attended_LH, hidden_LH)
    return layer.output(layer.intermediate(hidden_LH), hidden_LH)


def _attend(layer: Any, hidden_LH: Tensor, layout: AttentionLayout) -> Tensor:
    attention: Any = layer.attention.self
    projections = (attention.query, attention.key, attention.value)
    weight = torch.cat([projection.weight for projection in projections])
    bias = torch.cat([projection.bias for projection in projections])
    dropout = attention.dropout.p if attention.training else 0.0
    return flat_attention(F.linear(hidden_LH, weight, bias), layout, attention.num_attention_heads, dropout)
