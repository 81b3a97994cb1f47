"""How long an encoder's inputs may be, and how pairs of texts are laid out in them."""

from typing import Any

import torch
from transformers import AutoModel

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.architecture.architecture import architecture_of
from nsp_ablation.options.format_options import is_pair


def positions(config: Any) -> tuple[int, int]:
    """Return the position id of a sequence's first token, and how many tokens the longest sequence has.

    Encoders of RoBERTa's kind (XLM-R, CamemBERT, MPNet, Longformer, ...) number positions from the padding id on, which
    their position table shows; one without a table (rotary or relative positions alone) is read up to
    `max_position_embeddings`. Raises InputError for an encoder that states no length.
    """
    architecture = architecture_of(config)
    if architecture is not None:
        first = architecture.first_position(config.pad_token_id)
        return first, config.max_position_embeddings - first
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        model: Any = AutoModel.from_config(config)
    length = getattr(config, "max_position_embeddings", None)
    if not isinstance(length, int) or length < 1:
        raise InputError(f"a {config.model_type} states no longest input (max_position_embeddings)")
    table = getattr(getattr(model, "embeddings", None), "position_embeddings", None)
    padding = getattr(table, "padding_idx", None)
    first = 0 if padding is None else padding + 1
    return first, length if table is None else min(length, table.weight.shape[0] - first)


def pair_layout(facts: dict[str, Any], config: Any) -> tuple[int, int]:
    """Return how many [SEP] stand between A and B, and the token type of B, in an encoder of ours.

    `facts` are those of its `pretraining.json`, `config` is its configuration. One without a format, since it was never
    trained, has the token types of its architecture.
    """
    separators = 2 if facts.get("pair_separator") == "double" else 1
    format_name = facts.get("condition", {}).get("format")
    if format_name is None:
        return separators, _usual_second_type(config)
    return separators, int(is_pair(format_name) and num_token_types(config) > 1)


def foreign_pair_layout(tokenizer: Any, config: Any) -> tuple[int, int]:
    """Return how many [SEP] stand between A and B, and the token type of B, in an encoder from elsewhere.

    Both are its tokenizer's, but for the types of the architectures that are ours: some BERTs were saved with a
    tokenizer that gives none.
    """
    separators = 2 if tokenizer.num_special_tokens_to_add(pair=True) > 3 else 1
    if num_token_types(config) < 2:
        return separators, 0
    if architecture_of(config) is not None:
        return separators, _usual_second_type(config)
    types = tokenizer("a", "a", return_token_type_ids=True).token_type_ids
    return separators, int(types[-1] == 1)


def num_token_types(config: Any) -> int:
    """Return how many token types an encoder has; those without any count as one."""
    return max(1, int(getattr(config, "type_vocab_size", 1) or 1))


def _usual_second_type(config: Any) -> int:
    """Return the token type that published encoders of our architectures give the second text of a pair."""
    architecture = architecture_of(config)
    return architecture.second_type if architecture is not None and num_token_types(config) > 1 else 0
