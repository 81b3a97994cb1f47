"""Baselines of span QA, computable from the files alone for real and made passages alike.

*Candidates* of a passage are its spans whose words, as the scoring sees them, answer some question of the training or
development file. They tell a baseline what answers look like, so each is favoured over a reader who must find that out.
"""

from collections import Counter
from functools import cache

import numpy as np

from nsp_ablation.learning.tasks.examples import SpanExample
from nsp_ablation.learning.tasks.span_scores import SpanScoring, span_scores, span_scoring
from nsp_ablation.options.task_options import TaskOptions


def measure(train: list[SpanExample], dev: list[SpanExample], task: TaskOptions) -> tuple[float, float, float]:
    """Return the score of chance, majority and nearest candidate on `dev`, by `task.metric` (F1 or exact match).

    - chance: a candidate drawn evenly from the passage's distinct ones (expected score); with `unanswerable`
      always the empty answer, which costs no knowledge.
    - majority: always the commonest answer of training, the empty one included.
    - nearest candidate (after the SQuAD paper's sliding window with distances): the candidate that stands nearest to
      the question's words; with `unanswerable` none where its score is below the threshold that is best on `train`.
    """
    passages = _Passages(train + dev, task.baseline_answer_words, span_scoring(task))
    unanswerable = task.unanswerable

    def mean(answers: list[str]) -> float:
        return float(_scores(answers, dev, task).mean())

    majority = Counter(_first_answer(example) for example in train).most_common(1)[0][0]
    if unanswerable:
        chance = mean([""] * len(dev))
        threshold = _best_threshold(passages, train[: task.baseline_train_examples], task)
    else:
        chance = float(np.mean([_expected_score(passages, example, task.metric) for example in dev]))
        threshold = -np.inf
    best = [nearest_candidate(passages, example) for example in dev]
    answers = [answer if score >= threshold else "" for answer, score in best]
    return chance, mean([majority] * len(dev)), mean(answers)


class _Passages:
    """The candidates of passages; a passage is searched once however many questions it has."""

    def __init__(self, examples: list[SpanExample], max_words: int, scoring: SpanScoring):
        answers = {text for example in examples for text, _ in example.answers}
        known = {tuple(scoring.units(text)) for text in answers} - {()}
        longest = min(max_words, max(map(len, known), default=0))
        self.scoring = scoring
        self.words = cache(scoring.units)
        self.candidates = cache(lambda context: self._known_spans(self.words(context), known, longest))

    def _known_spans(self, words: list[str], known: set[tuple[str, ...]], longest: int) -> list[tuple[str, int, int]]:
        spans = []
        for start in range(len(words)):
            for end in range(start + 1, min(start + longest, len(words)) + 1):
                if tuple(words[start:end]) in known:
                    spans.append((self.scoring.joined(words[start:end]), start, end))
        return spans


def nearest_candidate(passages: _Passages, example: SpanExample) -> tuple[str, float]:
    """Return the best candidate and its score: for each question word in the passage, its weight over its distance.

    A word weighs log(1 + 1 / its count in the passage). The first of equal candidates wins; one made of question words
    alone is passed over. Without candidates the answer is empty and scores -inf.
    """
    words = passages.words(example.context)
    question = set(passages.words(example.question))
    counts = Counter(words)
    weights = np.array([np.log1p(1 / counts[word]) if word in question else 0.0 for word in words])
    positions = {
        word: np.flatnonzero([other == word for other in words]) for word in sorted(question) if word in counts
    }
    best, best_score = "", -np.inf
    for text, start, end in passages.candidates(example.context):
        distances = [np.maximum(start - at, at - end + 1).clip(min=1).min() for at in positions.values()]
        score = sum(weights[at[0]] / distance for at, distance in zip(positions.values(), distances, strict=True))
        if score > best_score and not set(words[start:end]) <= question:
            best, best_score = text, float(score)
    return best, best_score


def _expected_score(passages: _Passages, example: SpanExample, metric: str) -> float:
    measure = {"f1": passages.scoring.f1, "exact_match": passages.scoring.exact_match}[metric]
    texts = {text for text, _, _ in passages.candidates(example.context)}
    best = [max(measure(text, reference) for reference, _ in example.answers) for text in sorted(texts)]
    return float(np.mean(best)) if best else 0.0


def _best_threshold(passages: _Passages, train: list[SpanExample], task: TaskOptions) -> float:
    """Return the score below which the empty answer is given, with the best mean on `train`."""
    best = [nearest_candidate(passages, example) for example in train]
    scores = np.array([score for _, score in best])
    answered, empty = _scores([answer for answer, _ in best], train, task), _scores([""] * len(train), train, task)
    thresholds = [*np.unique(scores), np.inf]
    means = [np.where(scores >= threshold, answered, empty).mean() for threshold in thresholds]
    return float(thresholds[int(np.argmax(means))])


def _first_answer(example: SpanExample) -> str:
    return example.answers[0][0] if example.answers else ""


def _scores(answers: list[str], examples: list[SpanExample], task: TaskOptions) -> np.ndarray:
    references = [[text for text, _ in example.answers] for example in examples]
    return span_scores(answers, references, task)[task.metric]
