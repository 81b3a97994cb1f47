"""The answer of a study in words: what a verdict says, and what is not claimed, wherever it stands."""

import re
from dataclasses import replace

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
from nsp_ablation.reporting.render.comparison_tables import planned_table
from nsp_ablation.reporting.render.html_page import html_page

QUESTION = "Does <the> loss help?"
DOC = {"format": "doc"}


def planned(results, difference, *, pair_loss=None, spread=0.001, corpus="jsonl", **options):
    """Return the report of FULL against DOC over three seeds: FULL is ahead by `difference`, and in the pair layout by
    a held-out loss that is `pair_loss` lower."""
    for seed in (1, 2, 3):
        for condition, ahead in (({}, 1), (DOC, 0)):
            score = 0.5 + ahead * (difference + spread * seed)
            condition = condition | {"corpus": corpus}
            results.add(score=score, seed=seed, condition=condition, examples=("e",))
            if pair_loss is not None:
                loss = {"mlm_loss_pair": 3.0 - ahead * pair_loss}
                results.add("heldout_mlm", 9.0, seed=seed, fine=None, condition=condition, metrics=loss, primary="ppl")
    plan = ComparisonOptions("full", "doc", equality=options.pop("equality", False))
    return load_report(results.folder.path, "study", ReportOptions(comparisons=[plan], **options))


def test_a_told_difference_names_arms_numbers_and_seeds(results):
    (line,) = answer_lines(report := planned(results, 0.1))
    assert line.is_told
    assert line.verdict == "FULL-SENTENCES above DOC-SENTENCES."
    assert "is +10.20 points, 95 % interval [+9.95, +10.45], p (Holm) < .001, 3 pre-training seeds." in line.numbers
    assert headline(report) == "The planned comparison on SQuAD 1.1 F1 is told."


@pytest.mark.parametrize(
    ("pair_loss", "words"),
    [
        (0.5, "It holds in the pair layout, too (held-out MLM loss in the pair layout −0.500 nats)."),
        (-0.5, "It does not hold in the pair layout (held-out MLM loss in the pair layout +0.500 nats), so no effect"),
        (0.0, "It does not hold in the pair layout"),
        (None, "Nothing that both arms have was measured in the pair layout, so no effect of the format is claimed"),
    ],
)
def test_an_effect_of_the_format_is_claimed_only_where_it_holds_in_the_pair_layout(results, pair_loss, words):
    (line,) = answer_lines(planned(results, 0.1, pair_loss=pair_loss))
    assert words in line.numbers


def test_a_verdict_that_is_not_claimed_says_so_wherever_it_stands(results):
    report = planned(results, 0.1, pair_loss=-0.5)
    assert headline(report) == "The planned comparison on SQuAD 1.1 F1 is told, but not in the pair layout."
    assert answer_lines(report)[0].verdict.endswith(" above DOC-SENTENCES, not in the pair layout.")
    assert planned_table(report.comparisons).rows[0][-1] == "full above doc, not in the pair layout"
    assert report.comparisons[0].csv_row()["verdict"] == "a above b"  # the test's own


def test_arms_of_one_format_need_no_pair_layout(results):
    for seed in (1, 2, 3):
        for masking, score in (("static", 0.1), ("dynamic", 0.2)):
            condition = {"masking": masking}
            results.add(score=score + seed / 1000, seed=seed, condition=condition, examples=("e",))
    plan = ComparisonOptions("dynamic", "static")
    (line,) = answer_lines(load_report(results.folder.path, "study", ReportOptions(comparisons=[plan])))
    assert line.is_told
    assert "layout" not in line.numbers


def test_settings_of_one_format_change_the_inputs_too(results):
    """SEGMENT-PAIR with a random B half of the time, and with the following one always."""
    for seed in (1, 2, 3):
        for name, random_next, score in (("mlm", 0.5, 0.1), ("contiguous", 0.0, 0.2)):
            own = {
                "condition": {"format": "segment_pair", "name": name},
                "config": {"format": {"random_next": random_next}},
            }
            results.add(score=score + seed / 1000, seed=seed, examples=("e",), science=name, **own)
            loss = {"metrics": {"mlm_loss_pair": 3.0 + score}, "fine": None, "primary": "ppl"}
            results.add("heldout_mlm", 9.0, seed=seed, science=name, **loss, **own)
    plan = ComparisonOptions("mlm", "contiguous")
    (line,) = answer_lines(load_report(results.folder.path, "study", ReportOptions(comparisons=[plan])))
    assert line.is_told
    assert "It does not hold in the pair layout (held-out MLM loss in the pair layout −0.100 nats)" in line.numbers


def test_what_is_not_told_says_how_many_seeds_would_tell_it(results):
    (line,) = answer_lines(report := planned(results, 0.001, spread=0.01, smallest_effect=5.0))
    assert not line.is_told
    assert line.verdict == "Not told: FULL-SENTENCES against DOC-SENTENCES."
    assert re.search(r"A difference of 5 points would need \d+ \(\d+–[\w, ]+\) seeds per arm\.", line.numbers)
    assert headline(report).endswith("is not told.")


def test_equality_is_an_answer_of_its_own(results):
    (line,) = answer_lines(planned(results, 0.0, spread=0.001, equality=True, margin=3.0))
    assert line.verdict == "FULL-SENTENCES and DOC-SENTENCES are equal within 3 points."
    assert re.search(r"Equality within 3 points: p \(Holm\) < \.001\.", line.numbers)


def test_nothing_is_claimed_without_a_plan_and_the_micro_world_answers_nothing(results):
    report = planned(results, 0.1, corpus="microworld")
    assert "is told. The corpus is the embedded micro-world" in headline(report)
    bare = load_report(results.folder.path, "study", ReportOptions())
    assert headline(bare).startswith("No comparison was planned, so nothing is claimed")
    assert answer_lines(bare) == []


def test_a_plan_that_the_records_name_and_the_command_does_not_is_pointed_at(results):
    plan = {"comparisons": [{"a": "full", "b": "doc"}], "question": QUESTION}
    results.add(config={"report": plan}, name="loss_vs_format/micro")
    results.add("mnli", config={"report": {"question": "Another?"}}, name="taken/over")
    report = load_report(results.folder.path, "loss_vs_format/micro", ReportOptions())
    assert report.plan.question == QUESTION
    assert "add experiment=loss_vs_format to the command" in headline(report)
    assert "add experiment=loss_vs_format" in html_page(report)


def test_a_plan_of_records_that_are_taken_over_is_none_of_this_study(results):
    plan = {"comparisons": [{"a": "full", "b": "doc"}], "question": QUESTION}
    results.add(config={"report": plan}, name="study/laptop")
    report = load_report(results.folder.path, "sensitivity/laptop", ReportOptions())
    assert headline(report) == "No comparison was planned, so nothing is claimed: the table shows what was measured."
    explored = ReportOptions(explored=[ComparisonOptions("full", "doc")])
    report = load_report(results.folder.path, "sensitivity/laptop", explored)
    assert headline(report).endswith("so nothing is claimed: the pairs that are explored stand among the comparisons.")


def test_a_family_without_results_has_no_forest_plot_and_says_so(results):
    results.add()
    options = ReportOptions(comparisons=[ComparisonOptions("full", "doc"), ComparisonOptions("doc", "full")])
    report = load_report(results.folder.path, "study", options)
    assert headline(report).startswith("None of the 2 planned comparisons")
    assert [line.numbers for line in answer_lines(report)] == [
        "One side has no result, or they must not be compared."
    ] * 2
    assert 'id="forest"' not in html_page(replace(report, comparisons=report.comparisons))
