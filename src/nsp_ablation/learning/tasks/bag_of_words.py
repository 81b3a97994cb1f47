"""Logistic regression over word counts: what a task gives without word order, context or pre-training."""

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
from scipy import optimize, sparse, special

from nsp_ablation.learning.tasks.examples import ChoiceExample, TextExample

_WORD = re.compile(r"\w+")


def classification_accuracy(
    train: list[TextExample], dev: list[TextExample], num_labels: int, max_iterations: int
) -> float:
    """Return the accuracy on `dev` of a classifier trained on `train`; features as `_text_features`."""
    train_counts, dev_counts = _count_matrices(
        [_text_features(example.texts) for example in train], [_text_features(example.texts) for example in dev]
    )
    labels = np.array([example.label for example in train])
    weights = _fit(
        train_counts.shape[1] * num_labels,
        labels,
        max_iterations,
        scores=lambda flat: train_counts @ flat.reshape(-1, num_labels),
        gradient=lambda error_NC: (train_counts.T @ error_NC).ravel(),
    )
    predicted = (dev_counts @ weights.reshape(-1, num_labels)).argmax(axis=1)
    return float(np.mean(predicted == [example.label for example in dev]))


def choice_accuracy(train: list[ChoiceExample], dev: list[ChoiceExample], max_iterations: int) -> float:
    """Return the accuracy on `dev` of a linear score per option, trained on `train` by softmax over the options.

    An option's features: its words, how many of them stand in the article and in the question, and how many not.
    """
    num_options = len(train[0].options)
    train_counts, dev_counts = _count_matrices(
        [features for example in train for features in _option_features(example)],
        [features for example in dev for features in _option_features(example)],
    )
    labels = np.array([example.label for example in train])
    weights = _fit(
        train_counts.shape[1],
        labels,
        max_iterations,
        scores=lambda flat: (train_counts @ flat).reshape(-1, num_options),
        gradient=lambda error_NC: train_counts.T @ error_NC.ravel(),
    )
    predicted = (dev_counts @ weights).reshape(-1, num_options).argmax(axis=1)
    return float(np.mean(predicted == [example.label for example in dev]))


def _text_features(texts: tuple[str, ...]) -> Counter[tuple[int, str]]:
    """Count the words of each text apart and, for a pair, how many words of the second the first has and lacks."""
    words = [_WORD.findall(text.lower()) for text in texts]
    counts = Counter((part, word) for part, text in enumerate(words) for word in text)
    if len(words) == 2:
        counts.update(_overlap(2, words[1], words[0]))
    counts[-1, ""] = 1  # the intercept
    return counts


def _option_features(example: ChoiceExample) -> list[Counter[tuple[int, str]]]:
    article, question = (_WORD.findall(text.lower()) for text in (example.article, example.question))
    rows = []
    for option in example.options:
        words = _WORD.findall(option.lower())
        counts = Counter((0, word) for word in words)
        counts.update(_overlap(1, words, article))
        counts.update(_overlap(2, words, question))
        rows.append(counts)
    return rows


def _overlap(part: int, words: list[str], others: list[str]) -> Counter[tuple[int, str]]:
    known = set(others)
    return Counter((part, "<shared>" if word in known else "<new>") for word in words)


def _count_matrices(
    train: list[Counter[tuple[int, str]]], dev: list[Counter[tuple[int, str]]]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Return count matrices over the features of `train`; features that only `dev` has are dropped."""
    columns = {feature: number for number, feature in enumerate(dict.fromkeys(f for row in train for f in row))}
    matrices = []
    for rows in (train, dev):
        entries = [(r, columns[f], count) for r, row in enumerate(rows) for f, count in row.items() if f in columns]
        row, column, count = np.array(entries).reshape(-1, 3).T
        matrices.append(sparse.csr_matrix((count.astype(np.float64), (row, column)), (len(rows), len(columns))))
    return matrices[0], matrices[1]


def _fit(
    num_weights: int,
    labels: np.ndarray,
    max_iterations: int,
    scores: Callable[[np.ndarray], np.ndarray],
    gradient: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Return the weights that minimise summed cross-entropy + |weights|^2 / 2 (L-BFGS from zero)."""
    rows = np.arange(len(labels))

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        log_probability_NC = special.log_softmax(scores(weights), axis=1)
        error_NC = np.exp(log_probability_NC)
        error_NC[rows, labels] -= 1
        loss = -log_probability_NC[rows, labels].sum() + weights @ weights / 2
        return loss, gradient(error_NC) + weights

    result = optimize.minimize(
        objective, np.zeros(num_weights), jac=True, method="L-BFGS-B", options={"maxiter": max_iterations}
    )
    return result.x
