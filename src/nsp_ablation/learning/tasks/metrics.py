"""Official metrics as per-example scores: SQuAD exact match and F1 (v1.1, v2.0) and accuracy.

They follow evaluate-v1.1.py and evaluate-v2.0.py of the SQuAD site, which agree but for empty answers.
"""

import re
import string
from collections import Counter

import numpy as np

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalize_answer(text: str) -> str:
    """Lower-case, drop ASCII punctuation and articles, and join the words by one space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_WITHOUT_PUNCTUATION)).split())


def exact_match(prediction: str, reference: str) -> float:
    """1 where the normalized answers are equal, else 0."""
    return float(normalize_answer(prediction) == normalize_answer(reference))


def f1(prediction: str, reference: str) -> float:
    """Harmonic mean of precision and recall over the normalized words; two answers without words score 1 (v2.0)."""
    predicted, expected = normalize_answer(prediction).split(), normalize_answer(reference).split()
    if not predicted or not expected:
        return float(predicted == expected)
    num_same = sum((Counter(predicted) & Counter(expected)).values())
    if num_same == 0:
        return 0.0
    precision, recall = num_same / len(predicted), num_same / len(expected)
    return 2 * precision * recall / (precision + recall)


def span_scores(predictions: list[str], references: list[list[str]], unanswerable: bool) -> dict[str, np.ndarray]:
    """Return `f1` and `exact_match`, each (num_examples,) float64: the best over each example's references.

    With `unanswerable` (v2.0) a question without references, or without words in them, scores 1 for an empty
    prediction and 0 for any other, and references without words count only there. Without it (v1.1) all references
    count, and a prediction without words has F1 0.
    """
    exact, overlap = np.zeros(len(references)), np.zeros(len(references))
    for example, (prediction, golds) in enumerate(zip(predictions, references, strict=True)):
        if unanswerable:
            golds = [text for text in golds if normalize_answer(text)] or [""]
        exact[example] = max(exact_match(prediction, gold) for gold in golds)
        if unanswerable or normalize_answer(prediction):
            overlap[example] = max(f1(prediction, gold) for gold in golds)
    return {"f1": overlap, "exact_match": exact}


def span_metrics(scores: dict[str, np.ndarray], is_answerable: np.ndarray) -> dict[str, float]:
    """Return means as fractions: `f1`, `exact_match` and, where some questions are unanswerable, both again over the
    answerable (`has_answer_*`) and the unanswerable (`no_answer_*`) ones. Arrays (num_examples,)."""
    metrics = {metric: float(values.mean()) for metric, values in scores.items()}
    if not is_answerable.all():
        for name, chosen in (("has_answer", is_answerable), ("no_answer", ~is_answerable)):
            if chosen.any():
                metrics |= {f"{name}_{metric}": float(values[chosen].mean()) for metric, values in scores.items()}
    return metrics


def accuracy_scores(predicted: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (num_examples,) float64: 1 where the predicted class is the labelled one."""
    return (predicted == labels).astype(np.float64)


def standard_error(values: np.ndarray, clusters: np.ndarray) -> float | None:
    """Return the standard error of the mean of values (N,) that depend on each other within clusters (N,) int.

    The cluster-robust one (Liang and Zeger 1986): targets of one input share its text. None for a single cluster.
    """
    _, members = np.unique(clusters, return_inverse=True)
    sums = np.bincount(members, weights=values - values.mean())
    num_clusters = len(sums)
    if num_clusters < 2:
        return None
    return float(np.sqrt((sums**2).sum() * num_clusters / (num_clusters - 1)) / len(values))
