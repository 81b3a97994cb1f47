"""Logistic regression of two classes on dense features: a linear probe of what they tell."""

# N examples, F features

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special


@dataclass(frozen=True)
class LinearClassifier:
    """A linear score of features that are centred and scaled as in training: `weights` (F,) and `intercept`."""

    mean: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    intercept: float

    def probability(self, features_NF: np.ndarray) -> np.ndarray:
        """Return the probability (N,) float64 of class 1."""
        return special.expit((features_NF - self.mean) / self.scale @ self.weights + self.intercept)


def fit_classifier(
    features_NF: np.ndarray, labels: np.ndarray, penalty: float, max_iterations: int
) -> LinearClassifier:
    """Return the classifier that minimises summed cross-entropy + penalty * |weights|^2 / 2 (L-BFGS from zero).

    features (N, F) float64, which are standardized; labels (N,) bool, true for class 1. The intercept is free.
    """
    mean, scale = features_NF.mean(axis=0), features_NF.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    standard_NF, signs = (features_NF - mean) / scale, np.where(labels, 1.0, -1.0)

    def objective(values: np.ndarray) -> tuple[float, np.ndarray]:
        margins = signs * (standard_NF @ values[:-1] + values[-1])
        pull = -signs * special.expit(-margins)
        gradient = np.append(standard_NF.T @ pull + penalty * values[:-1], pull.sum())
        return float(np.logaddexp(0, -margins).sum() + penalty * values[:-1] @ values[:-1] / 2), gradient

    start, options = np.zeros(features_NF.shape[1] + 1), {"maxiter": max_iterations}
    found = optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x
    return LinearClassifier(mean, scale, found[:-1], float(found[-1]))
