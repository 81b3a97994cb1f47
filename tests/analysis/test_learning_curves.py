"""Learning curves: lines and their mean from the files beside the records, and the figure that draws them."""

import re

import numpy as np
import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.learning_curves import CurveLine, mean_line
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.curve_file import (
    CurvePoint,
    KeptCurve,
    keep_curve,
    kept_curve,
    read_curve,
    write_curve,
)
from nsp_ablation.reporting.records.digest import write_sealed
from nsp_ablation.reporting.render.curves_figure import MEAN_WIDTH, SEED_WIDTH, curves_figure


def line(tokens, values):
    return CurveLine(np.array(tokens, float), np.array(values, float))


def test_the_mean_of_lines_of_equal_points_is_their_mean():
    found = mean_line([line([10, 20], [4, 2]), line([10, 20], [6, 4])])
    assert (found.tokens.tolist(), found.values.tolist()) == ([10, 20], [5, 3])


def test_the_mean_of_other_points_is_linear_between_them_where_all_lines_are():
    found = mean_line([line([0, 10, 30], [0, 10, 30]), line([10, 20, 40], [2, 2, 2])])
    assert (found.tokens.tolist(), found.values.tolist()) == ([10, 20, 30], [6, 11, 16])
    assert mean_line([line([0, 10], [1, 1]), line([20, 30], [1, 1])]) is None
    assert mean_line([]) is None


def points(*losses, tokens=1000):
    metrics = ({"mlm_loss": loss, "in_context_recall.accuracy": loss / 10} for loss in losses)
    return [CurvePoint(n, n * tokens, values) for n, values in enumerate(metrics, start=1)]


@pytest.fixture
def study(results):
    """A folder with two arms of two seeds, each with its curve."""
    for name, first in (("full", 5.0), ("doc", 4.0)):
        for seed in (1, 2):
            path = f"encoders/{name}{seed}"
            results.add("in_context_recall", 0.5, seed=seed, fine=None, condition={"format": name}, path=path)
            keep_curve(results.folder.path, f"{name}{seed}", KeptCurve(points(first, first - seed), ["a"]))
    return results


def report_of(study):
    return load_report(study.folder.path, "study", ReportOptions())


def test_each_arm_has_a_line_per_seed_by_tokens_and_their_mean(study):
    loss, recall = report_of(study).curves
    assert (loss.title, loss.column.axis_unit, recall.title, recall.column.axis_unit) == (
        *("Held-out MLM loss, own inputs", "nats"),
        *("Recall", "acc., %"),
    )
    by_label = {arm.label: arm for arm in loss.arms.values()}
    assert list(by_label) == ["FULL-SENTENCES", "DOC-SENTENCES"]
    full = by_label["FULL-SENTENCES"]
    assert [one.values.tolist() for one in full.seeds] == [[5, 4], [5, 3]]
    assert (full.mean.tokens.tolist(), full.mean.values.tolist()) == ([1000, 2000], [5, 3.5])
    percent = next(iter(recall.arms.values())).mean.values.tolist()
    assert percent == pytest.approx([50, 35])


def test_the_figure_draws_seeds_thin_and_the_mean_thick_and_is_the_same_each_time(study):
    report = report_of(study)
    svg = curves_figure(report)
    widths = re.findall(r'<polyline [^>]*stroke-width="([\d.]+)"', svg)
    assert widths.count(f"{SEED_WIDTH:g}") == 2 * 2 * 2, "two panels of two arms of two seeds"
    assert widths.count(f"{MEAN_WIDTH:g}") == 2 * 2, "a mean each"
    assert MEAN_WIDTH >= 2 * SEED_WIDTH
    assert "Held-out MLM loss, own inputs" in svg
    assert svg.count("DOC-SENTENCES") == 1
    assert curves_figure(report) == svg
    assert "evaluation" not in svg


def test_curves_of_other_machines_are_drawn_with_their_records(study, tmp_path):
    other = type(study)(tmp_path / "other")
    other.add("in_context_recall", 0.5, seed=3, fine=None, condition={"format": "full"}, path="encoders/full3")
    keep_curve(other.folder.path, "full3", KeptCurve(points(7.0, 6.0), ["a"]))
    report = load_report(study.folder.path, "study", ReportOptions(folders=[str(tmp_path / "other")]))
    by_label = {arm.label: arm for arm in report.curves[0].arms.values()}
    assert [one.values.tolist() for one in by_label["FULL-SENTENCES"].seeds] == [[5, 4], [5, 3], [7, 6]]


def test_without_curves_there_is_no_figure(results):
    results.add("in_context_recall", 0.5, fine=None)
    assert curves_figure(report_of(results)) is None


def test_a_metric_that_is_no_finite_number_is_left_out_of_the_figure(results):
    results.add("in_context_recall", 0.5, fine=None, path="encoders/x")
    keep_curve(results.folder.path, "x", KeptCurve(points(float("inf"), 3.0), ["a"]))
    loss = report_of(results).curves[0]
    assert next(iter(loss.arms.values())).seeds[0].values.tolist() == [3.0]


def test_an_edited_curve_is_no_figure(study):
    path = study.folder.path / "curves" / "doc2.csv"
    path.write_text(path.read_text().replace("2.0", "1.0"))
    with pytest.raises(DamageError, match=r"doc2.csv is not what was written \(SHA-256\); delete it"):
        report_of(study)


def test_a_curve_that_was_asked_for_and_is_gone_is_named(study, tmp_path):
    """The record says that it was measured; one that was taken over leaves its curve where it was made."""
    asked = {"seed": 3, "pretraining": {"evaluate_at": [1000]}}
    for path, origin in (("lost", None), ("there", None), ("elsewhere", None), ("taken", "other/micro")):
        results = study if path != "elsewhere" else type(study)(tmp_path / "other")
        own = {"path": f"encoders/{path}", "condition": {"format": "full", "name": path}, "origin": origin}
        results.add("in_context_recall", fine=None, config=asked, **own)
        if path in ("there", "elsewhere"):
            keep_curve(results.folder.path, path, KeptCurve(points(5.0), ["a"]))
    merged = load_report(study.folder.path, "study", ReportOptions(folders=[str(tmp_path / "other")]))
    for report in (report_of(study), merged):
        (line,) = [line for line in report.warnings if "curve" in line]
        assert line.startswith("learning curve missing: curves/lost.csv; run the command of its sweep again")
    for number in range(5):
        config = asked | {"seed": number}
        study.add("in_context_recall", seed=number + 5, fine=None, path=f"encoders/z{number}", config=config)
    (line,) = [line for line in report_of(study).warnings if "curve" in line]
    assert "curves/lost.csv, curves/z0.csv, curves/z1.csv and 3 more; run" in line


def test_a_seal_that_does_not_say_what_it_seals_is_no_seal(study):
    path = study.folder.path / "curves" / "doc2.json"
    for facts in ({"curve": ["a"]}, {"asked": "a"}, {"asked": [1]}, {"asked": None}):
        write_sealed(path, {"curve_sha256": file_sha256(path.with_suffix(".csv")), **facts})
        with pytest.raises(DamageError, match=r"doc2.json does not say which curves doc2.csv holds; delete it"):
            report_of(study)


def test_a_curve_is_written_with_every_digit(tmp_path):
    whole = [CurvePoint(3, 3_000_000_123, {"mlm_loss": 1 / 3, "a.b": -1e-17}), CurvePoint(1, 7, {"mlm_loss": 2.0})]
    write_curve(tmp_path / "curve.csv", whole)
    assert read_curve(tmp_path / "curve.csv") == whole[::-1]
    assert (tmp_path / "curve.csv").read_text().splitlines()[:2] == ["update,tokens,metric,value", "1,7,mlm_loss,2.0"]


@pytest.mark.parametrize(
    "text", ["", "a,b\n", "update,tokens,metric,value\n1,2\n", "update,tokens,metric,value\nx,2,m,1\n"]
)
def test_what_is_no_curve_is_named(tmp_path, text):
    (tmp_path / "curve.csv").write_text(text)
    with pytest.raises(DamageError, match="curve.csv is no learning curve .*; delete it"):
        read_curve(tmp_path / "curve.csv")


def test_a_folder_without_a_curve_has_no_points(tmp_path):
    assert kept_curve(tmp_path, "x") == KeptCurve([], [])
    (tmp_path / "curves" / "x.csv").mkdir(parents=True)
    with pytest.raises(DamageError, match=r"x.csv has no x.json beside it"):
        kept_curve(tmp_path, "x")
