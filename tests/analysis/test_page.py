"""The report page: question and answer first, readable at 360 and 1,200 pixels, on a light ground and on a dark one."""

import re
import shutil
import subprocess

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.curve_file import CurvePoint, KeptCurve, keep_curve
from nsp_ablation.reporting.render.arm_marks import ON_DARK
from nsp_ablation.reporting.render.html_page import html_page
from nsp_ablation.reporting.render.svg_panel import PANEL_WIDTH

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTHS = (360, 1200)
LEAST_FONT = 9  # pixels, as shown
QUESTION = "Does <the> loss help?"


@pytest.fixture(scope="module")
def page(shared_study):
    """A page with every figure: scores, probes, a forest plot, curves, scores against loss."""
    for seed in (1, 2):
        path = f"encoders/curve{seed}"
        losses = {"mlm_loss_pair": 2.0 + seed, "mlm_loss": 900.0**seed}
        common = {"seed": seed, "fine": None, "path": path, "metrics": losses, "primary": "perplexity"}
        shared_study.add("heldout_mlm", 3.0 * 100**seed, **common)
        points = [CurvePoint(n, n * 10**6, {"mlm_loss": 9.0 / n}) for n in (1, 2, 3)]
        keep_curve(shared_study.folder.path, f"curve{seed}", KeptCurve(points, ["a"]))
    comparisons = [ComparisonOptions("full", "doc", equality=True), ComparisonOptions("full", "segment_pair")]
    options = ReportOptions(comparisons=comparisons, margin=1.0, smallest_effect=2.0, question=QUESTION)
    return html_page(load_report(shared_study.folder.path, "study", options))


def svgs(page):
    return re.findall(r"<svg .*?</svg>", page, re.DOTALL)


def shown_width(page, viewport):
    """Return the pixels that a panel is wide, by the rules of the style sheet: the grid's columns share its width."""
    style = page[page.index("<style>") : page.index("</style>")]
    wide, narrow = style.partition("(max-width: 720px)")[::2]
    values = {name: int(value) for name, value in re.findall(r"--(\w+): (\d+)px", wide)}
    if viewport <= 720:
        values |= {name: int(value) for name, value in re.findall(r"--(\w+): (\d+)px", narrow.partition("@media")[0])}
    inner = min(viewport, values["page"]) - 2 * values["gutter"] - 2 * values["padding"] - 2
    columns = max(1, (inner + values["gap"]) // (min(inner, values["panel"]) + values["gap"]))
    return min((inner - (columns - 1) * values["gap"]) / columns, values["widest"])


@pytest.mark.parametrize("viewport", WIDTHS)
def test_text_in_figures_is_readable_on_a_phone_and_on_a_desk(page, viewport):
    """The effective size of a font is its size in the drawing x the width shown / the width of the drawing."""
    found = svgs(page)
    assert len(found) >= 11
    for svg in found:
        width = float(re.match(r'<svg viewBox="0 0 (\d+) ', svg)[1])
        sizes = [float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]
        assert len(sizes) == svg.count("<text ") > 0
        assert min(sizes) * shown_width(page, viewport) / width >= LEAST_FONT, svg[:200]


def test_the_measure_of_readable_text_can_fail(page):
    assert shown_width(page, 150) / PANEL_WIDTH * 10.5 < LEAST_FONT


def test_no_element_asks_for_a_width_of_its_own(page):
    """What may be wider than a phone scrolls in a box of its own, and is a list there whose items name their column."""
    body = page[page.index("<body>") :]
    assert not re.findall(r'<svg[^>]* width=|<table[^>]* width=|style="', body)
    assert body.count("<table") == len(re.findall(r'<div class="scroll">\s*<table', body)) > 4
    for row in re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.DOTALL):
        cells = re.findall(r"<td[^>]*>", row)[1:]
        assert all("data-label=" in cell for cell in cells)


def test_every_colour_of_a_figure_has_another_on_a_dark_ground(page):
    colours = {colour for svg in svgs(page) for colour in re.findall(r'(?:fill|stroke)="([^"]+)"', svg)}
    assert colours <= {*ON_DARK, "currentColor", "none"}
    assert len(colours) > 5


def test_question_and_answer_come_first(page):
    titles = (
        "Answer",
        "Results",
        "Every seed",
        "Learning curves",
        "Scores against loss",
        "What each arm read",
        "Cost",
        "Provenance",
    )
    places = [page.index("Does &lt;the&gt; loss help?"), *(page.index(f">{title}</h2>") for title in titles)]
    assert places == sorted(places)


def test_values_of_orders_of_magnitude_stand_on_a_logarithmic_axis(page):
    """Perplexities 300 and 30,000 by seed; curves of losses from 9 to 3 do not."""
    (panel,) = [svg for svg in svgs(page) if "heldout mlm, ppl" in svg]
    assert ">1,000<" in panel and ">10k<" in panel  # noqa: PT018
    (curves,) = [svg for svg in svgs(page) if "Held-out MLM loss, own inputs" in svg]
    assert "logarithmic" not in curves


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_a_browser_shows_nothing_wider_than_the_page_and_no_small_text(page, tmp_path):
    """The page in frames of both widths; a script, which the page itself has not, writes down what is shown."""
    (tmp_path / "report.html").write_text(page)
    frames = "".join(f'<iframe src="report.html" style="width:{width}px;height:900px"></iframe>' for width in WIDTHS)
    script = """addEventListener('load', () => {
        document.title = [...document.querySelectorAll('iframe')].map(frame => {
        const inner = frame.contentDocument, all = [...inner.querySelectorAll('body *')];
        const right = Math.max(...all.map(one => one.getBoundingClientRect().right));
        const sizes = [...inner.querySelectorAll('svg text')].map(one =>
            one.getAttribute('font-size') * one.ownerSVGElement.getBoundingClientRect().width /
            one.ownerSVGElement.viewBox.baseVal.width);
        const root = inner.documentElement;
        return [root.clientWidth, root.scrollWidth, right, Math.min(...sizes)].join(',');
    }).join(';'); })"""
    (tmp_path / "frames.html").write_text(f"<body>{frames}<script>{script}</script>")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--dump-dom"]
    flags += [f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1300,900", "--hide-scrollbars"]
    run = [CHROMIUM, *flags, (tmp_path / "frames.html").as_uri()]
    shown = subprocess.run(run, capture_output=True, text=True, timeout=300, check=True).stdout
    for (width, scroll, right, font), expected in zip(
        ([float(value) for value in one.split(",")] for one in re.search("<title>(.*?)<", shown)[1].split(";")),
        WIDTHS, strict=True,
    ):  # fmt: skip
        assert width == expected
        assert scroll <= width
        assert right <= width
        assert font >= LEAST_FONT
