"""BERT (Devlin et al. 2019)."""

from transformers.models.bert import BertConfig, BertForPreTraining

from nsp_ablation.learning.engine.architecture.architecture import Architecture
from nsp_ablation.learning.engine.flat_forward import post_norm_layer

ARCHITECTURE = Architecture(
    name="bert",
    config_class=BertConfig,
    model_class=BertForPreTraining,
    export_class="BertForPreTraining",
    layer_norm_eps=1e-12,  # as published
    second_type=1,
    mlm_head=lambda model: model.cls.predictions,
    mlm_transform=lambda head, hidden_MH: head.transform(hidden_MH),
    pair_classifier=lambda model: model.cls.seq_relationship,
    run_layer=post_norm_layer,
    finish=lambda base, hidden_LH: hidden_LH,
)
