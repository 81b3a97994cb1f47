"""Scores of answers to questions of span QA, over all references, and what depends on what among them."""

from functools import cache
from importlib import import_module
from typing import Protocol, cast

import numpy as np

from nsp_ablation.base.fingerprint import fingerprint
from nsp_ablation.learning.tasks.examples import SpanAnswer, SpanExample
from nsp_ablation.options.task_options import SPAN_SCORINGS, TaskOptions

# As evaluate-v2.0.py names them; the thresholds are probabilities of no answer above which none is given.
THRESHOLD_METRICS = ("best_f1", "best_f1_thresh", "best_exact", "best_exact_thresh")


class SpanScoring(Protocol):
    """How an answer is compared with one reference: a module, named in `SPAN_SCORINGS`."""

    def exact_match(self, prediction: str, reference: str) -> float:
        """Return 1 or 0."""

    def f1(self, prediction: str, reference: str) -> float:
        """Return a number from 0 to 1."""

    def units(self, text: str) -> list[str]:
        """Return what F1 counts."""

    def joined(self, words: list[str]) -> str:
        """Return a text of these units."""


def span_scoring(task: TaskOptions) -> SpanScoring:
    """Return how a task's answers are compared with references."""
    return cast(SpanScoring, import_module(SPAN_SCORINGS[task.scoring]))


def span_scores(predictions: list[str], references: list[list[str]], task: TaskOptions) -> dict[str, np.ndarray]:
    """Return `f1` and `exact_match`, each (num_examples,) float64: the best over each example's references.

    With `task.unanswerable` (SQuAD 2.0) a question without references, or without words in them, scores 1 for a
    prediction without words and 0 for any other, and references without words count only there. Without it (1.1) all
    references count, and a prediction without words has F1 0.
    """
    scoring = span_scoring(task)
    exact, overlap = np.zeros(len(references)), np.zeros(len(references))
    for example, (prediction, golds) in enumerate(zip(predictions, references, strict=True)):
        is_empty = not scoring.units(prediction)
        kept = [text for text in golds if scoring.units(text)] if task.unanswerable else golds
        if not kept:
            exact[example] = overlap[example] = float(is_empty)
            continue
        exact[example] = max(scoring.exact_match(prediction, gold) for gold in kept)
        if not is_empty:
            overlap[example] = max(scoring.f1(prediction, gold) for gold in kept)
    return {"f1": overlap, "exact_match": exact}


def span_items(scores: dict[str, np.ndarray], is_answerable: np.ndarray) -> dict[str, np.ndarray]:
    """Return the arrays that the metrics are means of: `f1`, `exact_match` and, where some questions are unanswerable,
    both again over the answerable (`has_answer_*`) and the unanswerable (`no_answer_*`) ones, NaN at the others.

    All arrays are (num_examples,) float64.
    """
    items = dict(scores)
    if not is_answerable.all():
        for name, chosen in (("has_answer", is_answerable), ("no_answer", ~is_answerable)):
            if chosen.any():
                items |= {f"{name}_{metric}": np.where(chosen, values, np.nan) for metric, values in scores.items()}
    return items


def threshold_items(
    predictions: list[SpanAnswer], references: list[list[str]], task: TaskOptions
) -> dict[str, np.ndarray]:
    """Return the arrays (num_examples,) float64 that THRESHOLD_METRICS come from: the scores of the best answer and of
    none, and the probability of none."""
    best = span_scores([prediction.best for prediction in predictions], references, task)
    none = span_scores([""] * len(references), references, task)
    probability = np.array([prediction.none_probability for prediction in predictions], dtype=np.float64)
    return {
        "answer_f1": best["f1"],
        "answer_exact": best["exact_match"],
        "none_f1": none["f1"],
        "none_exact": none["exact_match"],
        "none_probability": probability,
    }


def passage_clusters(examples: list[SpanExample]) -> list[str]:
    """Return what questions that depend on each other have in common (N,): their article, by its title.

    Contexts without a title, and those of a file with one article alone, are each a cluster by its own fingerprint.
    """
    has_articles = len({example.article for example in examples} - {""}) > 1
    names = cache(fingerprint)  # a context has several questions
    return [example.article if has_articles and example.article else names(example.context) for example in examples]
