"""Figures of scores: an axis is for what is compared, and what lies far beyond it is said and not drawn."""

import math
import re

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.render.figures import score_panels
from nsp_ablation.reporting.render.svg_panel import panel_svg


def perplexity_panel(report):
    (panel,) = [svg for panel in score_panels(report, True) if "heldout mlm, ppl" in (svg := panel_svg(panel))]
    return panel


def perplexities(results, trained):
    """Return a report of `trained` perplexities by seed and an untrained encoder's of 10,000, with losses in pairs."""
    for arm, values in (("trained", trained), ("random", [10_000.0, 10_100.0, 10_200.0])):
        for seed, value in enumerate(values, start=1):
            over = {"seed": seed, "fine": None, "arm": arm, "path": f"encoders/{arm}{seed}"}
            metrics = {"mlm_loss_pair": math.log(value)}
            results.add("heldout_mlm", value, primary="perplexity", metrics=metrics, **over)
            results.add("in_context_recall", 0.01 * seed, **over)
    return load_report(results.folder.path, "study", ReportOptions())


def test_an_untrained_encoders_loss_takes_no_room_from_the_arms(results):
    """110 and 130 lie at the ends of the axis, beyond it an arrow head in place of the untrained encoder."""
    report = perplexities(results, [110.0, 120.0, 130.0])
    panel = perplexity_panel(report)
    ticks = [float(text) for text in re.findall(r'text-anchor="middle"[^>]*>([\d.,]+)<', panel)]
    assert 80 < min(ticks) < max(ticks) < 160
    (circle,) = re.findall(r'<circle cx="([\d.]+)"', panel)  # the trained arm's median
    assert 100 < float(circle) < 220
    assert "<polygon" in panel
    (losses,) = report.loss_panels
    assert {arm.kind for arm in losses.points} == {"trained"}


def test_untrained_encoders_alone_are_drawn_as_any_arm(results):
    report = perplexities(results, [])
    assert len(re.findall("<circle ", perplexity_panel(report))) == 1
    (losses,) = report.loss_panels
    assert {arm.kind for arm in losses.points} == {"random"}
