"""Any encoder of `transformers` over flat inputs: those of our architectures without padding, all others through their
own padded forward pass."""

# L tokens of S sequences, P tokens of the longest, H hidden

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.architecture.architecture import Architecture, architecture_of
from nsp_ablation.learning.engine.attention import AttentionLayout, attention_layout, backend_on
from nsp_ablation.learning.engine.flat_forward import encode_flat

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class FlatInputs:
    """Sequences laid end to end: sequence s is the tokens [sequence_offsets[s], sequence_offsets[s + 1]).

    input_ids (L,) int64
    token_type_ids (L,) int64; None: every token is of type 0
    position_ids (L,) int64, from 0 in each sequence
    sequence_offsets (S + 1,) int64
    """

    input_ids: Tensor
    token_type_ids: Tensor | None
    position_ids: Tensor
    sequence_offsets: Tensor


@dataclass(frozen=True, eq=False)
class PaddedLayout:
    """Where flat tokens lie in a padded batch of S sequences.

    gather (S, P) int64: the token of each slot, any where the slot is padding
    mask (S, P) int64: 1 where a slot holds a token
    scatter (L,) int64: the slot of each token, slots counted row by row
    """

    gather: Tensor
    mask: Tensor
    scatter: Tensor


EncoderLayout = AttentionLayout | PaddedLayout


class FlatEncoder(nn.Module):
    """An encoder (`hf`, without heads) from flat inputs to flat hidden states.

    `architecture` is ours whose flat pass the encoder takes, None where it runs its own padded pass: the token ids are
    padded with `pad`, and its outputs are gathered back. Both give each sequence what it would get alone.
    `checkpoints_layers` (machine setting): less memory, a third more work.
    """

    def __init__(self, hf: nn.Module, pad: int):
        super().__init__()
        self.hf: Any = hf  # a base model of `transformers`
        self.pad = pad
        self.architecture = flat_architecture(hf.config)
        self.has_pooler = getattr(hf, "pooler", None) is not None
        self.checkpoints_layers = False

    def backend(self, device: torch.device, precision: str, *, dropout: bool) -> str:
        """Return the name of the attention on a device: in training, with the configured `dropout`, or without."""
        config: Any = self.hf.config
        if self.architecture is None:
            return f"padded, transformers' own ({config.model_type}, {config._attn_implementation})"
        head_size = config.hidden_size // config.num_attention_heads
        return backend_on(device, precision, head_size, config.attention_probs_dropout_prob if dropout else 0.0)

    def layout_of(self, sequence_offsets: Tensor, longest: int, backend: str) -> EncoderLayout:
        """Return what `forward` needs to know of the sequences under a backend of `self.backend`.

        offsets (S + 1,) int64 on CPU, where the layout is built; no sequence is longer than `longest`.
        """
        if self.architecture is None:
            return padded_layout(sequence_offsets)
        return attention_layout(sequence_offsets, backend, longest)

    def forward(self, inputs: FlatInputs, layout: EncoderLayout) -> tuple[Tensor, Tensor | None]:
        """Return the last hidden states (L, H) and what the encoder's own pooler makes of each sequence's first (S, H),
        None where it has none."""
        if self.architecture is None:
            assert isinstance(layout, PaddedLayout)
            return self._padded(inputs, layout)
        assert not isinstance(layout, PaddedLayout)
        base, types = self.hf, inputs.token_type_ids
        hidden_LH = encode_flat(
            self.architecture,
            base,
            inputs.input_ids,
            torch.zeros_like(inputs.input_ids) if types is None else types,
            inputs.position_ids,
            layout,
            checkpoints_layers=self.checkpoints_layers,
        )
        if not self.has_pooler:
            return hidden_LH, None
        return hidden_LH, base.pooler(hidden_LH.index_select(0, inputs.sequence_offsets[:-1]).unsqueeze(1))

    def obey(self, *, compiles: bool, checkpoints_layers: bool) -> None:
        """Follow `trainer.compile` and `trainer.gradient_checkpointing` from now on.

        Raises InputError for what an encoder in its own forward pass cannot do.
        """
        self.checkpoints_layers = checkpoints_layers
        kind = self.hf.config.model_type
        if self.architecture is not None:
            if compiles:
                self.compile(dynamic=True)
            return
        if compiles:
            raise InputError(
                f"trainer.compile=true: the encoder is a {kind}, which runs the padded forward pass of transformers, "
                "and that is not compiled; set trainer.compile=false"
            )
        if checkpoints_layers:
            if not self.hf.supports_gradient_checkpointing:
                raise InputError(
                    f"trainer.gradient_checkpointing=true: the encoder is a {kind}, which transformers cannot "
                    "checkpoint; set trainer.gradient_checkpointing=false"
                )
            # transformers 5.24 renamed it
            enable = getattr(self.hf, "activation_checkpointing_enable", None) or self.hf.gradient_checkpointing_enable
            enable({"use_reentrant": False})

    def _padded(self, inputs: FlatInputs, layout: PaddedLayout) -> tuple[Tensor, Tensor | None]:
        num_rows, hidden_size = len(layout.gather), self.hf.config.hidden_size
        if num_rows == 0:  # a micro-batch without sequences
            none_LH = torch.zeros(0, hidden_size, device=inputs.input_ids.device)
            return none_LH, none_LH if self.has_pooler else None
        is_token = layout.mask.bool()
        given = {
            "input_ids": inputs.input_ids[layout.gather].masked_fill(~is_token, self.pad),
            "attention_mask": layout.mask,
        }
        if inputs.token_type_ids is not None:
            given["token_type_ids"] = inputs.token_type_ids[layout.gather].masked_fill(~is_token, 0)
        encoded = self.hf(**given)
        hidden_LH = encoded.last_hidden_state.reshape(-1, hidden_size).index_select(0, layout.scatter)
        return hidden_LH, encoded.pooler_output if self.has_pooler else None


def flat_architecture(config: Any) -> Architecture | None:
    """Return the architecture whose flat pass is an encoder's own, None where that is not so.

    None also for a configuration of ours that reads from left to right, or whose positions are relative.
    """
    is_plain = getattr(config, "position_embedding_type", None) in (None, "absolute")
    return architecture_of(config) if is_plain and not getattr(config, "is_decoder", False) else None


def padded_layout(sequence_offsets: Tensor) -> PaddedLayout:
    """Return where the sequences [offsets[s], offsets[s + 1]) of flat tokens lie when padded to the longest; offsets
    (S + 1,) int64 on CPU."""
    offsets = sequence_offsets.numpy()
    lengths = np.diff(offsets)
    position = np.arange(lengths.max(initial=0))
    is_token = position < lengths[:, None]
    gather = np.where(is_token, offsets[:-1, None] + position, 0)
    return PaddedLayout(*map(torch.from_numpy, (gather, is_token.astype(np.int64), np.flatnonzero(is_token))))


def map_tensors(value: Value, change: Callable[[Tensor], Tensor]) -> Value:
    """Return a value with every tensor in it changed: in dataclasses, tuples and dictionaries, at any depth."""
    found: Any = value
    if isinstance(value, Tensor):
        found = change(value)
    elif isinstance(value, dict):
        found = {name: map_tensors(part, change) for name, part in value.items()}
    elif isinstance(value, tuple):
        found = tuple(map_tensors(part, change) for part in value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{part.name: map_tensors(getattr(value, part.name), change) for part in fields(value)})
    return found
