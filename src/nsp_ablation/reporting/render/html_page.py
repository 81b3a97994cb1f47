"""`report.html`: one page that holds everything it shows, and asks the network for nothing.

Its tables become lists on narrow screens, and its figures are panels that stand below each other there, so that their
text keeps a readable size on a phone.
"""

from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.tables import Row
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
from nsp_ablation.reporting.render.arm_marks import ON_DARK
from nsp_ablation.reporting.render.comparison_tables import number_and_interval
from nsp_ablation.reporting.render.page_parts import forest, page_parts
from nsp_ablation.reporting.render.table_files import lines_of

_TEMPLATE = Path(__file__).with_name("report.html.jinja")


@dataclass(frozen=True)
class PageCell:
    """A cell of the table: its column's name, and what stands in it; empty where there is nothing."""

    label: str
    score: str
    interval: str
    published: str
    kind: str


def html_page(report: Report) -> str:
    """Return the page, figures inline."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    parts = page_parts(report)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        report=report,
        headline=headline(report),
        answers=answer_lines(report),
        forest=forest(report),
        cells_of=lambda row: page_cells(row, report.columns),
        parts=parts,
        contents=[("results", "Results"), *((part.id, part.title) for part in parts)],
        on_dark=ON_DARK,
        split=number_and_interval,
    )


def page_cells(row: Row, columns: list[Column]) -> list[PageCell]:
    """Return the cells of a row, each with its interval and the published number."""
    lines = {kind: texts for kind, _, texts in lines_of(row, columns)}
    nothing = [""] * len(columns)
    cells = []
    for i, column in enumerate(columns):
        score, interval, published = (lines.get(kind, nothing)[i] for kind in ("score", "interval", "published"))
        kind = "failed" if score == "failed" else "best" if row.scores[i].is_told else ""
        kind = "nothing" if score == "–" and not published else kind
        cells.append(PageCell(column.measure, score, interval, published, kind))
    return cells
