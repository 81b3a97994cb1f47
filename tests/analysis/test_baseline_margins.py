"""The caption names encoders that are not two standard errors above the best of their baselines, and no others."""

import numpy as np
import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.baseline_margins import Margin, baseline_sentences, standard_error
from nsp_ablation.reporting.analysis.score_matrix import score_matrix
from nsp_ablation.reporting.analysis.study import load_study
from nsp_ablation.reporting.records.example_scores import ExampleScores


def sentences(results):
    return baseline_sentences(load_study(results.folder.path, "study", ReportOptions()))


def examples(clusters=None, **items):
    values = {name: np.asarray(array, np.float64) for name, array in items.items()}
    first = next(iter(values.values()))
    return ExampleScores([str(n) for n in range(len(first))], clusters, values, first)


def error_of(results, metric="accuracy"):
    """The error of a metric, the results being those of as many pre-training seeds."""
    return standard_error(score_matrix({seed: [result] for seed, result in enumerate(results)}, metric))


def test_an_encoder_below_its_best_baseline_is_named_with_it(results):
    """A bag of words scores 40.0 in every task, the majority class 30.0."""
    results.add("squad1", 0.5)
    assert sentences(results) == []
    results.add("mnli", 0.39)
    (sentence,) = sentences(results)
    assert sentence == (
        "Not 2 standard errors (over examples) above the best of its baselines: "
        "FULL-SENTENCES on MNLI-m (39.0, standard error 0.0; bag of words 40.0)."
    )


def test_the_untrained_encoder_and_foreign_contexts_are_baselines(results):
    results.add("squad1", 0.5, metrics={"foreign_contexts": 0.45})
    assert sentences(results) == []
    results.add("squad1", 0.6, arm="random")
    (sentence,) = sentences(results)
    assert "(50.0, standard error 0.0; untrained encoder 60.0)" in sentence
    results.add("race", 0.5, metrics={"foreign_contexts": 0.7})
    (sentence,) = sentences(results)
    assert "RACE (50.0, standard error 0.0; foreign contexts 70.0)" in sentence


def test_a_probe_is_judged_as_a_task_is(results):
    results.add("in_context_recall", 0.1, fine=None)
    (sentence,) = sentences(results)
    assert sentence.endswith("FULL-SENTENCES on Recall (10.0, standard error 0.0; bag of words 40.0).")


def test_untrained_encoders_and_measures_of_which_less_is_better_are_not_judged(results):
    results.add("heldout_mlm", 30.0, fine=None, primary="perplexity")
    results.add("squad1", 0.1, arm="random")
    assert sentences(results) == []


def test_a_task_on_which_no_encoder_is_clear_is_named_once(results):
    """With the range of the scores; one encoder that is clear, or one baseline that differs, and each stands alone."""
    for name, score in (("full", 0.39), ("doc", 0.38)):
        results.add("mnli", score, condition={"format": name})
        results.add("squad1", 0.3 if name == "doc" else 0.5, condition={"format": name})
        foreign = 0.45 if name == "doc" else 0.46
        results.add("race", 0.4, condition={"format": name}, metrics={"foreign_contexts": foreign})
    assert sentences(results) == [
        "Not 2 standard errors (over examples) above the best of its baselines: "
        "every encoder on MNLI-m (38.0 to 39.0, standard error at most 0.0; bag of words 40.0); "
        "FULL-SENTENCES on RACE (40.0, standard error 0.0; foreign contexts 46.0); "
        "DOC-SENTENCES on SQuAD 1.1 (30.0, standard error 0.0; bag of words 40.0); "
        "DOC-SENTENCES on RACE (40.0, standard error 0.0; foreign contexts 45.0)."
    ]
    results.add("mnli", 0.38, condition={"format": "full"}, seed=2)
    results.add("mnli", 0.39, condition={"format": "doc"}, seed=2)
    (sentence,) = sentences(results)
    assert ": every encoder on MNLI-m (38.5, standard error at most 0.0; bag of words 40.0);" in sentence


def test_two_standard_errors_are_clear_and_less_is_not():
    assert not Margin(0.5, 0.05, "majority", 0.4).is_clear
    assert Margin(0.5, 0.0499, "majority", 0.4).is_clear


def test_the_error_of_a_mean_is_that_of_its_clusters():
    """Each cluster moves the mean by its share of its own distance from it, which is divided by its expectation."""
    draw = np.random.default_rng(0)
    clusters, values = [f"c{n}" for n in draw.integers(0, 12, 90)], draw.random(90)
    sums = np.array([values[[name == one for name in clusters]].sum() for one in sorted(set(clusters))])
    sizes = np.array([clusters.count(one) for one in sorted(set(clusters))])
    share = sizes / 90
    moved = sums / 90 - share * values.mean()
    expected = np.sqrt((moved**2 / (1 - 2 * share + (share**2).sum())).sum())
    assert error_of([examples(clusters, accuracy=values)]) == pytest.approx(expected)
    alone = error_of([examples(None, accuracy=values)])
    assert alone == pytest.approx(values.std(ddof=1) / np.sqrt(90))  # each example by itself
    assert error_of([examples(["c"] * 90, accuracy=values)]) is None


def test_of_several_seeds_the_mean_has_the_smaller_error():
    draw = np.random.default_rng(1)
    several = [examples(None, accuracy=draw.random(400)) for _ in range(4)]
    errors = [error_of([one]) for one in several]
    assert error_of(several) == pytest.approx(np.mean(errors) / 2, rel=0.1)


def test_a_metric_of_predictions_has_an_error():
    draw = np.random.default_rng(2)
    label = draw.integers(0, 2, 300)
    prediction = np.where(draw.random(300) < 0.8, label, 1 - label)
    error = error_of([examples(None, prediction=prediction, label=label)], "matthews")
    assert 0.02 < error < 0.05  # (1 - .6^2) / sqrt(300) is .037
