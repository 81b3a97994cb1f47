"""What a task or probe gives: scores, predictions and the baselines beside them."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from nsp_ablation.learning.tasks.baselines import Baselines
from nsp_ablation.learning.tasks.scored import Scored


@dataclass(frozen=True)
class TaskOutcome:
    """One fine-tuned (or probed) encoder on one task, without its identity.

    scores (N,) float64: each example's score in `primary_metric`, in file order, as `example_ids`; predictions by
    example id (SQuAD's official form for span QA); metrics, chance, majority and bag_of_words as fractions (gains in
    nats), None where a baseline does not exist; updates and seconds of fine-tuning (of the probe, with 0 updates).
    """

    scores: np.ndarray
    example_ids: list[str]
    predictions: dict[str, Any]
    metrics: dict[str, float]
    primary_metric: str
    chance: float | None
    majority: float | None
    bag_of_words: float | None
    updates: int
    seconds: float


def outcome(scored: Scored, example_ids: list[str], baselines: Baselines, updates: int, seconds: float) -> TaskOutcome:
    """Put scores and baselines together."""
    return TaskOutcome(
        scores=scored.scores,
        example_ids=example_ids,
        predictions=scored.predictions,
        metrics=scored.metrics,
        primary_metric=scored.primary_metric,
        chance=baselines.chance,
        majority=baselines.majority,
        bag_of_words=baselines.bag_of_words,
        updates=updates,
        seconds=seconds,
    )
