"""EM and F1 against the official scorers' behaviour (evaluate-v1.1.py, evaluate-v2.0.py), case by case."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.learning.tasks.metrics import accuracy_scores, metric_values
from nsp_ablation.learning.tasks.span_scores import span_items, span_scores
from nsp_ablation.learning.tasks.squad_metrics import exact_match, f1, normalize_answer
from nsp_ablation.options.task_options import TaskOptions

V1 = TaskOptions("task", "span_qa", metric="f1")
V2 = TaskOptions("task", "span_qa", metric="f1", unanswerable=True)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The  Eiffel Tower.", "eiffel tower"),
        ("an apple a day", "apple day"),
        ("U.S.A.", "usa"),
        ("theatre", "theatre"),  # "the" as a word alone
        ("“quoted”", "“quoted”"),  # ASCII punctuation alone
        ("one-two", "onetwo"),
        ("the", ""),
        ("1,000\u00a0men", "1000 men"),
    ],
)
def test_normalization(text, normalized):
    assert normalize_answer(text) == normalized


def test_exact_match_ignores_case_articles_and_punctuation():
    assert exact_match("the Broncos!", "Broncos") == 1.0
    assert exact_match("Denver Broncos", "Broncos") == 0.0


def test_f1_counts_words_with_their_number():
    assert f1("Denver Broncos", "Broncos") == pytest.approx(2 * 0.5 * 1 / 1.5)
    assert f1("to be or not to be", "to be") == pytest.approx(2 * (2 / 6) * 1 / (2 / 6 + 1))
    assert f1("Rome", "Oslo") == 0.0


def test_the_best_reference_counts():
    scores = span_scores(["in Rome", "Rome"], [["Rome", "in Rome"], ["Oslo", "old Rome"]], V1)
    assert scores["exact_match"].tolist() == [1.0, 0.0]
    assert scores["f1"].tolist() == pytest.approx([1.0, 2 / 3])


@pytest.mark.parametrize(
    ("prediction", "references", "expected"),
    [
        ("", [], (1.0, 1.0)),  # unanswerable, and said so
        ("Rome", [], (0.0, 0.0)),
        ("", ["Rome"], (0.0, 0.0)),
        ("the", [], (1.0, 1.0)),  # normalizes to nothing
        ("", ["the", "Rome"], (0.0, 0.0)),  # v2.0 drops references without words
        ("", ["the"], (1.0, 1.0)),
    ],
)
def test_no_answers_in_version_2(prediction, references, expected):
    scores = span_scores([prediction], [references], V2)
    assert (scores["exact_match"][0], scores["f1"][0]) == expected


def test_version_1_gives_an_empty_prediction_no_f1():
    scores = span_scores(["the"], [["a"]], V1)
    assert (scores["exact_match"][0], scores["f1"][0]) == (1.0, 0.0)


def test_breakdown_by_answerability():
    scores = {"f1": np.array([1.0, 0.5, 1]), "exact_match": np.array([1.0, 0, 1])}
    items = span_items(scores, np.array([True, True, False]))
    metrics = metric_values(items, items)
    assert metrics == {
        "f1": pytest.approx(2.5 / 3),
        "exact_match": pytest.approx(2 / 3),
        "has_answer_f1": 0.75,
        "has_answer_exact_match": 0.5,
        "no_answer_f1": 1.0,
        "no_answer_exact_match": 1.0,
    }
    assert set(span_items(scores, np.array([True, True, True]))) == {"f1", "exact_match"}


def test_accuracy_is_per_example():
    assert accuracy_scores(np.array([0, 2, 1]), np.array([0, 1, 1])).tolist() == [1.0, 0.0, 1.0]


words = st.lists(st.sampled_from(["a", "the", "Rome", "rome", "Oslo,", "old", ".", "An", "x-y"]), max_size=5)


@given(words.map(" ".join), words.map(" ".join))
def test_f1_agrees_with_a_slow_count(prediction, reference):
    def tokens(text):
        lowered = "".join(c for c in text.lower() if c not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
        return [word for word in lowered.split() if word not in ("a", "an", "the")]

    predicted, left = tokens(prediction), tokens(reference)
    num_reference, num_same = len(left), 0
    for word in predicted:
        if word in left:
            left.remove(word)
            num_same += 1
    if not predicted or not num_reference:
        expected = float(not predicted and not num_reference)
    else:
        expected = 2 * num_same / (len(predicted) + num_reference)
    assert f1(prediction, reference) == pytest.approx(expected)
    assert exact_match(prediction, reference) == float(tokens(prediction) == tokens(reference))
