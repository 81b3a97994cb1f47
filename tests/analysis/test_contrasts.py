"""Contrasts of three and more arms: weighted sums seed by seed, tested beside the planned comparisons."""

import csv
import io

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from nsp_ablation.options.contrast_terms import Term, contrast_terms, shown_terms
from nsp_ablation.options.output_options import ComparisonOptions, ContrastOptions, ReportOptions
from nsp_ablation.reporting.analysis.intervals import holm
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.render.answer_text import answer_lines
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.html_page import html_page
from nsp_ablation.reporting.render.outputs import OUTPUTS
from nsp_ablation.reporting.render.table_files import contrasts_csv, markdown_page
from nsp_ablation.reporting.render.terminal import terminal_text

FORMATS = ("full", "doc", "segment_pair", "sentence_pair")
INTERACTION = "full - doc - segment_pair + sentence_pair"


def report_of(results, *arms, **options):
    planned = [ContrastOptions(f"number {number}", one) for number, one in enumerate(arms)]
    return load_report(results.folder.path, "study", ReportOptions(contrasts=planned, **options))


def four_arms(results, num_examples=12, num_seeds=4, equal=()):
    """Add four formats with random scores of examples in clusters; `equal` names two formats with the same ones."""
    rng = np.random.default_rng(0)
    drawn = rng.uniform(0.2, 0.8, (num_seeds, len(FORMATS), num_examples))
    if equal:
        drawn[:, FORMATS.index(equal[1])] = drawn[:, FORMATS.index(equal[0])]
    clusters = [f"c{number // 3}" for number in range(num_examples)]
    for seed, of_seed in enumerate(drawn, start=1):
        for format, items in zip(FORMATS, of_seed, strict=True):
            over = {"condition": {"format": format}, "items": {"f1": items}, "clusters": clusters}
            results.add(seed=seed, **over)
    return {format: drawn[:, number].mean(axis=1) for number, format in enumerate(FORMATS)}


@pytest.mark.parametrize(
    "arms", [INTERACTION, "3*full - doc - segment_pair - sentence_pair", "-0.5*doc + full -0.5*segment_pair"]
)
def test_over_seeds_alone_it_is_students_test_of_the_weighted_sums(results, arms):
    rng = np.random.default_rng(1)
    scores = {format: rng.uniform(0.2, 0.8, 5) for format in FORMATS}
    for format, by_seed in scores.items():
        for seed, score in enumerate(by_seed, start=1):
            results.add(score=float(score), seed=seed, condition={"format": format}, examples=("e1",))
    (one,) = report_of(results, arms).contrasts
    sums = sum(term.weight * scores[term.name] for term in contrast_terms(arms))
    expected = ttest_1samp(sums, 0)
    assert (one.result.difference, one.result.p, one.result.num_seeds) == (
        pytest.approx(sums.mean()),
        pytest.approx(expected.pvalue),
        5,
    )
    assert (one.result.low, one.result.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_of_two_equal_arms_it_is_the_doubled_comparison_over_seeds_and_clusters(results):
    four_arms(results, equal=("doc", "segment_pair"))
    report = report_of(results, "2*full - doc - segment_pair", comparisons=[ComparisonOptions("full", "doc")])
    (compared, *_), (one,) = report.comparisons, report.contrasts
    found = compared.result
    assert (one.result.difference, one.result.low, one.result.high) == pytest.approx(
        (2 * found.difference, 2 * found.low, 2 * found.high)
    )
    assert one.result.p == pytest.approx(found.p)


def test_it_is_corrected_with_the_family_which_is_not_corrected_for_it(results):
    four_arms(results)
    plan = [ComparisonOptions("full", "doc", equality=True), ComparisonOptions("full", "sentence_pair")]
    options = {"comparisons": plan, "margin": 5.0}
    family = [one for one in report_of(results, **options).comparisons if one.is_primary]
    report = report_of(results, INTERACTION, "2*full - doc - segment_pair", **options)
    again = [one for one in report.comparisons if one.is_primary]
    assert [(one.p_holm, one.p_equal_holm, one.verdict) for one in again] == [
        (one.p_holm, one.p_equal_holm, one.verdict) for one in family
    ]
    every = np.array(
        [*(one.result.p for one in family), *(one.result.p for one in report.contrasts), family[0].p_equal]
    )
    assert [one.p_holm for one in report.contrasts] == pytest.approx(holm(every)[2:4].tolist())


def interacting_arms(results, seeds):
    """Add four formats whose interaction is .4, up to thousandths."""
    for seed in seeds:
        for number, format in enumerate(FORMATS):
            score = 0.2 + 0.2 * (number in (0, 3)) + 0.001 * seed * number**2
            results.add(score=score, seed=seed, condition={"format": format}, examples=("e1",))


def test_a_told_sign_is_said_and_one_seed_tells_nothing(results):
    interacting_arms(results, [1])
    (alone,) = report_of(results, INTERACTION).contrasts
    assert (alone.result.p, alone.p_holm, alone.verdict) == (None, None, "not told")
    assert alone.result.difference == pytest.approx(0.4, abs=0.01)
    interacting_arms(results, (2, 3, 4))
    above, below = report_of(results, INTERACTION, "doc - full + segment_pair - sentence_pair").contrasts
    assert (above.verdict, below.verdict) == ("above 0", "below 0")
    assert above.result.difference == pytest.approx(-below.result.difference)


def test_seeds_that_an_arm_lacks_are_left_out_and_an_arm_that_lacks_leaves_nothing(results):
    interacting_arms(results, (1, 2, 3, 4))
    results.add(seed=9, score=0.9, examples=("e1",))
    one, missing = report_of(results, INTERACTION, "2*full - doc - nothing").contrasts
    assert one.result.num_seeds == 4
    assert (missing.result.difference, missing.p_holm, missing.verdict, missing.result.num_seeds) == (
        None,
        None,
        "not told",
        0,
    )
    assert one.p_holm == pytest.approx(2 * one.result.p)  # the other was planned, and counts


def test_an_arm_on_other_examples_is_named_and_nothing_is_computed(results):
    four_arms(results)
    for seed in (1, 2):
        results.add(seed=seed, score=0.5, condition={"format": "full", "masking": "static"})
    report = report_of(results, "2*static - doc - segment_pair")
    assert report.contrasts[0].result.difference is None
    assert [text for text in report.warnings if "not computed, since unequal: other examples" in text]


def test_a_name_of_several_arms_is_named_and_narrowed(results):
    four_arms(results)
    for seed in (1, 2, 3, 4):
        results.add(seed=seed, score=0.5, condition={"format": "doc", "masking": "static"})
    report = report_of(results, INTERACTION, "full - doc@masking=dynamic - segment_pair + sentence_pair")
    assert [one.result.difference is None for one in report.contrasts] == [True, False]
    assert [text for text in report.warnings if "doc stands for several arms; narrow it with @" in text]


def test_every_output_shows_them_and_none_has_a_trace_where_there_are_none(results):
    four_arms(results)
    report = report_of(results, INTERACTION)
    shown = "full − doc − segment_pair + sentence_pair"
    (row,) = csv.DictReader(io.StringIO(contrasts_csv(report)))
    (one,) = report.contrasts
    assert (row["what"], row["arms"], float(row["value"])) == (
        "number 0",
        shown,
        pytest.approx(100 * one.result.difference),
    )
    assert float(row["p_holm"]) == one.p_holm
    text = terminal_text(report, results.folder.path, [], color=False, width=300)
    assert f"contrast: number 0, {shown}: not told;" in text
    (line,) = answer_lines(report)
    assert line.verdict == "Not told: number 0."
    assert line.numbers.startswith(f"{shown} is ")
    for page in (markdown_page(report).replace("\\", ""), html_page(report)):
        assert shown in page
    assert "Contrasts" in appendix(report)
    plain = report_of(results)
    assert OUTPUTS["contrasts.csv"](plain) is None
    for render in (markdown_page, html_page, appendix):
        assert "ontrast" not in render(plain)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2*a - b - c", "2 × a − b − c"),
        ("-a + 0.5 * b +0.5*c", "−a + 0.5 × b + 0.5 × c"),
        ("full@learning_rate=3e-3 - a-b - c + d", "full@learning_rate=3e-3 − a-b − c + d"),
        ("a − b − c + d", "a − b − c + d"),
    ],
)
def test_what_is_shown_of_a_contrast_is_a_contrast(text, shown):
    terms = contrast_terms(text)
    assert shown_terms(terms) == shown
    assert contrast_terms(shown.replace(" × ", "*")) == terms


def test_signs_and_weights_belong_to_the_name_behind_them():
    with pytest.raises(ValueError, match="'' is no arm with its weight"):
        contrast_terms(" ")
    assert contrast_terms("-1.5*a + b + 0.5*c") == [Term(-1.5, "a"), Term(1, "b"), Term(0.5, "c")]


@pytest.mark.parametrize(
    ("arms", "reason"),
    [
        ("a - b", "has 2 arms; report.comparisons is for two, this for more"),
        ("2*a - b - c - d", "has weights that are together -1, not 0, so it is no difference; change the weights"),
        ("a - b + a - c", "names a twice; give each arm one weight"),
        ("a b - c", "'b - c' is no arm with its weight; type it like 2*segment_pair_mlm - doc - full"),
        ("2*a - - b - c", "'- - b - c' is no arm with its weight"),
    ],
)
def test_what_is_no_contrast_is_refused_with_its_remedy(refused, arms, reason):
    (line,) = refused(f"report.contrasts=[{{what:x,arms:'{arms}'}}]")
    assert line.startswith("report.contrasts={what:x,arms:")
    assert reason in line


def test_a_name_that_stands_for_several_arms_of_a_sweep_is_refused_before_it_runs(refused, cells):
    sweep = ["-m", "format=full,doc,segment_pair", "masking=static,dynamic"]
    contrast = "report.contrasts=[{what:x,arms:'2*full - doc - segment_pair@masking=static'}]"
    (line,) = refused(*sweep, contrast)
    assert "full stands for 2 arms, a weight is one arm's; narrow it (full@SETTING=VALUE)" in line
    arms = "full@masking=static - full@masking=dynamic - doc@masking=static + doc@masking=dynamic"
    assert len(cells(*sweep, f"report.contrasts=[{{what:x,arms:'{arms}'}}]")) == 6
    (line,) = refused("report.contrasts=[{what:x,arms:'2*full@mask=static - doc - segment_pair'}]")
    assert "narrowed by mask; did you mean masking?" in line
