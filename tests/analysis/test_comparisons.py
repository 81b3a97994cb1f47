"""Planned comparisons: which arms they mean, how they are paired, and what is planned and what is not."""

import re

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.seeds_needed import SeedsNeeded
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.comparison_tables import exploratory_table, planned_table
from nsp_ablation.reporting.render.html_page import html_page
from nsp_ablation.reporting.render.reading_table import latex_table
from nsp_ablation.reporting.render.table_files import comparisons_csv, markdown_page, markdown_table
from nsp_ablation.reporting.render.terminal import terminal_text

DOC = {"format": "doc"}
STATIC = {"masking": "static", "copies": 10}
ONE = ("e1",)  # one example: what is over seeds alone


def report_of(results, *pairs, **options):
    planned = [pair if isinstance(pair, ComparisonOptions) else ComparisonOptions(*pair) for pair in pairs]
    return load_report(results.folder.path, "study", ReportOptions(comparisons=planned, **options))


def rows(results, *pairs, **options):
    return [one.csv_row() for one in report_of(results, *pairs, **options).comparisons]


def test_columns_are_those_of_the_contract(results):
    header = (
        "experiment,a,b,task,metric,primary,difference,low,high,low_simultaneous,high_simultaneous,p,p_holm,margin,"
        "p_equal,p_equal_holm,seeds_needed,verdict,num_pretraining_seeds\n"
    )
    assert comparisons_csv(report_of(results)) == header


def test_seeds_are_paired_and_unpaired_ones_left_out(results):
    for seed, full, doc in ((1, 0.5, 0.4), (2, 0.9, 0.7)):
        results.add(score=full, seed=seed, examples=ONE)
        results.add(score=doc, seed=seed, condition=DOC, examples=ONE)
    results.add(score=0.99, seed=3, examples=ONE)
    (row,) = rows(results, ("full", "doc"))
    assert row["difference"] == pytest.approx(15.0)
    assert row["num_pretraining_seeds"] == 2
    assert row["p"] == row["p_holm"] == pytest.approx(0.2048, abs=1e-4)
    assert row["verdict"] == "not told"


@pytest.mark.parametrize(
    ("full", "doc"), [((1, 3, 4), (1, 2, 3, 4)), ((1, 2, 3, 5), (5, 3, 2)), ((4, 2, 1), (2, 3, 4))]
)
def test_scores_meet_those_of_their_own_seed_whichever_seeds_an_arm_lacks(results, full, doc):
    scores = {"full": {seed: 0.3 + 0.1 * (seed**2 % 7) for seed in full}, "doc": {seed: 0.02 * seed**2 for seed in doc}}
    for format, by_seed in scores.items():
        for seed, score in by_seed.items():
            results.add(score=score, seed=seed, condition={"format": format}, examples=ONE)
    (row,) = rows(results, ("full", "doc"))
    common = sorted(set(full) & set(doc))
    expected = ttest_rel(*([by_seed[seed] for seed in common] for by_seed in scores.values()))
    low, high = (100 * bound for bound in expected.confidence_interval())
    mean = 100 * sum(scores["full"][seed] - scores["doc"][seed] for seed in common) / len(common)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx((mean, low, high), abs=1e-4)
    assert (row["p"], row["num_pretraining_seeds"]) == (pytest.approx(expected.pvalue, abs=1e-6), len(common))


def three_seeds(results, tasks=("squad1",), spread=1.0):
    """Add FULL and DOC, of which FULL is ahead in every seed, by 10, 20 and 8 points where `spread` is 1."""
    for task in tasks:
        for seed, full, doc in ((1, 0.5, 0.4), (2, 0.9, 0.7), (3, 0.8, 0.72)):
            doc = full - 0.1267 + spread * (doc - full + 0.1267)
            results.add(task, full, seed=seed, examples=ONE)
            results.add(task, doc, seed=seed, condition=DOC, examples=ONE)


def test_the_family_is_on_the_primary_measure_alone(results):
    three_seeds(results, ("squad1", "mnli"))
    first, *explored = rows(results, ("full", "doc"))
    assert (first["task"], first["metric"], first["primary"]) == ("squad1", "f1", True)
    assert first["p_holm"] == first["p"]  # one test, whatever else was measured
    assert [(row["task"], row["primary"]) for row in explored] == [("mnli", False)]
    for row in explored:
        assert row["p"] == pytest.approx(first["p"])
        assert [row[name] for name in ("p_holm", "low_simultaneous", "seeds_needed", "verdict")] == [None] * 4
    (named, *_) = rows(results, ("full", "doc"), primary_measure="mnli")
    assert (named["task"], named["primary"]) == ("mnli", True)


def test_explored_pairs_stand_on_every_measure_and_change_nothing_of_what_is_planned(results):
    three_seeds(results, ("squad1", "mnli"))
    for task, score in (("squad1", 0.9), ("mnli", 0.8)):
        for seed in (1, 2, 3):
            results.add(task, score, seed=seed, condition={"format": "segment_pair"}, examples=ONE)
    planned = report_of(results, ("full", "doc"))
    report = report_of(results, ("full", "doc"), explored=[ComparisonOptions("doc", "segment_pair")])
    before, after = ([one.csv_row() for one in each.comparisons] for each in (planned, report))
    assert after[:2] == before
    assert [(row["a"], row["b"], row["task"], row["primary"]) for row in after[2:]] == [
        ("doc", "segment_pair", task, False) for task in ("squad1", "mnli")
    ]
    for row in after[2:]:
        assert (row["verdict"], row["p_holm"], row["num_pretraining_seeds"]) == (None, None, 3)
    note = "the planned pairs on every other measure, and pairs that were not planned, on every measure."
    assert note in markdown_page(report)
    assert note not in markdown_page(planned)
    for text in (markdown_page(report), html_page(report), appendix(report)):
        plain = re.sub(r"\\(allowbreak)?|\$|[{}\s]", "", text).replace("doc−", "doc-")
        assert "doc-segment_pair" in plain
    alone = report_of(results, explored=[ComparisonOptions("doc", "segment_pair")])
    assert [one.csv_row() for one in alone.comparisons] == after[2:]
    assert "Exploratory: pairs that were not planned, on every measure." in markdown_page(alone)


def test_sides_are_called_by_labels_where_a_name_stands_for_several_arms(results):
    for condition in ({}, STATIC, DOC):
        results.add(score=0.5, condition=condition)
    (row,) = rows(results, ("full", "doc"))
    assert (row["a"], row["b"]) == ("FULL-SENTENCES, dynamic", "DOC-SENTENCES, dynamic")


def test_the_primary_measure_may_be_any_metric_of_a_task(results):
    for seed in (1, 2, 3):
        for number, condition in enumerate(({}, DOC)):
            gain = {"recall_gain": 0.1 * seed + number, "recall_gain_in_range": 0.2 * seed + 2 * number}
            results.add("in_context_recall", 0.5, seed=seed, fine=None, condition=condition, metrics=gain)
    for metric, difference in (("recall_gain", -1.0), ("recall_gain_in_range", -2.0), ("accuracy", 0.0)):
        found = rows(results, ("full", "doc"), primary_measure=f"in_context_recall.{metric}")
        assert [(row["metric"], row["difference"]) for row in found if row["primary"]] == [
            (metric, pytest.approx(difference))
        ]
        assert len([row for row in found if row["metric"] == metric]) == 1


def test_holm_is_over_all_tests_of_the_family_also_those_that_could_not_be_made(results):
    three_seeds(results)
    equal = ComparisonOptions("full", "doc", equality=True)
    alone, *_ = rows(results, ("full", "doc"))
    first, missing = rows(results, equal, ("full", "nothing"), margin=50.0, smallest_effect=5.0)
    assert first["p_holm"] == pytest.approx(min(1, 2 * first["p"]))  # of three, after the equality
    assert first["p_equal_holm"] == pytest.approx(3 * first["p_equal"])
    assert (first["margin"], first["verdict"]) == (pytest.approx(50.0), "equal within 50")
    assert first["low_simultaneous"] < alone["low"] < alone["high"] < first["high_simultaneous"]
    assert (missing["p_holm"], missing["verdict"]) == (None, "not told")
    (more, *_) = rows(results, equal, margin=50.0, smallest_effect=5.0)
    assert more["seeds_needed"] <= first["seeds_needed"]  # a test more is a stricter level


def test_verdicts_say_which_arm_is_above_and_bold_follows_them(results):
    three_seeds(results, spread=0.1)
    equal = ComparisonOptions("doc", "full", equality=True)
    (row,) = rows(results, equal, margin=50.0)
    assert (row["verdict"], row["difference"] < 0) == ("b above a, by less than 50", True)
    report = report_of(results, equal, margin=50.0)
    assert "**80.0**" in markdown_table(report)
    assert "\\textbf{80.0}" in latex_table(report)
    assert 'class="best"><span>80.0<' in html_page(report)
    assert "67.3**" not in markdown_table(report)
    assert "full above doc, by less than 50" in planned_table(report.comparisons).rows[0]
    assert "Bold: better than another arm in a planned comparison on SQuAD 1.1 F1." in report.caption
    plain = report_of(results)
    assert "**" not in markdown_table(plain)
    assert not [sentence for sentence in plain.caption if sentence.startswith("Bold")]


def test_of_a_loss_the_lower_arm_is_the_better_one(results):
    for seed in (1, 2, 3, 4):
        for number, condition in enumerate(({}, DOC)):
            loss = {"mlm_loss": 2.0 + number + 0.001 * seed * number}
            results.add("mnli", 0.5, seed=seed, condition=condition, metrics=loss)
    report = report_of(results, ("full", "doc"), primary_measure="mnli.mlm_loss")
    (one,) = [one for one in report.comparisons if one.is_primary]
    assert one.verdict == "b above a"
    assert one.better_arm.condition.format == "full"
    assert "which is the worse one" in report.planned_note


def test_named_seeds_are_unpaired_and_an_arm_may_meet_itself(results):
    rng, scores = np.random.default_rng(0), {}
    for seed in range(1, 11):
        scores[seed] = float(rng.uniform(0.4, 0.6))
        results.add(score=scores[seed], seed=seed, examples=ONE)
    plan = ComparisonOptions("full", "full", seeds_a=[1, 2, 3, 4, 5], seeds_b=[6, 7, 8, 9, 10])
    (row,) = rows(results, plan)
    sides = [[100 * scores[seed] for seed in seeds] for seeds in (plan.seeds_a, plan.seeds_b)]
    expected = ttest_ind(*sides, equal_var=False)
    assert row["p"] == pytest.approx(expected.pvalue)
    assert [row["low"], row["high"]] == pytest.approx(list(expected.confidence_interval()), abs=1e-4)
    assert (row["a"], row["b"]) == ("full (seeds 1 2 3 4 5)", "full (seeds 6 7 8 9 10)")
    assert row["num_pretraining_seeds"] == 5


def test_one_common_seed_has_an_interval_over_examples_and_is_not_tested(results):
    values = np.random.default_rng(4).uniform(size=(2, 30))
    results.add(items={"f1": values[0]})
    results.add(items={"f1": values[1]}, condition=DOC)
    (row,) = rows(results, ("full", "doc"))
    low, high = ttest_rel(*values).confidence_interval()
    assert [row["low"], row["high"]] == pytest.approx([100 * low, 100 * high], abs=1e-4)
    assert [row[name] for name in ("p", "p_holm", "low_simultaneous")] == [None] * 3
    assert (row["verdict"], row["num_pretraining_seeds"]) == ("not told", 1)
    report = report_of(results, ("full", "doc"))
    assert "One seed has an interval over examples alone" in report.planned_note
    assert "1 (over examples alone)" in planned_table(report.comparisons).rows[0]


def test_what_paired_seeds_have_in_common_is_said_only_where_it_is_so(results):
    config = {"objective": "mlm", "seed": 1, "tokenizer": {"name": "bbpe"}, "format": {"name": "full"}}
    for seed in (1, 2):
        results.add(score=0.5, seed=seed, config=config)
        results.add(score=0.4, seed=seed, config=config | {"format": {"name": "doc"}}, condition=DOC)
        words = {"tokenizer": {"name": "wordpiece"}}
        results.add(score=0.3, seed=seed, config=config | words, condition={"format": "segment_pair"})
    same = "of equal initial weights, tokenizer and held-out documents"
    apart = "full and segment_pair are paired by seed, but begin apart: tokenizer.name bbpe and wordpiece."
    notes = [report_of(results, ("full", other)).planned_note for other in ("doc", "segment_pair")]
    assert [(same in note, apart in note) for note in notes] == [(True, False), (False, True)]
    both = report_of(results, ("full", "doc"), ("full", "segment_pair")).planned_note
    assert same in both
    assert apart in both


def test_arms_over_other_examples_are_not_compared_and_named(results):
    for seed in (1, 2):
        results.add(seed=seed)
        results.add(seed=seed, condition=DOC, examples=("other", "ones"))
    report = report_of(results, ("full", "doc"))
    assert [one.result.difference for one in report.comparisons] == [None]
    reason = "squad1: FULL-SENTENCES and DOC-SENTENCES are not compared, since unequal: other examples"
    assert reason in report.warnings


def test_a_report_names_pairs_correlation_multi_bootstrap_and_seeds_needed(results):
    rng = np.random.default_rng(7)
    for seed in range(4):
        common = rng.normal(0, 0.1)
        for condition in ({}, DOC):
            values = 0.5 + common + rng.normal(0, 0.02, 40)
            for task in ("squad1", "mnli"):
                name = "f1" if task == "squad1" else "accuracy"
                results.add(task, seed=seed, condition=condition, items={name: values})
    report = report_of(results, ("full", "doc"), smallest_effect=0.5)
    planned, explored = planned_table(report.comparisons), exploratory_table(report.comparisons)
    row = dict(zip(planned.heads, planned.rows[0], strict=True))
    assert float(row["correlation"]) > 0.9
    assert isinstance(report.comparisons[0].seeds_needed, SeedsNeeded)
    assert row["seeds needed"].count("–") == 1
    other = dict(zip(explored.heads, explored.rows[0], strict=True))
    assert other["measure"] == "MNLI-m acc."
    assert other["multi-bootstrap"].startswith("[")
    terminal = terminal_text(report, results.folder.path, [], color=False, width=100)
    for text in (markdown_page(report), html_page(report), appendix(report), terminal):
        words = " ".join(text.replace("{-}", "-").split())
        assert "full − doc" in words or "full $-$ doc" in words
        assert "Pairs are of equal pre-training seeds" in words
        assert "uncorrected" in words or "not corrected" in words
    assert report.exploratory_note in markdown_page(report)
    assert max(len(line) for line in terminal.splitlines() if not line.startswith("report: ")) <= 100


def test_a_terminal_has_long_names_of_pairs_above_their_rows(results):
    for name, score in (("one", 0.5), ("another", 0.6)):
        condition = {"name": f"{name}_condition_whose_name_is_long", "format": "segment_pair"}
        for task in ("squad1", "mnli"):
            results.add(task, score, condition=condition, science=name)
    pair = [f"{name}_condition_whose_name_is_long" for name in ("one", "another")]
    report = report_of(results, explored=[ComparisonOptions(*pair)])
    text = terminal_text(report, results.folder.path, [], color=False, width=72)
    lines = text[text.index("exploratory") :].splitlines()
    assert lines[2] == f"{pair[0]} − {pair[1]}"
    assert re.fullmatch(r"  SQuAD 1.1 F1 +−10.00 .*  1 \(over examples alone\)", lines[3])
    assert lines[4].startswith("  MNLI-m acc. ")
    assert max(map(len, lines[:5])) <= 72
    wide = terminal_text(report, results.folder.path, [], color=False, width=160)
    assert f"\n{pair[0]} − {pair[1]}  SQuAD 1.1 F1 " in wide


@pytest.mark.parametrize(("measure", "is_said"), [("race", True), ("squad1.has_answer_f1", True), ("squad1", False)])
def test_a_primary_measure_that_nobody_recorded_is_named(results, measure, is_said):
    for condition in ({}, DOC):
        results.add(score=0.5, condition=condition)
    text = markdown_page(report_of(results, ("full", "doc"), primary_measure=measure))
    assert ("No planned pair has results on" in text) == is_said


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
        assert (row["num_pretraining_seeds"], row["verdict"]) == (0, "not told")
