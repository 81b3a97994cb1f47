"""Metrics from arrays: hand-worked cases, agreement with SciPy and with a search over every threshold, and laws."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from nsp_ablation.base.prediction_metrics import FUNCTIONS, metric_value
from nsp_ablation.options.metric_source import metric_facts, metric_source
from nsp_ablation.options.task_options import METRICS

NAN = float("nan")


def value(function, *columns):
    return metric_value(function, [np.array(column, np.float64) for column in columns])


@pytest.mark.parametrize(
    ("function", "columns", "expected"),
    [
        (None, [[1, NAN, 0, 0]], 1 / 3),
        ("total", [[3, NAN, 4]], 7),
        # 6 right positives, 1 false one, 2 missed, 3 right negatives: (6 * 3 - 1 * 2) / sqrt(7 * 8 * 4 * 5)
        ("matthews", [[1] * 7 + [0] * 5, [1] * 6 + [0] + [1] * 2 + [0] * 3], 16 / np.sqrt(1120)),
        ("matthews", [[0, 1, 2, 2], [0, 1, 2, 1]], (3 * 4 - 5) / np.sqrt((16 - 6) * (16 - 6))),
        ("matthews", [[1, 1, 1], [0, 1, 1]], 0.0),
        ("binary_f1", [[1, 1, 0, 1, NAN], [1, 0, 1, 1, 1]], 2 / 3),
        ("binary_f1", [[0, 0], [1, 1]], 0.0),
        ("pearson", [[1, 2, 4], [2, 4, 8]], 1.0),
        ("pearson", [[1, 1, 1], [2, 4, 8]], NAN),
        ("spearman", [[1, 2, 3, 4], [1, 10, 100, 50]], 0.8),
        ("mean_loss", [[2.0, 4.0], [1, 3]], 1.5),
        ("perplexity", [[2.0, 4.0], [1, 3]], np.exp(1.5)),
        # best: answer the two whose difference is lowest
        ("best_threshold_score", [[1, 0.5, 0], [0, 0, 1], [-2, -1, 3]], 2.5 / 3),
        ("best_threshold", [[1, 0.5, 0], [0, 0, 1], [0.2, 0.3, 0.9]], 0.3),
        ("best_threshold_score", [[0, 0], [1, 1], [-2, -1]], 1.0),
        ("best_threshold", [[0, 0], [1, 1], [0.1, 0.2]], 0.0),  # none is always given
        ("best_threshold", [[1, 1, 0], [0, 1, 0], [0.1, 0.2, 0.3]], 0.1),  # the lowest of equally good ones
        # the second answer is right and the first wrong at the same difference: no threshold parts them
        ("best_threshold_score", [[0, 1], [1, 0], [2, 2]], 0.5),
    ],
)
def test_hand_worked_cases(function, columns, expected):
    assert value(function, *columns) == pytest.approx(expected, nan_ok=True)


def test_every_function_leaves_out_examples_that_do_not_count_and_has_no_value_without_any():
    draw = np.random.Generator(np.random.Philox(1))
    for name, function in FUNCTIONS.items():
        columns = draw.integers(0, 2, (function.__code__.co_argcount, 30)).astype(np.float64)
        columns[0, [3, 8]] = NAN
        kept = np.delete(columns, [3, 8], axis=1)
        assert np.isfinite(metric_value(name, list(kept))), name
        assert metric_value(name, list(columns)) == metric_value(name, list(kept)), name
        assert np.isnan(metric_value(name, list(np.full_like(columns, NAN)))), name


ratings = arrays(np.float64, 12, elements=st.integers(0, 5).map(float))


@given(ratings, ratings)
def test_correlations_agree_with_scipy(prediction, label):
    if np.ptp(prediction) and np.ptp(label):
        assert value("pearson", prediction, label) == pytest.approx(scipy.stats.pearsonr(prediction, label)[0])
        assert value("spearman", prediction, label) == pytest.approx(scipy.stats.spearmanr(prediction, label)[0])
    else:
        assert np.isnan(value("pearson", prediction, label))
        assert np.isnan(value("spearman", prediction, label))


@given(arrays(bool, 15), arrays(bool, 15))
def test_matthews_of_two_classes_is_the_correlation_of_their_numbers(prediction, label):
    expected = value("pearson", prediction, label)
    assert value("matthews", prediction, label) == pytest.approx(0.0 if np.isnan(expected) else expected)


@given(ratings, ratings, ratings)
def test_the_best_threshold_is_the_best_of_all(answer, none, difference):
    tried = [np.where(difference <= threshold, answer, none).mean() for threshold in [-1.0, *difference]]
    assert value("best_threshold_score", answer, none, difference) == pytest.approx(max(tried))


@given(ratings, ratings, st.permutations(range(12)))
def test_no_metric_hangs_on_the_order_of_examples(first, second, order):
    for name, function in FUNCTIONS.items():
        columns = [first, second + 1, first - second][: function.__code__.co_argcount]
        moved = [column[order] for column in columns]
        assert metric_value(name, moved) == pytest.approx(metric_value(name, columns), nan_ok=True), name


def test_declared_metrics_are_functions_of_as_many_arrays_as_they_take():
    for name, facts in METRICS.items():
        if facts.of_predictions is not None:
            assert FUNCTIONS[facts.of_predictions].__code__.co_argcount == len(facts.arrays), name
        else:
            assert facts.arrays == (), name


def test_a_metric_comes_from_its_own_array_else_from_those_that_it_declares():
    losses = {"loss_sum", "num_predictions", "loss_sum_doc", "num_predictions_doc"}

    def source(metric, *items):
        found = metric_source(metric, items)
        return found and (found.function, found.arrays)

    assert source("f1", "f1", "prediction", "label") == (None, ("f1",))
    assert source("f1", "prediction", "label") == ("binary_f1", ("prediction", "label"))
    assert source("has_answer_f1", "f1", "has_answer_f1") == (None, ("has_answer_f1",))
    assert source("perplexity", *losses) == ("perplexity", ("loss_sum", "num_predictions"))
    assert source("perplexity_doc", *losses) == ("perplexity", ("loss_sum_doc", "num_predictions_doc"))
    assert source("num_predictions", *losses) == ("total", ("num_predictions",))
    assert source("perplexity_full", *losses) is None
    assert source("recall_gain_standard_error", "recall_gain") is None
    assert source("type_only_ceiling", "f1") is None


def test_a_variant_is_printed_like_its_metric():
    assert not metric_facts("recall_gain_T32").is_fraction
    assert not metric_facts("perplexity_doc").is_fraction
    assert not metric_facts("num_pairs").is_fraction
    assert metric_facts("accuracy_word_order").is_fraction
    assert metric_facts("accuracy").unit == "acc."
