"""Chance, majority and bag of words, each on examples small enough to count by hand."""

import random

import numpy as np
import pytest
from scipy import optimize

from nsp_ablation.learning.tasks import bag_of_words
from nsp_ablation.learning.tasks.examples import ChoiceExample, SpanExample, TextExample
from nsp_ablation.learning.tasks.task_kind import task_kind

TEXT = {"text_columns": ["s"], "labels": ["0", "1"]}


def measure_baselines(task, train, dev):
    return task_kind(task).baselines(train, dev, task)


def span(context: str, *answers: str, question="where ?", id="q") -> SpanExample:
    return SpanExample(id, question, context, tuple((answer, context.index(answer)) for answer in answers))


def test_chance_in_spans_is_one_candidate_of_the_passage(task_of):
    train = [span("Ann was in Rome .", "Rome"), span("Ben ate .", "Ben")]
    # candidates of the passage: ben, oslo, rome; "in Rome" normalizes to "in rome", half of which is right
    dev = [span("Ben , Rome , Oslo , Rome .", "Oslo"), span("Ben in Rome .", "in Rome")]
    baselines = measure_baselines(task_of("span_qa", None), train, dev)
    assert baselines.chance == pytest.approx((1 / 3 + (0 + 2 / 3 + 1) / 3) / 2)
    assert baselines.majority == pytest.approx((0 + 2 / 3) / 2)  # "Rome"


def test_baselines_in_spans_are_told_by_the_metric_that_the_task_is_judged_by(task_of):
    train, dev = [span("Ann was in Rome .", "Rome")], [span("Rome , Rome .", "Rome"), span("Ann in Rome .", "in Rome")]
    baselines = measure_baselines(task_of("span_qa", None, metric="exact_match"), train, dev)
    assert (baselines.chance, baselines.majority) == ((1 + 1 / 2) / 2, 1 / 2)  # candidates: rome; in rome, rome
    f1 = measure_baselines(task_of("span_qa", None), train, dev)
    assert f1.majority == pytest.approx((1 + 2 / 3) / 2)


def test_with_unanswerable_questions_chance_says_there_is_none(task_of):
    train = [span("Rome ."), span("Rome ."), span("Ann was in Rome .", "Rome")]
    dev = [span("Rome ."), span("Ann was in Rome .", "Rome"), span("Rome ."), span("Rome .")]
    baselines = measure_baselines(task_of("span_qa", None, unanswerable=True), train, dev)
    assert baselines.chance == baselines.majority == 0.75


def test_the_candidate_nearest_to_the_question_s_words_is_taken(task_of):
    train = [span("Ann lives in Rome and now Ben works in Oslo .", "Rome", "Oslo", question="who ?")]
    dev = [
        span("Ann lives in Rome and now Ben works in Oslo .", "Oslo", question="Where works Ben ?"),
        span("Ann lives in Rome and now Ben works in Oslo .", "Rome", question="Where lives Ann ?"),
    ]
    assert measure_baselines(task_of("span_qa", None), train, dev).bag_of_words == 1.0


def test_the_nearest_candidate_must_be_near_enough_when_there_may_be_no_answer(task_of):
    context = "Ann lives in Rome ."
    near, far = span(context, "Rome", question="lives in ?"), span(context, question="colour ?")
    task = task_of("span_qa", None, unanswerable=True)
    assert measure_baselines(task, [near, far], [near, far, far]).bag_of_words == 1.0


def test_words_decide_classes_but_unseen_words_do_not(task_of):
    draw = random.Random(0)

    def examples(good, bad):
        words = [(draw.choice("xyz"), *draw.choice(((good, 1), (bad, 0)))) for _ in range(60)]
        return [
            TextExample(str(n), (f"{noise} {word} {noise}",), label) for n, (noise, word, label) in enumerate(words)
        ]

    train = examples("good", "bad")
    same = measure_baselines(task_of("classification", None, **TEXT), train, examples("Good", "bad"))
    other = measure_baselines(task_of("classification", None, **TEXT), train, examples("fine", "ugly"))
    assert same.chance == 0.5
    assert same.bag_of_words == 1.0
    assert other.bag_of_words < 0.8


def test_the_regression_minimises_the_penalised_cross_entropy():
    counts = np.array([[1.0, 0], [1, 2], [0, 1], [1, 1]])
    labels = np.array([0, 1, 1, 0])

    def loss(flat):
        scores = counts @ flat.reshape(2, 2)
        likelihood = np.exp(scores[np.arange(4), labels]) / np.exp(scores).sum(axis=1)
        return -np.log(likelihood).sum() + (flat**2).sum() / 2

    weights = bag_of_words._fit(counts, labels, 2, 200, np.ones(4, np.int64)).ravel()
    reference = optimize.minimize(loss, np.zeros(4))
    assert weights == pytest.approx(reference.x, abs=1e-3)


def test_majority_is_that_of_training(task_of):
    train = [TextExample(str(n), ("x",), label) for n, label in enumerate((1, 1, 0))]
    dev = [TextExample(str(n), ("x",), label) for n, label in enumerate((1, 0, 0, 0))]
    assert measure_baselines(task_of("classification", None, **TEXT), train, dev).majority == 0.25


def test_a_second_text_s_new_words_tell_classes(task_of):
    def pairs(words, number):
        draw = random.Random(number)
        rows = [(draw.sample(words, 2), draw.randrange(2)) for _ in range(80)]
        return [TextExample(str(n), (a, a if label else b), label) for n, ((a, b), label) in enumerate(rows)]

    task = task_of("classification", None, text_columns=["s", "t"], labels=["0", "1"])
    assert measure_baselines(task, pairs(["a", "b", "c"], 0), pairs(["d", "e", "f"], 1)).bag_of_words == 1.0


def test_options_that_the_article_holds_are_found(task_of):
    def questions(words, number):
        draw = random.Random(number)
        rows = [(draw.sample(words, 4), draw.randrange(4)) for _ in range(40)]
        return [
            ChoiceExample(str(n), f"it is {o[label]}", "what?", tuple(o), label) for n, (o, label) in enumerate(rows)
        ]

    baselines = measure_baselines(task_of("multiple_choice", None), questions("abcdef", 0), questions("uvwxyz", 1))
    assert baselines.chance == 0.25
    assert baselines.bag_of_words == 1.0
