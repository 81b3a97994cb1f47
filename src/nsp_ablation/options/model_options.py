"""The encoder: its size, and how its weights start."""

from dataclasses import dataclass

from nsp_ablation.options.setting import READ_PATH, REQUIRED, science


@dataclass(frozen=True)
class ArchitectureFacts:
    """What the rest of the project needs to know of an encoder of `transformers`.

    `module` implements it (`ARCHITECTURE`). `model_types` are the values of `model_type` in config.json that it reads.
    """

    module: str
    model_types: tuple[str, ...]
    positions_after_padding: bool  # position ids begin at the padding id + 1, not at 0
    final_layer_norm: bool  # a LayerNorm after the last layer


_ENGINE = "nsp_ablation.learning.engine.architecture"
ARCHITECTURES = {
    "bert": ArchitectureFacts(f"{_ENGINE}.bert", ("bert",), False, False),
    "roberta": ArchitectureFacts(f"{_ENGINE}.roberta", ("roberta", "xlm-roberta", "camembert"), True, False),
    "roberta_prelayernorm": ArchitectureFacts(f"{_ENGINE}.roberta_prelayernorm", ("roberta-prelayernorm",), True, True),
}


@dataclass
class ModelOptions:
    """The encoder. `pair_head_init_std`, `neighbour_value_gain`, the `*_init` keys and `unigram_output_bias` are
    measures for small encoders alone, which otherwise stay on the plateau of unigram frequencies; base and large start
    as published."""

    name: str = science(REQUIRED, "The encoder's size.")
    architecture: str = science("bert", "Which encoder of transformers it is.", *ARCHITECTURES)
    num_layers: int = science(REQUIRED, "Layers.", low=1, high=1024)
    hidden_size: int = science(REQUIRED, "Width of the hidden states.", low=8, high=2**16)
    num_heads: int = science(REQUIRED, "Attention heads per layer.", low=1, high=1024)
    intermediate_size: int = science(REQUIRED, "Width of the feed-forward layer.", low=8, high=2**20)
    dropout: float = science(0.1, "Dropout of hidden states (fidelity row 22).", low=0.0, high=0.9)
    attention_dropout: float = science(0.1, "Dropout of attention weights (fidelity row 22).", low=0.0, high=0.9)
    type_vocab_size: int = science(2, "Token types (fidelity row 7).", low=1, high=2)
    init_std: float = science(0.02, "Standard deviation of the initial weights.", low=1e-4, high=1.0)
    pair_head_init_std: float | None = science(
        None, "That of the pooler and of the classifier of pairs (NSP, SOP); null: init_std.", low=1e-4, high=1.0
    )
    sinusoid_init_base: float | None = science(
        None, "Start position embeddings as sinusoids of this base; null: drawn as all others.", low=2.0, high=1e9
    )
    sinusoid_init_scale: float | None = science(None, "Amplitude of these sinusoids, in init_std.", low=0.0, high=1e4)
    lookup_init: bool = science(False, "Start the last layer's attention as a lookup of equal tokens.")
    neighbour_init: bool = science(False, "Start heads of the first layer on the neighbouring tokens.")
    neighbour_value_gain: float | None = science(
        None,
        "neighbour_init: start what these heads pass on, W_O W_V, as this multiple of a projection, of the identity "
        "over all heads; null: drawn as all others.",
        low=1e-3,
        high=10.0,
    )
    unigram_output_bias: bool = science(False, "Start the output bias at the log unigram frequencies.")
    init_from: str | None = science(
        None, "Directory or hub name of an encoder to go on with; null: fresh weights.", path=READ_PATH
    )
    num_threads: int | None = science(
        None,
        "Threads of each process that trains or probes, whatever OMP_NUM_THREADS; null: torch's choice.",
        low=1,
        high=4096,
    )
