"""Metrics from arrays (N,) float64 that hold a number per example; tasks measure by them, the report resamples them.

A function whose metric is not defined by its arrays (no example, a correlation with a constant) returns NaN.
"""

from collections.abc import Callable, Sequence

import numpy as np


def metric_value(function: str | None, arrays: Sequence[np.ndarray]) -> float:
    """Return a function of this module, by name, of arrays (N,), or with None the mean of the only one.

    An example counts where none of the arrays is NaN. NaN where none does.
    """
    counts = np.logical_and.reduce([~np.isnan(array) for array in arrays])
    if not counts.any():
        return float("nan")
    return (mean if function is None else FUNCTIONS[function])(*(array[counts] for array in arrays))


def mean(values: np.ndarray) -> float:
    """Return the mean."""
    return float(values.mean())


def total(values: np.ndarray) -> float:
    """Return the sum, of counts."""
    return float(values.sum())


def matthews(prediction: np.ndarray, label: np.ndarray) -> float:
    """Return Matthews' correlation coefficient of class numbers, two or more (Gorodkin 2004); from -1 to 1.

    0 where all predictions or all labels are one class, as scikit-learn and GLUE's scorers have it.
    """
    classes = np.union1d(prediction, label)
    predicted = (prediction[:, None] == classes).sum(axis=0).astype(np.float64)
    labelled = (label[:, None] == classes).sum(axis=0).astype(np.float64)
    num_examples, num_right = float(len(label)), float((prediction == label).sum())
    covariance = num_right * num_examples - predicted @ labelled
    spread = (num_examples**2 - predicted @ predicted) * (num_examples**2 - labelled @ labelled)
    return float(covariance / np.sqrt(spread)) if spread > 0 else 0.0


def binary_f1(prediction: np.ndarray, label: np.ndarray) -> float:
    """Return F1 of class 1; 0 where it is never predicted rightly, as scikit-learn and GLUE's scorers have it."""
    num_right = float(((prediction == 1) & (label == 1)).sum())
    return 2 * num_right / float((prediction == 1).sum() + (label == 1).sum()) if num_right else 0.0


def pearson(prediction: np.ndarray, label: np.ndarray) -> float:
    """Return Pearson's correlation; NaN where either is constant."""
    if np.ptp(prediction) == 0 or np.ptp(label) == 0:
        return float("nan")
    first, second = prediction - prediction.mean(), label - label.mean()
    # of unit length each before they meet, so that no square overflows or vanishes
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    return float(np.clip(first @ second, -1.0, 1.0))


def spearman(prediction: np.ndarray, label: np.ndarray) -> float:
    """Return Spearman's correlation: Pearson's of the ranks, equal values having their mean rank; NaN as there."""
    return pearson(ranks(prediction), ranks(label))


def mean_loss(loss_sum: np.ndarray, num_predictions: np.ndarray) -> float:
    """Return the mean loss of all predictions, from each example's sum of losses and number of predictions."""
    return float(loss_sum.sum() / num_predictions.sum())


def perplexity(loss_sum: np.ndarray, num_predictions: np.ndarray) -> float:
    """Return exp of the mean loss (nats) of all predictions."""
    return float(np.exp(mean_loss(loss_sum, num_predictions)))


def best_threshold_score(answer: np.ndarray, none: np.ndarray, difference: np.ndarray) -> float:
    """Return the highest mean score that one threshold gives (SQuAD 2.0, `find_best_thresh` of evaluate-v2.0.py).

    answer, none: each example's score where its best answer, or none, is given; difference: how much likelier none is
    than the answer. Up to the threshold the answer is given, above it none. Equal differences are never parted, which
    that script does.
    """
    _, gain = _best_threshold(answer, none, difference)
    return float((none.sum() + gain) / len(none))


def best_threshold(answer: np.ndarray, none: np.ndarray, difference: np.ndarray) -> float:
    """Return the threshold of `best_threshold_score`, the lowest of equally good ones; 0 where no answer is ever given,
    as that script has it (its differences are probabilities)."""
    threshold, _ = _best_threshold(answer, none, difference)
    return threshold


def _best_threshold(answer: np.ndarray, none: np.ndarray, difference: np.ndarray) -> tuple[float, float]:
    """Return the best threshold and what the sum of scores gains over never answering."""
    order = np.argsort(difference, kind="stable")
    is_end = np.append(np.diff(difference[order]) > 0, True)
    gains = np.cumsum((answer - none)[order])[is_end]
    best = int(gains.argmax())
    return (float(difference[order][is_end][best]), float(gains[best])) if gains[best] > 0 else (0.0, 0.0)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the rank (N,) float64 of each value, from 1; of equal ones the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


_OF_PREDICTIONS = (matthews, binary_f1, pearson, spearman, mean_loss, perplexity, best_threshold, best_threshold_score)
FUNCTIONS: dict[str, Callable[..., float]] = {function.__name__: function for function in (total, *_OF_PREDICTIONS)}
