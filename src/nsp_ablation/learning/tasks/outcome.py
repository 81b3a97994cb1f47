"""What one encoder gives on one task."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Baselines:
    """Development scores without an encoder, in the task's metric; None where a baseline does not exist."""

    chance: float | None = None
    majority: float | None = None
    bag_of_words: float | None = None


@dataclass(frozen=True)
class Outcome:
    """One fine-tuned or probed encoder on one task, without its identity.

    scores (N,) float64: each example's score in the task's metric, in file order, as `example_ids`; predictions by
    example id (SQuAD's official form for span QA); metrics as fractions (perplexity, and gains in nats, as they are);
    clusters (N,): what examples that depend on each other have in common (an article, a passage, a premise, a
    document); items: arrays (N,) float64 by name, of which `metric_source` says how a metric comes from them, NaN where
    an example does not count; updates of fine-tuning (0 of a probe); seconds and the attention backend of both.
    """

    scores: np.ndarray
    example_ids: list[str]
    predictions: dict[str, Any]
    metrics: dict[str, float]
    clusters: list[str]
    items: dict[str, np.ndarray]
    baselines: Baselines = Baselines()
    updates: int = 0
    seconds: float = 0.0
    attention_backend: str = "not recorded"
