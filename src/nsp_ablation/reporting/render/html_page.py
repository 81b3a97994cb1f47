"""`report.html`: one page that holds everything it shows, and asks the network for nothing."""

from pathlib import Path

from nsp_ablation.reporting.analysis.comparison_notes import EXPLORATORY_NOTE
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.comparison_tables import exploratory_table, planned_table
from nsp_ablation.reporting.render.curves_figure import curves_figure
from nsp_ablation.reporting.render.figures import scores_figure
from nsp_ablation.reporting.render.table_files import lines_of

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_SCORES = (
    "Every task: the dot is the median over pre-training seeds, ticks beneath it are the seeds, the bar is the 95 % "
    "interval of the mean, a dashed line is chance; hollow dots are static masking or the untrained encoder."
)
_PROBES = "Zero-shot probes, without fine-tuning, drawn alike."
_CURVES = (
    "Learning curves: what held-out documents show after so many real tokens. A thin line is a pre-training seed, a "
    "thick one their mean; the loss in an arm's own inputs does not compare with another format's."
)
_DIAMONDS = " A diamond is the published number."


def html_page(report: Report) -> str:
    """Return the page, figures inline."""
    from jinja2 import Environment, StrictUndefined

    scores = _SCORES + (_DIAMONDS if report.has_published else "")
    figures = [("scores", scores_figure(report, False), scores), ("probes", scores_figure(report, True), _PROBES)]
    figures.append(("curves", curves_figure(report), _CURVES))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        lines_of=lines_of,
        figures=[(name, _inline_svg(name, svg), text) for name, svg, text in figures if svg is not None],
        cards=[*zip(report.data_cards.heads, *report.data_cards.rows, strict=True)] if report.data_cards.rows else [],
        comparisons=[
            ("Planned comparisons", planned_table(report.comparisons), report.planned_note),
            ("Exploratory comparisons", exploratory_table(report.comparisons), EXPLORATORY_NOTE),
        ],
    )


def _inline_svg(name: str, svg: str) -> str:
    """Return an SVG file's text as an element within HTML: no prologue, and ids that no other figure has."""
    element = svg[svg.index("<svg") :].replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    return element.replace('href="#', f'href="#{name}-')
