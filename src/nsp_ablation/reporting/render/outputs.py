"""The files of `results/<name>/report/`: which renderer writes each, and the page that holds them all."""

from collections.abc import Callable
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.appendix import appendix
from nsp_ablation.reporting.render.figures import probes_figure, scores_figure
from nsp_ablation.reporting.render.latex import compile_pdf
from nsp_ablation.reporting.render.table_files import (
    comparison_texts,
    comparisons_csv,
    latex_table,
    lines_of,
    markdown_page,
    table_csv,
)

_TEMPLATE = Path(__file__).with_name("report.html.jinja")
_SCORES = (
    "Every task: the dot is the median over pre-training seeds, ticks beneath it are the seeds, the bar is the 95 % "
    "interval of the mean, a dashed line is chance; hollow dots are static masking or the untrained encoder."
)
_PROBES = "Zero-shot probes, without fine-tuning, drawn alike."
_DIAMONDS = " A diamond is the published number."


def html_page(report: Report) -> str:
    """Return the page, figures inline."""
    from jinja2 import Environment, StrictUndefined

    scores = _SCORES + (_DIAMONDS if report.has_published else "")
    figures = [("scores", scores_figure(report), scores), ("probes", probes_figure(report), _PROBES)]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        lines_of=lines_of,
        figures=[(name, _inline_svg(name, svg), text) for name, svg, text in figures if svg is not None],
        comparisons=[comparison_texts(one) for one in report.comparisons],
    )


def _inline_svg(name: str, svg: str) -> str:
    """Return an SVG file's text as an element within HTML: no prologue, and ids that no other figure has."""
    element = svg[svg.index("<svg") :].replace(' id="', f' id="{name}-').replace("url(#", f"url(#{name}-")
    return element.replace('href="#', f'href="#{name}-')


# One line per output: its file, and a pure function of the report, which returns None where there is nothing to show.
OUTPUTS: dict[str, Callable[[Report], str | None]] = {
    "table.md": markdown_page,
    "table.csv": table_csv,
    "table.tex": latex_table,
    "comparisons.csv": comparisons_csv,
    "report.html": html_page,
    "appendix.tex": appendix,
    "figures/scores.svg": scores_figure,
    "figures/probes.svg": probes_figure,
}


def write_report(directory: Path, report: Report) -> list[str]:
    """Write every output below `directory` and remove those of an older report; return what is to be warned of."""
    texts = {name: render(report) for name, render in OUTPUTS.items()}
    for stale in [*(directory / "figures").glob("*.svg"), directory / "appendix.pdf"]:
        stale.unlink(missing_ok=True)
    for name, text in texts.items():
        if text is not None:
            write_text(directory / name, text)
    problem = compile_pdf(directory / "appendix.tex")
    return [problem] if problem else []
