"""The model at the start of pre-training."""

import numpy as np

from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.pretraining.pretraining_model import PretrainingModel, build_model
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.text.store.token_store import TokenStore

_COUNTED_AT_ONCE = 2**24  # tokens, of which counting makes 8 bytes each


def initial_model(config: Config, feed: OpenFeed) -> PretrainingModel:
    """Return the model at the start of pre-training; it depends on sizes and seed, never on format or objective."""
    return build_model(
        config.model,
        feed.frame,
        predicts_pairs=resolved_objective(config) != "mlm",
        confines_attention=config.format.attention == "document",
        seed=config.seed,
        token_counts=token_counts(feed.frame, feed.store) if config.model.unigram_output_bias else None,
    )


def token_counts(frame: Frame, store: TokenStore) -> np.ndarray:
    """Return how often each token of the vocabulary (V,) stands in a store, in memory that does not grow with it."""
    counts = np.zeros(frame.vocab_size, np.int64)
    for start in range(0, len(store.ids), _COUNTED_AT_ONCE):
        counts += np.bincount(store.ids[start : start + _COUNTED_AT_ONCE], minlength=frame.vocab_size)
    return counts
