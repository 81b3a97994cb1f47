"""What the probes share: hidden states of many inputs, and log-probabilities of tokens at masked positions in them."""

# N inputs, M masked positions; in a batch L tokens of S inputs, D hidden, V vocabulary

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel

from nsp_ablation.base.input_layout import InputLayout
from nsp_ablation.learning.engine.architecture.architecture import mlm_head
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder, FlatInputs, map_tensors
from nsp_ablation.learning.tasks.features import length_batches

_BATCH_TOKENS = 16_384
MakeInput = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class MaskedPositions:
    """M queries, all (M,) int64: the number of an input (ascending), a position in it, and the token expected there."""

    input: np.ndarray
    position: np.ndarray
    expected: np.ndarray


@dataclass(frozen=True)
class SecondSegments:
    """Where the second segment of each of N inputs begins, start (N,) int64 (an input's length where it has none), and
    the token type of it and of its [SEP]; all else has type 0."""

    start: np.ndarray
    token_type: int


def score_positions(
    model: PreTrainedModel,
    pad: int,
    make_input: MakeInput,
    lengths: np.ndarray,
    asked: MaskedPositions,
    second: SecondSegments | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the log-probability (M,) float64 of each expected token, in nats, and the model's first guess (M,) int64.

    `make_input(n)` gives the ids (lengths[n],) of input n, special tokens and masks included; inputs are made as they
    are needed. Inputs without queries are allowed. Without `second` every token is of type 0.
    """
    log_probability, guess = np.zeros(len(asked.position)), np.zeros(len(asked.position), np.int64)
    firsts = np.searchsorted(asked.input, np.arange(len(lengths) + 1))
    for rows, offsets, hidden_LD in _hidden_states(model, pad, make_input, lengths, second):
        targets = np.concatenate([np.arange(firsts[number], firsts[number + 1]) for number in rows])
        flat = np.repeat(offsets[:-1], firsts[rows + 1] - firsts[rows]) + asked.position[targets]
        expected_M = torch.from_numpy(asked.expected[targets]).to(hidden_LD.device)
        logits_MV = _logits_at(model, hidden_LD, torch.from_numpy(flat).to(hidden_LD.device))
        chosen_M = logits_MV.gather(1, expected_M[:, None])[:, 0] - logits_MV.logsumexp(1)
        log_probability[targets], guess[targets] = chosen_M.cpu().numpy(), logits_MV.argmax(1).cpu().numpy()
    return log_probability, guess


@dataclass(frozen=True)
class MaskedRuns:
    """M runs of tokens, all (M,) int64: the number of a text, and its tokens [start, end) that are masked together, the
    first of which is asked for."""

    text: np.ndarray
    start: np.ndarray
    end: np.ndarray


def score_runs(
    model: PreTrainedModel, layout: InputLayout, texts: Sequence[np.ndarray], runs: MaskedRuns, expected: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return for the first token of each run what `score_positions` does, `expected` (M,) being the tokens there.

    Inputs are [CLS] text [SEP], one per run. Runs that all end where a word does, and begin at each of its tokens, are
    its tokens from left to right: by the chain rule their log-probabilities add up to that of the word, of which the
    number of masks tells the number of tokens (PLL-word-l2r, Kauf and Ivanova 2023).
    """
    asked = MaskedPositions(np.arange(len(runs.text)), runs.start + 1, expected)

    def make_input(number: int) -> np.ndarray:
        row = np.array([layout.cls, *texts[runs.text[number]], layout.sep])
        row[runs.start[number] + 1 : runs.end[number] + 1] = layout.mask
        return row

    lengths = np.array([len(text) for text in texts])
    return score_positions(model, layout.pad, make_input, lengths[runs.text] + 2, asked)


def first_tokens(
    model: PreTrainedModel,
    pad: int,
    make_input: MakeInput,
    lengths: np.ndarray,
    second: SecondSegments | None = None,
) -> np.ndarray:
    """Return the last hidden state (N, D) float64 of each input's first token; arguments as of `score_positions`."""
    states = np.zeros((len(lengths), model.config.hidden_size))
    for rows, offsets, hidden_LD in _hidden_states(model, pad, make_input, lengths, second):
        states[rows] = hidden_LD[torch.from_numpy(offsets[:-1]).to(hidden_LD.device)].float().cpu().numpy()
    return states


@torch.no_grad()
def _hidden_states(
    model: PreTrainedModel, pad: int, make_input: MakeInput, lengths: np.ndarray, second: SecondSegments | None
) -> Iterator[tuple[np.ndarray, np.ndarray, Tensor]]:
    """Yield batches: the numbers (S,) of their inputs, where these begin (S + 1,), and the hidden states (L, D)."""
    device, encoder = next(model.parameters()).device, FlatEncoder(model.base_model, pad)
    backend = encoder.backend(device, "32-true", dropout=False)
    for rows in length_batches(lengths, lengths, _BATCH_TOKENS):
        offsets = np.concatenate([[0], np.cumsum(lengths[rows])])
        starts = None if second is None else second.start[rows]
        inputs = _flat_inputs([make_input(number) for number in rows.tolist()], offsets, starts, second)
        layout = encoder.layout_of(inputs.sequence_offsets, int(lengths[rows[0]]), backend)
        inputs, layout = map_tensors((inputs, layout), lambda tensor: tensor.to(device))
        yield rows, offsets, encoder(inputs, layout)[0]


def _flat_inputs(
    ids: list[np.ndarray], offsets: np.ndarray, starts: np.ndarray | None, second: SecondSegments | None
) -> FlatInputs:
    position_ids = np.arange(offsets[-1]) - np.repeat(offsets[:-1], np.diff(offsets))
    arrays = np.concatenate(ids).astype(np.int64), position_ids, offsets
    input_ids, positions, borders = map(torch.from_numpy, arrays)
    types = None
    if second is not None and second.token_type and starts is not None:
        is_second = position_ids >= np.repeat(starts, np.diff(offsets))
        types = torch.from_numpy(second.token_type * is_second.astype(np.int64))
    return FlatInputs(input_ids, types, positions, borders)


@torch.no_grad()
def _logits_at(model: PreTrainedModel, hidden_LD: Tensor, positions_M: Tensor) -> Tensor:
    """Return logits (M, V) float32 at positions (M,) of the flat tokens; the MLM head sees those alone."""
    return mlm_head(model)(hidden_LD.index_select(0, positions_M)).float()
