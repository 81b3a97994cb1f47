"""The model that is pre-trained, built and exported: an encoder of `transformers`, an MLM head, a head on pairs."""

# L tokens of S sequences, M masked positions, V vocabulary, H hidden

import math
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from nsp_ablation.base.artifact import write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.architecture.architecture import (
    Architecture,
    architecture_named,
    make_hf_model,
)
from nsp_ablation.learning.engine.attention import LENGTH_GROUPS, AttentionLayout, attention_layout, backend_on
from nsp_ablation.learning.engine.attention_fused import FusedLayout
from nsp_ablation.learning.engine.encoder_layout import pair_layout, positions
from nsp_ablation.learning.engine.flat_forward import encode_flat
from nsp_ablation.learning.engine.foreign_encoder import load_weights
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.learning.pretraining import initialization
from nsp_ablation.learning.pretraining.objective import Losses, sum_losses
from nsp_ablation.options.model_options import ModelOptions
from nsp_ablation.samples.batches.loader import MicroBatch
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.tokenization.tokenizer import special_tokens
from nsp_ablation.text.tokenization.tokenizer_export import export_tokenizer


class PretrainingModel(nn.Module):
    """A `transformers` model (`hf`) of an architecture, run over flat micro-batches.

    Whatever the objective, it has a pooler and a classifier of pairs, so that every arm has the same parameters and
    every export loads alike; without a loss on pairs they keep their first values and are left out of training.
    Machine settings: `checkpoints_layers`, less memory for a third more work (see `encode_flat`), and
    `vocabulary_multiple`, to which the output layer is padded in the forward pass alone: 30,522 and 50,265 are no
    multiples of 8, which the fast matrix kernels of a GPU ask for.
    """

    def __init__(self, hf: PreTrainedModel, architecture: Architecture, predicts_pairs: bool, confines_attention: bool):
        """`confines_attention`: a token attends to its own document's part of a sequence, not to all of it."""
        super().__init__()
        self.hf, self.architecture = hf, architecture
        self.predicts_pairs, self.confines_attention = predicts_pairs, confines_attention
        self.checkpoints_layers, self.vocabulary_multiple = False, 1
        for head in (hf.base_model.pooler, architecture.pair_classifier(hf)):
            head.requires_grad_(predicts_pairs)

    def layout_of(self, batch: MicroBatch, backend: str = LENGTH_GROUPS) -> AttentionLayout:
        """Return which tokens of a micro-batch (on the CPU) attend to which, as a backend wants to be told."""
        offsets = batch.piece_offsets if self.confines_attention else batch.sequence_offsets
        return attention_layout(offsets, backend, batch.max_sequence_length)

    def forward(self, batch: MicroBatch, layout: AttentionLayout | None = None) -> tuple[Tensor, Tensor | None]:
        """Return MLM logits at the masked positions (M, V) and, if pairs are predicted, pair logits (S, 2).

        `layout` is `layout_of` the batch, made here if not given. Logits of a padded vocabulary are -inf beyond V.
        """
        layout = layout if layout is not None else self.layout_of(batch)
        base: Any = self.hf.base_model
        hidden_LH = encode_flat(
            self.architecture,
            base,
            batch.input_ids,
            batch.token_type_ids,
            batch.position_ids,
            layout,
            checkpoints_layers=self.checkpoints_layers,
        )
        masked_logits = self._vocabulary_logits(hidden_LH.index_select(0, batch.masked_positions))
        if not self.predicts_pairs:
            return masked_logits, None
        first_SH = hidden_LH.index_select(0, batch.sequence_offsets[:-1])
        return masked_logits, self.architecture.pair_classifier(self.hf)(base.pooler(first_SH.unsqueeze(1)))

    def loss_sums(self, batch: MicroBatch, layout: AttentionLayout | None = None) -> Losses:
        """Return the sums of the micro-batch's losses; compiled after `compile_losses`."""
        masked_logits, pair_logits = self(batch, layout)
        return sum_losses(masked_logits, pair_logits, batch.masked_labels, batch.pair_labels)

    def compile_losses(self, attention_backend: str, **settings: Any) -> None:
        """Compile `loss_sums` for micro-batches of one number of tokens (`MicroBatch.padded`) and an attention backend.

        Encoder, heads and losses make one graph, whatever the numbers of sequences, pairs and masked tokens; length
        groups, which change in number and shape, break it. `settings` are `torch.compile`'s.
        """
        from torch._dynamo import maybe_mark_dynamic  # half a second

        loss_sums = torch.compile(type(self).loss_sums, fullgraph=attention_backend != LENGTH_GROUPS, **settings)

        def marked(batch: MicroBatch, layout: AttentionLayout | None = None) -> Losses:
            for tensor in (batch.masked_positions, batch.masked_labels, batch.sequence_offsets, batch.pair_labels):
                if tensor is not None:
                    maybe_mark_dynamic(tensor, 0)
            if isinstance(layout, FusedLayout):
                maybe_mark_dynamic(layout.offsets, 0)
            return cast(Losses, loss_sums(self, batch, layout))

        self.loss_sums = marked  # type: ignore[method-assign]

    def _vocabulary_logits(self, hidden_MH: Tensor) -> Tensor:
        head: Any = self.architecture.mlm_head(self.hf)
        num_padding = -head.decoder.out_features % self.vocabulary_multiple
        if num_padding == 0:
            return cast(Tensor, head(hidden_MH))
        weight = F.pad(head.decoder.weight, (0, 0, 0, num_padding))
        bias = F.pad(head.decoder.bias, (0, num_padding), value=-math.inf)
        return F.linear(self.architecture.mlm_transform(head, hidden_MH), weight, bias)

    def attention_backend(self, device: torch.device, precision: str, dropout: float | None = None) -> str:
        """Return the attention backend on a device; `dropout` None is that of training, the configuration's."""
        config: Any = self.hf.config
        head_size = config.hidden_size // config.num_attention_heads
        configured = config.attention_probs_dropout_prob
        return backend_on(device, precision, head_size, configured if dropout is None else dropout)


def build_model(
    options: ModelOptions,
    frame: Frame,
    *,
    predicts_pairs: bool,
    confines_attention: bool,
    seed: int,
    token_counts: np.ndarray | None,
) -> PretrainingModel:
    """Return the untrained model, or with `model.init_from` the encoder of a directory to go on with.

    Weights are drawn by (seed, parameter name) alone: equal in all formats and objectives, and torch's global
    generators are left as they were. `token_counts` (V,) are needed for `model.unigram_output_bias`. Raises InputError
    for sizes that do not fit each other or the directory.
    """
    hf = make_hf_model(
        options,
        max_length=frame.max_length,
        vocab_size=frame.vocab_size,
        cls_id=frame.cls,
        sep_id=frame.sep,
        pad_id=frame.pad,
    )
    architecture = architecture_named(options.architecture)
    _initialize(hf, architecture, options, architecture.first_position(frame.pad), seed)
    if options.unigram_output_bias:
        assert token_counts is not None
        initialization.initialize_output_bias(architecture.mlm_head(hf), token_counts)
    if options.init_from is not None:
        _load_weights(hf, options.init_from)
    return PretrainingModel(hf, architecture, predicts_pairs, confines_attention)


def _initialize(hf: Any, architecture: Architecture, options: ModelOptions, first_position: int, seed: int) -> None:
    """Draw all weights, then start those of each measure that the options ask for."""
    pair_std = options.init_std if options.pair_head_init_std is None else options.pair_head_init_std
    heads = (hf.base_model.pooler, architecture.pair_classifier(hf))
    others = {weight: pair_std for head in heads for weight in head.parameters()}
    initialization.initialize(hf, options.init_std, seed, others)
    if options.sinusoid_init_base is not None and options.sinusoid_init_scale is not None:
        amplitude = options.sinusoid_init_scale * options.init_std
        initialization.initialize_positions(hf, first_position, options.sinusoid_init_base, amplitude)
    if options.neighbour_init:
        initialization.initialize_neighbours(hf, options.sinusoid_init_base)
    if options.neighbour_value_gain is not None:
        initialization.initialize_neighbour_values(hf, options.neighbour_value_gain, seed)
    if options.lookup_init:
        initialization.initialize_lookup(hf, seed)


def _load_weights(hf: Any, directory: str) -> None:
    """Replace the weights by those of an encoder directory; heads on pairs that it lacks stay as drawn."""
    with torch.random.fork_rng(devices=[]):
        loaded, info = load_weights(type(hf), directory, "model.init_from", hf.config)
    missing = {name for name in info["missing_keys"] if "pooler" not in name and "seq_relationship" not in name}
    if missing:
        raise InputError(f"model.init_from={directory} lacks weights: {', '.join(sorted(missing)[:3])}")
    weights = loaded.state_dict()
    hf.load_state_dict({name: weights[name] for name in weights if name not in info["missing_keys"]}, strict=False)


def export_encoder(model: PretrainingModel, tokenizer: Path, directory: Path, facts: dict[str, Any]) -> None:
    """Write config.json, model.safetensors, the tokenizer of the directory `tokenizer`, and pretraining.json (`facts`).

    The tokenizer lays out pairs as the pre-training that `facts` tell of did, and cuts texts at the positions there
    are. A classifier of pairs for which `transformers` has no class (`seq_relationship`) is kept where it was trained.
    """
    hf = model.hf
    weights = hf.state_dict()
    if not model.predicts_pairs:
        weights = {key: value for key, value in weights.items() if not key.startswith("seq_relationship.")}
    with quiet_transformers():  # no progress bar for a file
        hf.save_pretrained(directory, state_dict=weights)
    hf.config.architectures = [model.architecture.export_class]
    hf.config.save_pretrained(directory)
    export_tokenizer(tokenizer, directory, exported_layout(model, tokenizer, facts))
    write_json(directory / "pretraining.json", facts)


def exported_layout(model: PretrainingModel, tokenizer: Path, facts: dict[str, Any]) -> InputLayout:
    """Return how inputs of tasks and probes are laid out for the export of a model, by the `facts` of its training."""
    pair_separators, type_of_second = pair_layout(facts, model.hf.config)
    special = special_tokens(tokenizer)
    return InputLayout(
        max_length=positions(model.hf.config)[1],
        cls=special.cls,
        sep=special.sep,
        mask=special.mask,
        pad=special.pad,
        pair_separators=pair_separators,
        second_type=type_of_second,
    )
