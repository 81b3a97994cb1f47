"""Held-out perplexity of masked tokens, a zero-shot measure: one set of inputs under one mask for every encoder.

Each arm's own held-out loss is measured in its own format and does not compare with another's: a SENTENCE-PAIR input
has less context, so its masked tokens are harder.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from nsp_ablation.finetuning.baselines import Baselines
from nsp_ablation.finetuning.encoder_directory import load_masked_lm
from nsp_ablation.finetuning.masked_places import length_batches, logits_at
from nsp_ablation.finetuning.outcome import TaskOutcome, outcome
from nsp_ablation.finetuning.scored import Scored

IGNORED_LABEL = -100


def heldout_mlm(
    encoder_directory: str,
    input_ids: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    *,
    device: str = "cpu",
) -> TaskOutcome:
    """Return the perplexity of the masked tokens of inputs (L,) int64 each, all of token type 0.

    `labels` (L,) are the ids before masking, -100 where nothing is predicted; ids are those of the encoder's own
    vocabulary, so only encoders of one tokenizer compare. Perplexity is exp of the mean loss over all predictions;
    an input's score is that of its own predictions, its id its number, its prediction its mean loss in nats. Raises
    ValueError where nothing is to be predicted.
    """
    started = time.perf_counter()
    model = load_masked_lm(encoder_directory).eval().to(device)
    counts = np.array([int((row != IGNORED_LABEL).sum()) for row in labels], np.int64)
    if not counts.sum():
        raise ValueError("heldout_mlm: the held-out documents are too few to predict a token; raise "
                         "corpus.heldout_fraction")  # fmt: skip
    sums = np.zeros(len(counts))
    for rows in length_batches(np.array([len(row) for row in input_ids])):
        sums[rows] = _losses(model, [input_ids[row] for row in rows], [labels[row] for row in rows])
    kept = np.flatnonzero(counts)
    example_ids, means = [str(row) for row in kept], sums[kept] / counts[kept]
    loss = float(sums.sum() / counts.sum())
    metrics = {"perplexity": float(np.exp(loss)), "mlm_loss": loss, "num_predictions": float(counts.sum())}
    predictions = dict(zip(example_ids, means.tolist(), strict=True))
    scored = Scored(np.exp(means), predictions, metrics, "perplexity")
    return outcome(scored, example_ids, Baselines(None, None, None), updates=0, seconds=time.perf_counter() - started)


def _losses(model: Any, input_ids: list[np.ndarray], labels: list[np.ndarray]) -> np.ndarray:
    """Return (B,) float64, the sum of each row's losses in nats; the MLM head sees the masked places alone."""
    longest = max(map(len, input_ids))
    ids_BL = np.full((len(input_ids), longest), model.config.pad_token_id or 0)
    labels_BL, is_token_BL = np.full_like(ids_BL, IGNORED_LABEL), np.zeros_like(ids_BL)
    for row, (ids, targets) in enumerate(zip(input_ids, labels, strict=True)):
        ids_BL[row, : len(ids)], labels_BL[row, : len(ids)], is_token_BL[row, : len(ids)] = ids, targets, 1
    device = next(model.parameters()).device
    input_ids_BL, mask, wanted = (torch.from_numpy(array).to(device) for array in (ids_BL, is_token_BL, labels_BL))
    row_M, place_M = torch.nonzero(wanted != IGNORED_LABEL, as_tuple=True)
    logits_MV = logits_at(model, input_ids_BL, mask, row_M, place_M)
    losses_M = F.cross_entropy(logits_MV, wanted[row_M, place_M], reduction="none")
    sums = torch.zeros(len(input_ids), dtype=torch.float64)
    return sums.index_add_(0, row_M.cpu(), losses_M.double().cpu()).numpy()
