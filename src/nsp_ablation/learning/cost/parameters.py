"""How many parameters a model has, and where, by formula (Vaswani et al. 2017; Devlin et al. 2019)."""

from nsp_ablation.learning.cost.flops import EncoderSize
from nsp_ablation.options.model_options import ARCHITECTURES, ModelOptions


def parameter_counts(model: ModelOptions, vocab_size: int, max_length: int, pad_id: int) -> dict[str, int]:
    """Return the number of parameters by part; the output embedding, tied to the input's, counts once."""
    facts = ARCHITECTURES[model.architecture]
    hidden, intermediate = model.hidden_size, model.intermediate_size
    num_positions = max_length + (pad_id + 1 if facts.positions_after_padding else 0)
    norm = 2 * hidden
    layer = 4 * _linear(hidden, hidden) + _linear(hidden, intermediate) + _linear(intermediate, hidden) + 2 * norm
    return {
        "embeddings": (vocab_size + num_positions + model.type_vocab_size) * hidden + norm,
        "layers": model.num_layers * layer + (norm if facts.final_layer_norm else 0),
        "pooler": _linear(hidden, hidden),
        "MLM head": _linear(hidden, hidden) + norm + vocab_size,
        "classifier of pairs": _linear(hidden, 2),
    }


def encoder_size(model: ModelOptions, vocab_size: int) -> EncoderSize:
    """Return the sizes that FLOPs and memory depend on."""
    return EncoderSize(model.num_layers, model.hidden_size, model.intermediate_size, vocab_size)


def _linear(num_inputs: int, num_outputs: int) -> int:
    return num_inputs * num_outputs + num_outputs
