"""An encoder from elsewhere is tried once: what fine-tuning cannot use is refused before anything is trained."""

# L positions, D hidden

from typing import Any

import torch
from torch import Tensor

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.attention import LENGTH_GROUPS
from nsp_ablation.learning.engine.encoder_directory import load_encoder, load_tokenizer, read_layout
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder, FlatInputs
from nsp_ablation.learning.engine.foreign_encoder import foreign_errors

_SHORT = 4  # tokens of an input: encoders with local attention, too, read its third token from its first


def try_encoder(directory: str, max_length: int) -> None:
    """Run the encoder on one input of `max_length` tokens, or of all its positions, and on two short ones.

    Raises InputError where its tokenizer gives ids that it has no embedding for (an embedding of more rows is fine),
    where it reads in one direction alone, or where its output is not one vector per token; ForeignFileError where it
    cannot be loaded or run.
    """
    layout = read_layout(directory, max_length, "as_pretrained")
    hf: Any = load_encoder(directory, "fresh").eval()
    encoder = FlatEncoder(hf, layout.pad)
    tokenizer = load_tokenizer(directory)
    num_rows = hf.get_input_embeddings().weight.shape[0]
    beyond = {token_id: token for token, token_id in tokenizer.get_vocab().items() if token_id >= num_rows}
    if beyond:
        first = min(beyond)
        raise InputError(
            f"encoder={directory}: the tokenizer's {beyond[first]!r} is id {first}, and the encoder has {num_rows} "
            f"embeddings ({len(beyond)} such tokens); save the encoder with its own tokenizer, or after "
            f"resize_token_embeddings({max(beyond) + 1})"
        )
    special = {*tokenizer.all_special_ids, layout.cls, layout.sep, layout.mask, layout.pad}
    ordinary = [token_id for token_id in range(num_rows) if token_id not in special][:2]
    if len(ordinary) < 2:
        raise InputError(f"encoder={directory}: its vocabulary of {num_rows} has no ordinary tokens; fetch it again")
    with foreign_errors(directory, "encoder"):
        hidden_LD = _run(encoder, layout, layout.max_length, ordinary[0], ordinary[0])
        firsts = [_run(encoder, layout, _SHORT, ordinary[0], last)[0] for last in ordinary]
    if hidden_LD.shape != (layout.max_length, hf.config.hidden_size) or not torch.isfinite(hidden_LD).all():
        raise InputError(f"encoder={directory} gives no finite vector for each token; it cannot be fine-tuned")
    if torch.equal(*firsts):
        raise InputError(
            f"encoder={directory} (a {hf.config.model_type}) reads from left to right alone, and tasks are read "
            "from the first token; use an encoder that reads both ways"
        )


@torch.no_grad()
def _run(encoder: FlatEncoder, layout: InputLayout, length: int, token: int, last: int) -> Tensor:
    """Return hidden states (L, D) of `[CLS] token ... token last [SEP]`, by the forward pass of fine-tuning."""
    input_ids, position_ids = torch.full((length,), token), torch.arange(length)
    input_ids[0], input_ids[-2], input_ids[-1] = layout.cls, last, layout.sep
    types = (position_ids >= length - 1).long() if layout.second_type else None
    inputs = FlatInputs(input_ids, types, position_ids, torch.tensor([0, length]))
    hidden_LD, _ = encoder(inputs, encoder.layout_of(inputs.sequence_offsets, length, LENGTH_GROUPS))
    return hidden_LD
