"""Layouts as trained and tested, what is in range of every arm, and the half of the held-out documents that is read."""

from dataclasses import fields, replace

import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.training_facts import NOT_KEPT, PretrainingFacts
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.html_page import html_page
from nsp_ablation.reporting.render.table_files import markdown_page

FACTS = PretrainingFacts(**{field.name: 1 for field in fields(PretrainingFacts)} | NOT_KEPT)
LOSSES = {"full": 2.0, "doc": 2.1, "pair": 2.3, "pair_short": 2.5, "doc_sentence": 3.0}
PROBES = {
    "in_context_recall": {"title": "Recall", "kind": "recall", "in_range_tokens": None},
    "heldout_mlm": {"title": "Held-out MLM", "kind": "heldout_mlm", "short_tokens": 48, "in_range_tokens": None},
    "squad1": {"title": "SQuAD 1.1", "kind": "span_qa"},
}


@pytest.fixture
def probed(results):
    """probed(in_range, trained, part): two formats with two seeds on both probes, each trained up to `trained[format]`
    tokens; the report."""

    def make(in_range=None, trained=None, part="reporting"):
        config = {"tasks": PROBES, "probes": {"in_range_tokens": in_range}, "corpus": {"heldout_part": part}}
        for number, name in enumerate(("full", "sentence_pair")):
            for seed in (1, 2):
                facts = None if trained is None else replace(FACTS, in_range_tokens=trained[name])
                common = {"seed": seed, "fine": None, "condition": {"format": name}, "config": config}
                common |= {"pretraining": facts}
                losses = {f"mlm_loss_{key}": value + number + seed / 10 for key, value in LOSSES.items()}
                results.add("heldout_mlm", 9.0, metrics=losses, **common)
                gains = {f"recall_gain_{form}_in_range": -0.5 for form in ("single", "pair")}
                results.add("in_context_recall", 0.5, metrics=gains, **common)
        return load_report(results.folder.path, "study", ReportOptions())

    return make


def test_layouts_as_trained_stand_in_rows_and_as_tested_in_columns(probed):
    report = probed()
    assert report.layouts.heads == [
        *("", "FULL", "DOC", "pair", "pair, 48 tokens", "DOC, single sentences"),
        *("recall gain, single, in range", "recall gain, pair, in range"),
    ]
    assert [row[0] for row in report.layouts.rows] == [row.label for row in report.arms]
    labels = {row[0]: row[1:] for row in report.layouts.rows}
    full = next(texts for label, texts in labels.items() if "FULL" in label)
    # over seeds 2.1 and 2.2: the mean, and t of one degree of freedom, 12.706 x .05
    assert full[0] == "2.150 (1.515 to 2.785)"
    assert full[-1] == "−0.500 (−0.500 to −0.500)"
    sentence = next(texts for label, texts in labels.items() if "SENTENCE" in label)
    assert [text.split()[0] for text in sentence[:5]] == ["3.150", "3.250", "3.450", "3.650", "4.150"]


def test_no_page_shows_layouts_where_none_was_tested(small_study):
    report = load_report(small_study.folder.path, "study", ReportOptions())
    assert report.layouts.rows == []
    for page in (markdown_page, html_page, appendix):
        assert "Layouts as trained" not in page(report)


def test_every_page_shows_the_layouts(probed):
    report = probed()
    for page in (markdown_page, html_page, appendix):
        text = page(report).replace("<small>", " ").replace("\\newline{\\scriptsize ", " ")
        assert "Layouts as trained" in text
        assert "2.150 (1.515 to 2.785)" in text


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("reporting", "Probes read the half of the held-out documents that no setting was chosen on."),
        ("tuning", "these are no results."),
        ("all", "without a half kept for results."),
    ],
)
def test_the_caption_names_the_half_that_is_read_and_what_is_in_range(probed, part, words):
    caption = " ".join(probed(in_range=20, part=part).caption)
    assert words in caption
    assert "In range: inputs of at most 20 tokens" in caption
    assert "at least 1% of its inputs" in caption


def test_nothing_is_said_of_probes_where_there_are_none(results):
    results.add("squad1", 0.5, config={"tasks": PROBES, "probes": {"in_range_tokens": 20}})
    report = load_report(results.folder.path, "study", ReportOptions())
    assert not [sentence for sentence in report.caption if "Probes read" in sentence or "In range" in sentence]
    assert not [line for line in report.warnings if "in range" in line]


@pytest.mark.parametrize(
    ("in_range", "shortest", "warns"),
    [(20, 20, False), (21, 20, True), (20, 96, False), (None, 5, False), (20, None, False)],
)
def test_an_arm_that_trains_fewer_positions_than_planned_is_named(probed, in_range, shortest, warns):
    report = probed(in_range, {"full": 96, "sentence_pair": shortest})
    found = [line for line in report.warnings if "probes.in_range_tokens" in line]
    assert len(found) == warns
    if warns:
        assert "probes.in_range_tokens=21 is not in range of SENTENCE-PAIR" in found[0]
        assert "reach 20 tokens" in found[0]
