"""Answers from the best spans of all windows, and thresholds tried on them, as run_squad and evaluate-v2.0.py do."""

import random

import numpy as np
import pytest

from nsp_ablation.learning.finetuning import span_head
from nsp_ablation.learning.tasks import span_qa
from nsp_ablation.learning.tasks.examples import SpanAnswer, SpanExample
from nsp_ablation.learning.tasks.features import Features
from nsp_ablation.options.task_options import TaskOptions

CONTEXT = "Ann went to Rome with Ben"
WORDS = [(0, 3), (4, 8), (9, 11), (12, 16), (17, 21), (22, 25), (25, 25)]  # the last token stands for nothing
SQUAD2 = TaskOptions("task", "span_qa", metric="f1", unanswerable=True)


def answer(*windows: list[tuple[str, float]], answerable: list[float]) -> SpanAnswer:
    """The answer where each window has these best spans, words with their scores, and this logit of answerable."""
    number, tokens = len(windows), len(WORDS)
    places = {CONTEXT[a:b]: place for place, (a, b) in enumerate(WORDS)}
    start, score = np.zeros((number, 3), int), np.full((number, 3), -np.inf, np.float32)
    for window, spans in enumerate(windows):
        for column, (word, value) in enumerate(spans):
            start[window, column], score[window, column] = places[word], value
    offsets, zeros = np.arange(0, tokens * number + 1, tokens), np.zeros(number, int)
    features = Features(offsets, offsets, zeros, {}, zeros, np.array(WORDS * number))
    outputs = {"start": start, "end": start, "score": score, "answerable": np.array(answerable, np.float32)}
    (found,) = span_head.decode([SpanExample("q", "Who?", CONTEXT, ())], features, outputs)
    return found


def test_the_best_span_of_all_windows_is_the_answer():
    found = answer([("Rome", 1.0), ("Ann", 0.5)], [("Ben", 2.0), ("went", -1.0)], answerable=[0.0, 0.0])
    assert (found.text, found.best) == ("Ben", "Ben")


def test_a_span_without_text_makes_way_for_the_next_of_any_window():
    assert answer([("", 3.0), ("Ann", 0.5)], [("", 2.5), ("Rome", 2.0)], answerable=[0.0, 0.0]).text == "Rome"
    assert answer([("", 3.0)], answerable=[0.0]).text == ""


def test_of_equal_scores_the_first_window_wins():
    assert answer([("Rome", 2.0)], [("Ben", 2.0)], answerable=[1.0, 1.0]).text == "Rome"


def test_denied_windows_are_told_nothing_of_but_keep_their_best_answer():
    found = answer([("Rome", 1.0)], [("Ben", 2.0)], answerable=[0.5, -0.1])
    assert (found.text, found.best) == ("Rome", "Ben")
    found = answer([("Rome", 1.0)], [("Ben", 2.0)], answerable=[-0.5, -0.1])
    assert (found.text, found.best) == ("", "Ben")


def test_the_probability_of_no_answer_is_the_least_of_the_windows():
    found = answer([("Rome", 1.0)], [("Ben", 2.0)], [], answerable=[-3.0, np.log(4), 0.0])
    assert found.none_probability == pytest.approx(1 / 5)


def official(predictions: dict, golds: dict, na_probs: dict, scores: dict) -> tuple[float, float]:
    """`find_best_thresh` of evaluate-v2.0.py, line by line: the best sum of scores, and its threshold."""
    has_answer = {qid: bool(gold) for qid, gold in golds.items()}
    current = sum(1 for qid in has_answer if not has_answer[qid])
    best, threshold = current, 0.0
    for qid in sorted(na_probs, key=lambda k: na_probs[k]):
        current += scores[qid] if has_answer[qid] else -1 if predictions[qid] else 0
        if current > best:
            best, threshold = current, na_probs[qid]
    return best / len(scores), threshold


@pytest.mark.parametrize("seed", range(20))
def test_best_thresholds_are_those_of_the_official_scorer(seed):
    draw = random.Random(seed)
    names = ["Ann", "Ben Rome", "Rome", ""]
    golds = {str(n): draw.choice(((), ("Rome",), ("Ann", "Ann Rome"))) for n in range(30)}
    best = {qid: draw.choice(names) for qid in golds}
    probability = {qid: draw.random() for qid in golds}
    examples = [SpanExample(qid, "?", "", tuple((text, 0) for text in gold)) for qid, gold in golds.items()]
    told = [SpanAnswer("", best[qid], probability[qid]) for qid in golds]
    outcome = span_qa.score(examples, told, SQUAD2)
    for name, metric in (("f1", "f1"), ("exact", "exact_match")):
        always = span_qa.score(examples, [SpanAnswer(best[qid]) for qid in golds], SQUAD2).items[metric]
        expected = official(best, golds, probability, dict(zip(golds, always, strict=True)))
        assert (outcome.metrics[f"best_{name}"], outcome.metrics[f"best_{name}_thresh"]) == pytest.approx(expected)


def test_a_threshold_case_worked_by_hand():
    examples = [SpanExample(str(n), "?", "", (("Rome", 0),) if n in (0, 1, 3) else ()) for n in range(5)]
    texts, probability = ["Rome", "old Rome", "Ben", "Rome", "Ann"], [0.1, 0.2, 0.3, 0.4, 0.9]
    told = [SpanAnswer("", text, p) for text, p in zip(texts, probability, strict=True)]
    metrics = span_qa.score(examples, told, SQUAD2).metrics
    assert metrics["f1"] == 2 / 5  # nothing is told, and two questions have no answer
    # never answering scores 2; answering the first n: 3, 3 + 2/3, 2 + 2/3, 3 + 2/3, 2 + 2/3: the first of equal ones
    assert (metrics["best_f1"], metrics["best_f1_thresh"]) == (pytest.approx((3 + 2 / 3) / 5), 0.2)
    # exact: 3, 3, 2, 3, 2
    assert (metrics["best_exact"], metrics["best_exact_thresh"]) == (3 / 5, 0.1)


def test_squad_1_has_no_thresholds():
    outcome = span_qa.score([SpanExample("q", "?", "Ann", (("Ann", 0),))], [SpanAnswer("Ann", "Ann", 0.5)], SQUAD1)
    assert outcome.metrics == {"f1": 1.0, "exact_match": 1.0}


SQUAD1 = TaskOptions("task", "span_qa", metric="f1")
