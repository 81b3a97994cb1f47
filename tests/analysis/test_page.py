"""The report page: question and answer first, readable at 360 and 1,200 pixels, on a light ground and on a dark one."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from nsp_ablation.options.output_options import ComparisonOptions, ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records.curve_file import CurvePoint, KeptCurve, keep_curve
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
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


def test_a_family_without_results_has_no_forest_plot_and_says_so(results):
    results.add()
    options = ReportOptions(comparisons=[ComparisonOptions("full", "doc"), ComparisonOptions("doc", "full")])
    report = load_report(results.folder.path, "study", options)
    assert headline(report).startswith("None of the 2 planned comparisons")
    assert [line.numbers for line in answer_lines(report)] == [
        "One side has no result, or they must not be compared."
    ] * 2
    assert 'id="forest"' not in html_page(replace(report, comparisons=report.comparisons))


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
