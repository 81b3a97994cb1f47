"""How many parameters a model has, and where, without making one."""

import torch

from nsp_ablation.learning.cost.flops import EncoderSize
from nsp_ablation.learning.engine.architecture import ModelSpec, base_model, make_hf_model
from nsp_ablation.samples.formats.frame import Frame

# The first of these names that is part of a parameter's name says where it belongs.
_PARTS = {
    "embeddings": "embeddings",
    "pooler": "pooler",
    "seq_relationship": "classifier of pairs",
    "encoder.": "layers",
}


def parameter_counts(spec: ModelSpec, frame: Frame) -> dict[str, int]:
    """Return the number of parameters by part; the output embedding, tied to the input's, counts once."""
    with torch.device("meta"):
        model = make_hf_model(spec, frame)
    counts = dict.fromkeys(("embeddings", "layers", "pooler", "MLM head", "classifier of pairs"), 0)
    final_norm = f"{model.base_model_prefix}.LayerNorm." if hasattr(base_model(model), "LayerNorm") else None
    for name, parameter in model.named_parameters():  # a tied one once
        known = [part for word, part in _PARTS.items() if word in name]
        if final_norm is not None and name.startswith(final_norm):
            known = ["layers"]
        counts[known[0] if known else "MLM head"] += parameter.numel()
    return counts


def encoder_size(spec: ModelSpec, frame: Frame) -> EncoderSize:
    """Return the sizes that FLOPs and memory depend on."""
    return EncoderSize(spec.num_layers, spec.hidden_size, spec.intermediate_size, frame.vocab_size)
