"""What an architecture declares, and how it is found: by its name, or by `model_type` in an encoder's config.json."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.attention import AttentionLayout
from nsp_ablation.options.model_options import ARCHITECTURES, ModelOptions

_MAX_PAD_ID = 1000  # the position table of some encoders has a row for each id up to padding's


@dataclass(frozen=True)
class Architecture:
    """One encoder of `transformers`; `run_layer` and `finish` are its part of the flat forward pass (L, H).

    `model_class` has an MLM head and a classifier of pairs; `export_class` is the class of `transformers` that loads
    its weights. `mlm_transform(head, hidden)` is what the MLM head does before the output layer, `head.decoder`.
    `second_type`: the token type that published encoders give the second text of a pair.
    """

    name: str
    config_class: Any
    model_class: Any
    export_class: str
    layer_norm_eps: float
    second_type: int
    mlm_head: Callable[[Any], nn.Module]
    mlm_transform: Callable[[Any, Tensor], Tensor]
    pair_classifier: Callable[[Any], nn.Module]
    run_layer: Callable[[Any, Tensor, AttentionLayout], Tensor]
    finish: Callable[[Any, Tensor], Tensor]

    def first_position(self, pad_id: int) -> int:
        """Return the position id of a sequence's first token."""
        return pad_id + 1 if ARCHITECTURES[self.name].positions_after_padding else 0


@cache
def architecture_named(name: str) -> Architecture:
    """Return the architecture of `model.architecture`."""
    found = import_module(ARCHITECTURES[name].module).ARCHITECTURE
    assert isinstance(found, Architecture)
    return found


def architecture_of(config: Any) -> Architecture | None:
    """Return the architecture of a `transformers` configuration, None where it is not among ours."""
    names = [name for name, facts in ARCHITECTURES.items() if config.model_type in facts.model_types]
    return architecture_named(names[0]) if names else None


def make_hf_model(
    options: ModelOptions, *, max_length: int, vocab_size: int, cls_id: int, sep_id: int, pad_id: int
) -> PreTrainedModel:
    """Return the `transformers` model with its heads, its weights not yet those of a seed.

    Raises InputError where the heads do not divide the hidden size, or where positions begin after the padding id and
    that is absurdly large.
    """
    architecture = architecture_named(options.architecture)
    if options.hidden_size % options.num_heads:
        raise InputError(
            f"model.hidden_size={options.hidden_size}: expected a multiple of model.num_heads={options.num_heads}"
        )
    first_position = architecture.first_position(pad_id)
    if first_position > _MAX_PAD_ID + 1:
        raise InputError(
            f"model.architecture={options.architecture} numbers positions from the padding id, which is {pad_id} in "
            "this tokenizer; use model.architecture=bert"
        )
    config = architecture.config_class(
        vocab_size=vocab_size,
        hidden_size=options.hidden_size,
        num_hidden_layers=options.num_layers,
        num_attention_heads=options.num_heads,
        intermediate_size=options.intermediate_size,
        hidden_act="gelu",
        hidden_dropout_prob=options.dropout,
        attention_probs_dropout_prob=options.attention_dropout,
        max_position_embeddings=max_length + first_position,
        type_vocab_size=options.type_vocab_size,
        initializer_range=options.init_std,
        pad_token_id=pad_id,
        bos_token_id=cls_id,
        eos_token_id=sep_id,
        layer_norm_eps=architecture.layer_norm_eps,
    )
    with torch.random.fork_rng(devices=[]):  # it draws weights from the global generator
        return architecture.model_class(config)


def mlm_head(model: Any) -> nn.Module:
    """Return the MLM head, which maps hidden states to logits. Raises InputError for an encoder that is not ours."""
    architecture = architecture_of(model.config)
    if architecture is None:
        raise InputError(f"the encoder is a {model.config.model_type}; use one of {', '.join(ARCHITECTURES)}")
    return architecture.mlm_head(model)
