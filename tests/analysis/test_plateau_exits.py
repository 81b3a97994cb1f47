"""When runs left the unigram plateau, as the report tells it, and learning curves aligned there."""

import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.plateau_exits import exit_text
from nsp_ablation.reporting.records.curve_file import CurvePoint, KeptCurve, keep_curve
from nsp_ablation.reporting.records.training_facts import PlateauFacts
from nsp_ablation.reporting.render.curves_figure import aligned_figure, curves_figure


def left(tokens):
    """A plateau left after so many tokens, None: never."""
    return PlateauFacts(7.0, 6.0, None if tokens is None else tokens // 1000, tokens)


@pytest.fixture
def add(results):
    """add(format, seed, plateau, losses): a record, and the curve of its encoder with a loss every million tokens."""

    def one(name, seed, plateau, losses=()):
        path = f"{name}{seed}"
        facts, condition = {"plateau": plateau}, {"format": name}
        results.add(seed=seed, condition=condition, path=f"encoders/{path}", facts=facts)
        if losses:
            points = [CurvePoint(n, n * 1_000_000, {"mlm_loss": loss}) for n, loss in enumerate(losses, start=1)]
            keep_curve(results.folder.path, path, KeptCurve(points, ["a"]))

    return one


def report_of(results):
    return load_report(results.folder.path, "study", ReportOptions())


@pytest.mark.parametrize(
    ("tokens", "text"),
    [
        ([2_714_000], "2.71"),
        ([3_100_000, 2_710_000], "2.71–3.10"),
        ([3_100_000, None, 2_710_000], "2.71–3.10 (1 of 3 never)"),
        ([None], "never"),
        ([None, None], "never (2 of 2)"),
        ([2_710_000, 2_710_001], "2.71"),
        ([], "–"),
    ],
)
def test_exits_as_text(tokens, text):
    assert exit_text([left(one) for one in tokens]) == text


def test_curves_are_aligned_where_each_run_left_the_plateau(results, add):
    """FULL leaves after 1 and 2 M, DOC after 2 M: equal losses since then are equal lines."""
    add("full", 1, left(1_000_000), [7.0, 5.0, 4.0, 3.5])
    add("full", 2, left(2_000_000), [7.0, 7.0, 5.0, 4.0])
    add("doc", 1, left(2_000_000), [7.0, 7.0, 5.0, 4.0])
    report = report_of(results)
    (panel,) = report.aligned_curves
    full, doc = panel.arms.values()
    assert [one.tokens.tolist() for one in full.seeds] == [[0, 1e6, 2e6, 3e6], [-1e6, 0, 1e6, 2e6]]
    assert (full.mean.tokens.tolist(), full.mean.values.tolist()) == ([0, 1e6, 2e6], [7, 5, 4])
    assert [value for at, value in zip(doc.mean.tokens, doc.mean.values, strict=True) if at >= 0] == [7, 5, 4]
    assert panel.title == "Held-out MLM loss, own inputs, aligned at the end of the plateau"
    drawn = aligned_figure(report)
    assert all(words in drawn for words in (panel.title.partition(", own")[0], "FULL-SENTENCES", "DOC-SENTENCES"))
    assert drawn != curves_figure(report)
    (unaligned,) = report.curves
    assert [one.tokens.tolist() for one in next(iter(unaligned.arms.values())).seeds] == [[1e6, 2e6, 3e6, 4e6]] * 2


def test_runs_that_never_left_the_plateau_have_no_line_and_are_counted(results, add):
    add("full", 1, left(1_000_000), [7.0, 5.0])
    add("full", 2, left(None), [7.0, 7.0])
    add("doc", 1, left(1_000_000), [7.0, 5.0])
    add("segment_pair", 1, left(None), [7.0, 6.9])
    report = report_of(results)
    (panel,) = report.aligned_curves
    assert [lines.label for lines in panel.arms.values()] == ["FULL-SENTENCES (1 of 2 seeds)", "DOC-SENTENCES"]
    (sentence,) = [line for line in report.caption if "Plateau" in line]
    assert "FULL-SENTENCES 1.00 (1 of 2 never)" in sentence
    assert "no NSP never" in sentence
    facts = {row[0]: dict(zip(report.pretraining.heads, row, strict=True)) for row in report.pretraining.rows}
    told = {label: row["plateau left, M tokens"] for label, row in facts.items()}
    assert told["FULL-SENTENCES"] == "1.00 (1 of 2 never)"
    assert told["DOC-SENTENCES"] == "1.00"


@pytest.mark.parametrize("plateau", [None, left(None)])
def test_one_arm_alone_is_not_aligned_with_anything(results, add, plateau):
    add("full", 1, left(1_000_000), [7.0, 5.0])
    add("doc", 1, plateau, [7.0, 5.0])
    assert report_of(results).aligned_curves == []
    assert aligned_figure(report_of(results)) is None


def test_records_that_say_nothing_of_a_plateau_are_as_before(results, add):
    add("full", 1, None, [7.0, 5.0])
    report = report_of(results)
    assert not any("Plateau" in line for line in report.caption)
    assert "plateau left, M tokens" not in report.pretraining.heads
    assert report.aligned_curves == []
