"""What a task gives without an encoder: chance, the majority of training, and a bag of words."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from nsp_ablation.learning.tasks import bag_of_words, span_baselines
from nsp_ablation.learning.tasks.task_spec import Examples, TaskSpec


@dataclass(frozen=True)
class Baselines:
    """Development scores in the task's primary metric, as fractions; None where a baseline does not exist."""

    chance: float | None
    majority: float | None
    bag_of_words: float | None


def measure_baselines(spec: TaskSpec, train: Examples, dev: Examples) -> Baselines:
    """Measure the baselines of a task from its examples alone (no seed, no encoder).

    - classification and multiple choice: chance is one in the number of classes or options; majority always takes
      the commonest label of training; bag of words is a logistic regression over word counts (`bag_of_words.py`).
    - span QA: see `span_baselines.py`. Chance draws among the passage's spans that look like answers, or, where
      questions may be unanswerable, says so always; majority always gives the commonest answer of training.
    """
    given: Any = train  # one list type for each kind of task
    expected: Any = dev
    if spec.kind == "span_qa":
        return Baselines(*span_baselines.measure(given, expected, spec.unanswerable))
    if spec.kind == "classification":
        words = bag_of_words.classification_accuracy(given, expected, len(spec.labels))
        return Baselines(1 / len(spec.labels), _majority(given, expected), words)
    assert spec.kind == "multiple_choice", spec.kind
    words = bag_of_words.choice_accuracy(given, expected)
    return Baselines(1 / len(expected[0].options), _majority(given, expected), words)


def _majority(train: list[Any], dev: list[Any]) -> float:
    commonest, _ = Counter(example.label for example in train).most_common(1)[0]
    return sum(example.label == commonest for example in dev) / len(dev)
