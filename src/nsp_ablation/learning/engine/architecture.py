"""The three architectures in the form in which `transformers` has and exports them."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.bert import BertConfig, BertForPreTraining
from transformers.models.roberta import RobertaConfig, RobertaForMaskedLM
from transformers.models.roberta.modeling_roberta import RobertaPooler
from transformers.models.roberta_prelayernorm import RobertaPreLayerNormConfig, RobertaPreLayerNormForMaskedLM
from transformers.models.roberta_prelayernorm.modeling_roberta_prelayernorm import RobertaPreLayerNormPooler

from nsp_ablation.samples.formats.frame import Frame


class RobertaForPreTraining(RobertaForMaskedLM):
    """RoBERTa with BERT's two heads: `transformers` has none. A pooler lies where `RobertaModel` expects it, and a
    classifier of pairs on it has BERT's name."""

    def __init__(self, config: RobertaConfig):
        super().__init__(config)
        self.roberta.pooler = RobertaPooler(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)


class RobertaPreLayerNormForPreTraining(RobertaPreLayerNormForMaskedLM):
    """Pre-LN RoBERTa with BERT's two heads."""

    def __init__(self, config: RobertaPreLayerNormConfig):
        super().__init__(config)
        self.roberta_prelayernorm.pooler = RobertaPreLayerNormPooler(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)


_CLASSES: dict[str, tuple[Any, Any]] = {
    "bert": (BertConfig, BertForPreTraining),
    "roberta": (RobertaConfig, RobertaForPreTraining),
    "roberta_prelayernorm": (RobertaPreLayerNormConfig, RobertaPreLayerNormForPreTraining),
}
_MAX_PAD_ID = 1000  # RoBERTa's position table has a row for each id up to padding's


@dataclass(frozen=True)
class ModelSpec:
    """An encoder; names and units are the configuration's (group `model`)."""

    architecture: str
    num_layers: int
    hidden_size: int
    num_heads: int
    intermediate_size: int
    dropout: float
    attention_dropout: float
    type_vocab_size: int
    init_std: float
    sinusoid_init_base: float | None
    sinusoid_init_scale: float | None
    lookup_init: bool
    neighbour_init: bool
    unigram_output_bias: bool
    init_from: str | None


def make_hf_model(spec: ModelSpec, frame: Frame) -> PreTrainedModel:
    """Return the `transformers` model with its heads, its weights not yet those of a seed.

    RoBERTa counts positions from the padding id + 1, so its table is that much longer. Raises ValueError where the
    heads do not divide the hidden size or RoBERTa's padding id is absurdly large.
    """
    config_class, model_class = _CLASSES[spec.architecture]
    if spec.hidden_size % spec.num_heads:
        raise ValueError(f"model.hidden_size={spec.hidden_size} is no multiple of model.num_heads={spec.num_heads}")
    if spec.architecture != "bert" and frame.pad > _MAX_PAD_ID:
        raise ValueError(
            f"model.architecture={spec.architecture} numbers positions from the padding id, which is {frame.pad} in "
            "this tokenizer; use model.architecture=bert"
        )
    config = config_class(
        vocab_size=frame.vocab_size,
        hidden_size=spec.hidden_size,
        num_hidden_layers=spec.num_layers,
        num_attention_heads=spec.num_heads,
        intermediate_size=spec.intermediate_size,
        hidden_act="gelu",
        hidden_dropout_prob=spec.dropout,
        attention_probs_dropout_prob=spec.attention_dropout,
        type_vocab_size=spec.type_vocab_size,
        initializer_range=spec.init_std,
        pad_token_id=frame.pad,
        bos_token_id=frame.cls,
        eos_token_id=frame.sep,
        layer_norm_eps=1e-12 if spec.architecture == "bert" else 1e-5,  # as published
    )
    config.max_position_embeddings = frame.max_length + first_position(config)
    with torch.random.fork_rng(devices=[]):  # it draws weights from the global generator
        return model_class(config)


def base_model(model: Any) -> Any:
    """Return the encoder below the heads (`BertModel`, `RobertaModel`, ...)."""
    return getattr(model, model.base_model_prefix)


def mlm_head(model: Any) -> Any:
    """Return the MLM head, which maps hidden states to logits over the vocabulary."""
    return model.cls.predictions if model.config.model_type == "bert" else model.lm_head


def pair_classifier(model: Any) -> Any:
    """Return the classifier of pairs (NSP, SOP) on the pooler, a linear layer to 2 logits."""
    return model.cls.seq_relationship if model.config.model_type == "bert" else model.seq_relationship


def first_position(config: PreTrainedConfig) -> int:
    """Return the position id of a sequence's first token."""
    return 0 if config.model_type == "bert" else config.pad_token_id + 1
