"""SQuAD's exact match and F1, as evaluate-v1.1.py and evaluate-v2.0.py of its site; a module of `SPAN_SCORINGS`.

The two scripts agree but for empty answers, of which `span_scores.py` takes care.
"""

import re
import string
from collections import Counter

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
    predicted, expected = units(prediction), units(reference)
    if not predicted or not expected:
        return float(predicted == expected)
    num_same = sum((Counter(predicted) & Counter(expected)).values())
    if num_same == 0:
        return 0.0
    precision, recall = num_same / len(predicted), num_same / len(expected)
    return 2 * precision * recall / (precision + recall)


def units(text: str) -> list[str]:
    """Return the words of the normalized text."""
    return normalize_answer(text).split()


def joined(words: list[str]) -> str:
    """Return a text that has these words."""
    return " ".join(words)
