"""Held-out perplexity of masked tokens, a zero-shot measure: one set of inputs under one mask for every encoder.

Each arm's own held-out loss is measured in its own format and does not compare with another's: a SENTENCE-PAIR input
has less context, so its masked tokens are harder.
"""

import time
from collections.abc import Sequence

import numpy as np

from nsp_ablation.learning.engine.encoder_directory import load_masked_lm
from nsp_ablation.learning.probes.masked_places import MaskedPlaces, score_places
from nsp_ablation.learning.tasks.baselines import Baselines
from nsp_ablation.learning.tasks.outcome import TaskOutcome, outcome
from nsp_ablation.learning.tasks.scored import Scored

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
    wanted = [np.flatnonzero(row != IGNORED_LABEL) for row in labels]
    expected = np.concatenate([row[places] for row, places in zip(labels, wanted, strict=True)])
    asked = MaskedPlaces(np.repeat(np.arange(len(counts)), counts), np.concatenate(wanted), expected)
    lengths = np.array([len(row) for row in input_ids])
    log_probability, _ = score_places(model, model.config.pad_token_id or 0, input_ids.__getitem__, lengths, asked)
    sums = -np.bincount(asked.input, log_probability, len(counts))
    kept = np.flatnonzero(counts)
    example_ids, means = [str(row) for row in kept], sums[kept] / counts[kept]
    loss = float(sums.sum() / counts.sum())
    metrics = {"perplexity": float(np.exp(loss)), "mlm_loss": loss, "num_predictions": float(counts.sum())}
    predictions = dict(zip(example_ids, means.tolist(), strict=True))
    scored = Scored(np.exp(means), predictions, metrics, "perplexity")
    return outcome(scored, example_ids, Baselines(None, None, None), updates=0, seconds=time.perf_counter() - started)
