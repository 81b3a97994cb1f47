"""Predictions with their scores."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Scored:
    """What a task's development set gave. scores (num_examples,) float64 in the primary metric, in file order;
    predictions by example id; metrics as fractions."""

    scores: np.ndarray
    predictions: dict[str, Any]
    metrics: dict[str, float]
    primary_metric: str
