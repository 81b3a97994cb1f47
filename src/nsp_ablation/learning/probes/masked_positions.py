"""What the zero-shot probes share: the log-probabilities of tokens at masked positions of many inputs."""

# N inputs, M masked positions; in a batch L tokens of all inputs, D hidden, V vocabulary

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from nsp_ablation.learning.engine.architecture.architecture import mlm_head
from nsp_ablation.learning.engine.flat_encoder import EncoderLayout, FlatEncoder, FlatInputs, map_tensors
from nsp_ablation.learning.tasks.features import length_batches

_BATCH_TOKENS = 16_384


@dataclass(frozen=True)
class MaskedPositions:
    """M queries, all (M,) int64: the number of an input (ascending), a position in it, and the token expected there."""

    input: np.ndarray
    position: np.ndarray
    expected: np.ndarray


def score_positions(
    model: PreTrainedModel,
    pad: int,
    make_input: Callable[[int], np.ndarray],
    lengths: np.ndarray,
    asked: MaskedPositions,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probability (M,) float64 of each expected token, in nats, and the model's first guess (M,) int64.

    `make_input(n)` gives the ids (lengths[n],) of input n, special tokens and masks included, all of token type 0;
    inputs are made as they are needed. Inputs without queries are allowed.
    """
    log_probability, guess = np.zeros(len(asked.position)), np.zeros(len(asked.position), np.int64)
    firsts = np.searchsorted(asked.input, np.arange(len(lengths) + 1))
    device, encoder = next(model.parameters()).device, FlatEncoder(model.base_model, pad)
    backend = encoder.backend(device, "32-true", dropout=False)
    for rows in length_batches(lengths, lengths, _BATCH_TOKENS):
        offsets = np.concatenate([[0], np.cumsum(lengths[rows])])
        inputs = _flat_inputs([make_input(number) for number in rows.tolist()], offsets)
        layout = encoder.layout_of(inputs.sequence_offsets, int(lengths[rows[0]]), backend)
        targets = np.concatenate([np.arange(firsts[number], firsts[number + 1]) for number in rows])
        flat = np.repeat(offsets[:-1], firsts[rows + 1] - firsts[rows]) + asked.position[targets]
        parts = inputs, layout, torch.from_numpy(flat), torch.from_numpy(asked.expected[targets])
        inputs, layout, flat_M, expected_M = map_tensors(parts, lambda tensor: tensor.to(device))
        logits_MV = _logits_at(model, encoder, inputs, layout, flat_M)
        chosen_M = logits_MV.gather(1, expected_M[:, None])[:, 0] - logits_MV.logsumexp(1)
        log_probability[targets], guess[targets] = chosen_M.cpu().numpy(), logits_MV.argmax(1).cpu().numpy()
    return log_probability, guess


def _flat_inputs(ids: list[np.ndarray], offsets: np.ndarray) -> FlatInputs:
    position_ids = np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    arrays = np.concatenate(ids).astype(np.int64), position_ids, offsets
    input_ids, positions, borders = map(torch.from_numpy, arrays)
    return FlatInputs(input_ids, None, positions, borders)


@torch.no_grad()
def _logits_at(
    model: PreTrainedModel, encoder: FlatEncoder, inputs: FlatInputs, layout: EncoderLayout, positions_M: Tensor
) -> Tensor:
    """Return logits (M, V) float32 at positions (M,) of the flat tokens; the MLM head sees those alone."""
    hidden_LD, _ = encoder(inputs, layout)
    return mlm_head(model)(hidden_LD.index_select(0, positions_M)).float()
