"""What a record says of a pre-training."""

from typing import Any

import numpy as np

from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.learning.cost.training_cost import Work, encoder_size, parameter_counts, training_flops
from nsp_ablation.learning.pretraining.heldout_loss import HeldoutLoss
from nsp_ablation.learning.pretraining.plateau import PLATEAU_MARGIN, SmoothedLosses
from nsp_ablation.learning.pretraining.pretraining_fit import PretrainOutcome
from nsp_ablation.pipeline.feed import OpenFeed
from nsp_ablation.reporting.records.training_facts import PlateauFacts
from nsp_ablation.samples.batches.accounting import Totals, tokens_read, trained_length
from nsp_ablation.samples.batches.corpus_reading import corpus_reading


def pretraining_facts(
    config: Config,
    feed: OpenFeed,
    read: Totals,
    positions: np.ndarray,
    outcome: PretrainOutcome,
    heldout: HeldoutLoss | None,
) -> dict[str, Any]:
    """Return the record's `pretraining` block of a run that read `read` in all, at `positions` (T,) int64 so many."""
    steps = config.pretraining.max_steps
    index = feed.index_of(1)
    is_nsp = index.is_random_next is not None
    of_corpus = corpus_reading(feed.plan, steps, feed.store, feed.frame)
    return {
        "updates": steps,
        "tokens": read.tokens,
        "padding_tokens": read.sequences * config.max_length - read.tokens,
        "sequences": read.sequences,
        "predictions": outcome.num_predictions,
        "pairs": read.pairs if index.is_pair else None,
        "passes": read.passes,
        "trimmed_tokens": round(read.epochs * index.trimmed_tokens),
        "maskable_tokens": read.tokens - read.special_tokens - of_corpus.special_in_text,
        "special_tokens": read.special_tokens,
        "unique_tokens": of_corpus.unique_tokens,
        "in_range_tokens": trained_length(positions),
        "realised_random_next": read.random_next / read.pairs if is_nsp and read.pairs else None,
        "mlm_loss": heldout.mlm_loss if heldout else None,
        "nsp_accuracy": heldout.pair_accuracy if heldout and resolved_objective(config) == "mlm_nsp" else None,
        "seconds": outcome.seconds,
        "parameters": sum(
            parameter_counts(config.model, feed.frame.vocab_size, config.max_length, feed.frame.pad).values()
        ),
        "flops": _flops(config, feed, read, positions, outcome.num_predictions),
    }


def _flops(config: Config, feed: OpenFeed, read: Totals, positions: np.ndarray, num_predictions: int) -> float:
    """Return the FLOPs of forward and backward passes; `positions` (T,) int64 are the tokens read at each position.

    A sequence of length n has a token at each of the positions 0 to n - 1, and n² is the sum of 2 i + 1 over them.
    """
    attended = float(positions @ (2.0 * np.arange(len(positions)) + 1))
    num_pairs = read.pairs if resolved_objective(config) != "mlm" else 0
    work = Work(read.tokens, attended, num_predictions, num_pairs)
    return training_flops(encoder_size(config.model, feed.frame.vocab_size), work)


def plateau_facts(feed: OpenFeed, losses: SmoothedLosses, unigram_entropy: float) -> PlateauFacts:
    """Return when a run of these losses left the unigram plateau, of a corpus of this entropy, in nats.

    Masks fall on all maskable tokens alike, so that the entropy of the corpus is about what frequencies alone leave of
    its predicted tokens.
    """
    below = unigram_entropy - PLATEAU_MARGIN
    update = losses.update_below(below)
    tokens = None if update is None else tokens_read(feed.plan, update)
    return PlateauFacts(unigram_entropy, below, update, tokens)
