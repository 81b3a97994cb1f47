"""Regression over word counts, logistic or linear: what a task gives without word order, context or pre-training."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy import optimize, sparse, special

from nsp_ablation.learning.tasks.examples import ChoiceExample, RatedExample, TextExample
from nsp_ablation.learning.tasks.text_units import words_of


def predicted_classes(
    train: list[TextExample], dev: list[TextExample], num_labels: int, max_iterations: int
) -> np.ndarray:
    """Return the classes (num_dev,) int64 that a classifier trained on `train` tells; features as `_text_features`."""
    train_counts, dev_counts = _text_counts(train, dev)
    ones = np.ones(len(train), np.int64), np.ones(len(dev), np.int64)
    weights = _fit(train_counts, _labels(train), num_labels, max_iterations, ones[0])
    return _scores_NC(dev_counts, weights, ones[1]).argmax(axis=1)


def predicted_numbers(train: list[RatedExample], dev: list[RatedExample], max_iterations: int) -> np.ndarray:
    """Return the numbers (num_dev,) float64 that a linear regression over `_text_features` tells, which minimises the
    squared error on `train` + |weights|^2."""
    train_counts, dev_counts = _text_counts(train, dev)
    return dev_counts @ sparse.linalg.lsqr(train_counts, _labels(train), damp=1.0, iter_lim=max_iterations)[0]


def _text_counts(
    train: Sequence[TextExample | RatedExample], dev: Sequence[TextExample | RatedExample]
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    train_rows, dev_rows = ([_text_features(example.texts) for example in examples] for examples in (train, dev))
    return _count_matrices(train_rows, dev_rows)


def choice_accuracy(train: list[ChoiceExample], dev: list[ChoiceExample], max_iterations: int) -> float:
    """Return the accuracy on `dev` of a linear score per option, trained on `train` by softmax over a question.

    An option's features: its words, how many of them stand in the article and in the question, and how many not.
    """
    train_rows, dev_rows = ([row for example in part for row in _option_features(example)] for part in (train, dev))
    train_counts, dev_counts = _count_matrices(train_rows, dev_rows)
    options = [np.array([len(example.options) for example in part]) for part in (train, dev)]
    weights = _fit(train_counts, _labels(train), 1, max_iterations, options[0])
    return _accuracy(dev_counts, _labels(dev), weights, options[1])


def _labels(examples: Sequence[TextExample | RatedExample | ChoiceExample]) -> np.ndarray:
    return np.array([example.label for example in examples])


def _accuracy(counts: sparse.csr_matrix, labels: np.ndarray, weights: np.ndarray, num_rows: np.ndarray) -> float:
    return float(np.mean(_scores_NC(counts, weights, num_rows).argmax(axis=1) == labels))


def _scores_NC(counts: sparse.csr_matrix, weights_FS: np.ndarray, num_rows: np.ndarray) -> np.ndarray:
    """Return the scores that compete in each of N examples: S of each of its rows of counts, then -inf.

    num_rows (N,) int64: the rows of each example.
    """
    scores = np.full((len(num_rows), num_rows.max() * weights_FS.shape[1]), -np.inf)
    scores[_is_score_NC(num_rows, weights_FS.shape[1])] = (counts @ weights_FS).ravel()
    return scores


def _is_score_NC(num_rows: np.ndarray, num_scores: int) -> np.ndarray:
    """Return where an example has a score: (N, C) bool, false where others have more rows than it."""
    return np.arange(num_rows.max() * num_scores) < num_rows[:, None] * num_scores


def _fit(
    counts: sparse.csr_matrix, labels: np.ndarray, num_scores: int, max_iterations: int, num_rows: np.ndarray
) -> np.ndarray:
    """Return the weights (F, S) that minimise summed cross-entropy + |weights|^2 / 2 (L-BFGS from zero)."""
    examples, shape = np.arange(len(labels)), (counts.shape[1], num_scores)
    is_score_NC = _is_score_NC(num_rows, num_scores)

    def objective(weights: np.ndarray) -> tuple[float, np.ndarray]:
        log_probability_NC = special.log_softmax(_scores_NC(counts, weights.reshape(shape), num_rows), axis=1)
        error_NC = np.exp(log_probability_NC)
        error_NC[examples, labels] -= 1
        loss = -log_probability_NC[examples, labels].sum() + weights @ weights / 2
        return loss, (counts.T @ error_NC[is_score_NC].reshape(-1, num_scores)).ravel() + weights

    start, options = np.zeros(shape[0] * shape[1]), {"maxiter": max_iterations}
    return optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x.reshape(shape)


def _text_features(texts: tuple[str, ...]) -> Counter[tuple[int, str]]:
    """Count the words of each text apart and, for a pair, how many words of the second the first has and lacks."""
    words = [words_of(text.lower()) for text in texts]
    counts = Counter((part, word) for part, text in enumerate(words) for word in text)
    if len(words) == 2:
        counts.update(_overlap(2, words[1], words[0]))
    counts[-1, ""] = 1  # the intercept
    return counts


def _option_features(example: ChoiceExample) -> list[Counter[tuple[int, str]]]:
    article, question = (words_of(text.lower()) for text in (example.article, example.question))
    rows = []
    for option in example.options:
        words = words_of(option.lower())
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
