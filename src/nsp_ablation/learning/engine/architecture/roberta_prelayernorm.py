"""RoBERTa with LayerNorm before each sublayer (fairseq's --encoder-normalize-before), with BERT's head on pairs."""

import torch.nn.functional as F
from torch import nn
from transformers.models.roberta_prelayernorm import RobertaPreLayerNormConfig, RobertaPreLayerNormForMaskedLM
from transformers.models.roberta_prelayernorm.modeling_roberta_prelayernorm import RobertaPreLayerNormPooler

from nsp_ablation.learning.engine.architecture.architecture import Architecture
from nsp_ablation.learning.engine.flat_forward import pre_norm_layer


class RobertaPreLayerNormForPreTraining(RobertaPreLayerNormForMaskedLM):
    """A pooler lies where the base model expects it, and a classifier of pairs on it has BERT's name."""

    def __init__(self, config: RobertaPreLayerNormConfig):
        super().__init__(config)
        self.roberta_prelayernorm.pooler = RobertaPreLayerNormPooler(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)


ARCHITECTURE = Architecture(
    name="roberta_prelayernorm",
    config_class=RobertaPreLayerNormConfig,
    model_class=RobertaPreLayerNormForPreTraining,
    export_class="RobertaPreLayerNormForMaskedLM",
    layer_norm_eps=1e-5,  # as RoBERTa's
    second_type=0,
    mlm_head=lambda model: model.lm_head,
    mlm_transform=lambda head, hidden_MH: head.layer_norm(F.gelu(head.dense(hidden_MH))),
    pair_classifier=lambda model: model.seq_relationship,
    run_layer=pre_norm_layer,
    finish=lambda base, hidden_LH: base.LayerNorm(hidden_LH),
)
