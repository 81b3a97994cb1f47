"""What the zero-shot probes share: the log-probabilities of tokens at masked positions of many inputs."""

# N inputs, M masked positions; in a batch B inputs, L positions, D hidden, V vocabulary

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from nsp_ablation.learning.engine.architecture.architecture import mlm_head
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
    device = next(model.parameters()).device
    for rows in length_batches(lengths, _BATCH_TOKENS):
        ids_BL = np.full((len(rows), int(lengths[rows[0]])), pad, np.int64)
        for row, number in enumerate(rows.tolist()):
            ids_BL[row, : lengths[number]] = make_input(number)
        is_token_BL = (np.arange(ids_BL.shape[1]) < lengths[rows, None]).astype(np.int64)
        targets = np.concatenate([np.arange(firsts[number], firsts[number + 1]) for number in rows])
        row_of = np.repeat(np.arange(len(rows)), firsts[rows + 1] - firsts[rows])
        arrays = ids_BL, is_token_BL, row_of, asked.position[targets], asked.expected[targets]
        ids, is_token, row_M, position_M, expected_M = (torch.from_numpy(array).to(device) for array in arrays)
        logits_MV = _logits_at(model, ids, is_token, row_M, position_M)
        chosen_M = logits_MV.gather(1, expected_M[:, None])[:, 0] - logits_MV.logsumexp(1)
        log_probability[targets], guess[targets] = chosen_M.cpu().numpy(), logits_MV.argmax(1).cpu().numpy()
    return log_probability, guess


@torch.no_grad()
def _logits_at(
    model: PreTrainedModel, input_ids: Tensor, attention_mask: Tensor, rows: Tensor, positions: Tensor
) -> Tensor:
    """Return logits (M, V) float32 at positions (M,) of rows (M,) of inputs (B, L); the MLM head sees those alone."""
    hidden_BLD = model.base_model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
    return mlm_head(model)(hidden_BLD[rows, positions]).float()
