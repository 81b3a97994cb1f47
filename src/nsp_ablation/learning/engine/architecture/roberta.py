"""RoBERTa (Liu et al. 2019), with BERT's head on pairs, which `transformers` has no class for."""

import torch.nn.functional as F
from torch import nn
from transformers.models.roberta import RobertaConfig, RobertaForMaskedLM
from transformers.models.roberta.modeling_roberta import RobertaPooler

from nsp_ablation.learning.engine.architecture.architecture import Architecture
from nsp_ablation.learning.engine.flat_forward import post_norm_layer


class RobertaForPreTraining(RobertaForMaskedLM):
    """A pooler lies where `RobertaModel` expects it, and a classifier of pairs on it has BERT's name."""

    def __init__(self, config: RobertaConfig):
        super().__init__(config)
        self.roberta.pooler = RobertaPooler(config)
        self.seq_relationship = nn.Linear(config.hidden_size, 2)


ARCHITECTURE = Architecture(
    name="roberta",
    config_class=RobertaConfig,
    model_class=RobertaForPreTraining,
    export_class="RobertaForMaskedLM",  # its file also holds a pooler, as the published one does
    layer_norm_eps=1e-5,  # as published
    second_type=0,
    mlm_head=lambda model: model.lm_head,
    mlm_transform=lambda head, hidden_MH: head.layer_norm(F.gelu(head.dense(hidden_MH))),
    pair_classifier=lambda model: model.seq_relationship,
    run_layer=post_norm_layer,
    finish=lambda base, hidden_LH: hidden_LH,
)
