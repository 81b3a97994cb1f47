"""Planned comparisons: which arms they mean, and how they are paired."""

import pytest
from scipy.stats import ttest_rel

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.render.table_files import comparisons_csv

DOC = {"format": "doc"}
STATIC = {"masking": "static", "copies": 10}


def report_of(results, *pairs):
    options = ReportOptions(comparisons=[ComparisonOptions(*pair) for pair in pairs])
    return load_report(results.folder.path, "study", options)


def rows(results, *pairs):
    return [one.csv_row() for one in report_of(results, *pairs).comparisons]


def test_columns_are_those_of_the_contract(results):
    header = "experiment,a,b,task,difference,low,high,p,p_holm,num_pretraining_seeds\n"
    assert comparisons_csv(report_of(results)) == header


def test_seeds_are_paired_and_unpaired_ones_left_out(results):
    for seed, full, doc in ((1, 0.5, 0.4), (2, 0.9, 0.7)):
        results.add(score=full, seed=seed)
        results.add(score=doc, seed=seed, condition=DOC)
    results.add(score=0.99, seed=3)
    (row,) = rows(results, ("full", "doc"))
    assert row["difference"] == pytest.approx(15.0)
    assert row["num_pretraining_seeds"] == 2
    assert row["p"] == row["p_holm"] == pytest.approx(0.2048, abs=1e-4)


@pytest.mark.parametrize(
    ("full", "doc"), [((1, 3, 4), (1, 2, 3, 4)), ((1, 2, 3, 5), (5, 3, 2)), ((4, 2, 1), (2, 3, 4))]
)
def test_scores_meet_those_of_their_own_seed_whichever_seeds_an_arm_lacks(results, full, doc):
    scores = {"full": {seed: 0.3 + 0.1 * (seed**2 % 7) for seed in full}, "doc": {seed: 0.02 * seed**2 for seed in doc}}
    for format, by_seed in scores.items():
        for seed, score in by_seed.items():
            results.add(score=score, seed=seed, condition={"format": format})
    (row,) = rows(results, ("full", "doc"))
    common = sorted(set(full) & set(doc))
    expected = ttest_rel(*([by_seed[seed] for seed in common] for by_seed in scores.values()))
    low, high = (100 * bound for bound in expected.confidence_interval())
    mean = 100 * sum(scores["full"][seed] - scores["doc"][seed] for seed in common) / len(common)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((mean, low, high), abs=1e-4)
    assert (row["p"], row["num_pretraining_seeds"]) == (pytest.approx(expected.pvalue, abs=1e-6), len(common))


def test_holm_counts_every_comparison_of_the_study(results):
    for task in ("squad1", "mnli"):
        for seed, full, doc in ((1, 0.5, 0.4), (2, 0.9, 0.7), (3, 0.8, 0.72)):
            results.add(task, full, seed=seed)
            results.add(task, doc, seed=seed, condition=DOC)
    found = rows(results, ("full", "doc"))
    assert [row["task"] for row in found] == ["squad1", "mnli"]
    assert [row["p_holm"] for row in found] == pytest.approx([2 * found[0]["p"]] * 2)


def test_formats_are_compared_under_each_masking_and_never_across(results):
    for condition, score in (({}, 0.5), (DOC, 0.6), (STATIC, 0.7), (DOC | STATIC, 0.9)):
        results.add(score=score, condition=condition)
    found = rows(results, ("full", "doc"))
    assert sorted((row["a"], row["b"], row["difference"]) for row in found) == [
        ("FULL-SENTENCES, dynamic", "DOC-SENTENCES, dynamic", pytest.approx(-10)),
        ("FULL-SENTENCES, static ×10", "DOC-SENTENCES, static ×10", pytest.approx(-20)),
    ]


def test_condition_names_win_over_formats(results):
    results.add(score=0.5, condition={"name": "static", "masking": "static", "copies": 1})
    results.add(score=0.6, condition={"name": "static_x10"} | STATIC)
    results.add(score=0.9, condition={"name": "dynamic"})
    found = rows(results, ("static", "dynamic"), ("static_x10", "dynamic"))
    assert [row["difference"] for row in found] == pytest.approx([-40, -30])


def test_a_comparison_without_an_arm_or_a_score_stays_empty(results):
    results.add(score=0.5)
    results.add("squad1", seed=1, condition=DOC, status="failed")
    for names in (("full", "doc"), ("full", "nothing")):
        (row,) = rows(results, names)
        assert (row["a"], row["b"]) == names
        assert [row[name] for name in ("difference", "low", "high", "p", "p_holm")] == [None] * 5
        assert row["num_pretraining_seeds"] == 0
