"""The held-out loss of an arm in its own format's inputs."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from nsp_ablation.config.schema import Config
from nsp_ablation.learning.engine.training_device import torch_device
from nsp_ablation.learning.pretraining.heldout_loss import HeldoutLoss, heldout_loss
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.samples.batches.loader import MicroBatch, evaluation_batches

_EVALUATION_TOKENS = 16_384


def own_heldout_loss(config: Config, feed: OpenFeed, model: PretrainingModel) -> HeldoutLoss | None:
    """Return the loss in the format's own held-out inputs; None where none is asked for or possible."""
    if feed.heldout_index is None or config.pretraining.heldout_tokens == 0:
        return None
    return heldout_loss(model, heldout_batches(config, feed), torch_device(config.trainer))


def heldout_batches(config: Config, feed: OpenFeed) -> Iterator[MicroBatch]:
    """Give held-out inputs of the arm's own format under one fixed mask, up to `heldout_tokens` real tokens."""
    assert feed.heldout is not None
    assert feed.heldout_index is not None
    masks = replace(feed.masks, seed=config.corpus.seed)
    num_tokens = 0
    for batch in evaluation_batches(feed.heldout, feed.heldout_index, feed.frame, masks, _EVALUATION_TOKENS):
        yield batch
        num_tokens += batch.num_tokens
        if num_tokens >= config.pretraining.heldout_tokens:
            return


def unigram_entropy(token_counts: np.ndarray) -> float:
    """Return the entropy, in nats, of token frequencies (V,): an MLM loss below it means that context is read."""
    shares = token_counts[token_counts > 0] / token_counts.sum()
    return float(-(shares * np.log(shares)).sum())
