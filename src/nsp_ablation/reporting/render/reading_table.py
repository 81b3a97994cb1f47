"""`table.tex`: the table for reading, in booktabs style, no wider than a line of LaTeX's own article."""

import textwrap
from collections.abc import Sequence

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.tables import Row
from nsp_ablation.reporting.render.latex import escape
from nsp_ablation.reporting.render.table_files import Line, lines_of, styled

_STYLES = {
    "score": "{}",
    "told": "\\textbf{{{}}}",
    "interval": "{{\\scriptsize {}}}",
    "published": "{{\\itshape {}}}",
}
_LINE, _GAP = 345.0, 6.0  # points: a line of the class article at 10pt, the least of the usual ones; between columns
_LABEL_CHARACTERS, _LABEL_POINTS = 24, 125.0  # of a line of a row's name
_POINTS = {"score": 4.4, "interval": 4.0, "published": 4.4}  # per character, in footnotesize and in scriptsize


def latex_table(report: Report, num_sentences: int | None = None) -> str:
    """Return `table.tex`; its caption has `num_sentences` of the report's, None for all.

    Columns that a line does not hold stand in a further table.
    """
    note = "% \\usepackage{booktabs}; in a document of two columns, table* takes the width of both."
    caption = " ".join([f"{report.title}.", *report.caption[:num_sentences]])
    captions = [caption, *[f"{report.title}, continued."] * (len(report.columns) - 1)]
    parts = _parts(report)
    tables = [_table(report, shown, captions[number], number) for number, shown in enumerate(parts)]
    return "\n".join([note, *tables])


def _table(report: Report, shown: Sequence[int], caption: str, number: int) -> str:
    label = "tab:nsp-ablation" + (f"-{number + 1}" if number else "")
    lines = [
        "\\begin{table}[!htbp]\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{\\footnotesize {escape(caption)}}}\\label{{{label}}}\\smallskip",
        _part(report, shown),
        "\\end{table}",
        "",
    ]
    return "\n".join(lines)


def _parts(report: Report) -> list[list[int]]:
    """Return the columns of each table, as many as a line holds."""
    widths = _widths(report)
    parts: list[list[int]] = [[]]
    for i, width in enumerate(widths):
        taken = sum(widths[other] for other in parts[-1])
        if parts[-1] and taken + width > _LINE - _LABEL_POINTS:
            parts.append([])
        parts[-1].append(i)
    return parts


def _widths(report: Report) -> list[float]:
    """Return about how wide each column is, in points."""
    lines = [line for section in report.sections for row in section.rows for line in lines_of(row, report.columns)]
    widths = [_POINTS["score"] * max(len(column.title), len(column.unit)) for column in report.columns]
    for kind, _, texts in lines:
        widths = [max(width, _POINTS[kind] * len(text)) for width, text in zip(widths, texts, strict=True)]
    return [width + _GAP for width in widths]


def _part(report: Report, shown: Sequence[int]) -> str:
    """Return some columns of the table, with the rows that have something in them."""
    columns = [report.columns[i] for i in shown]
    lines = [
        f"\\begin{{tabular}}{{@{{}}l{'r' * len(shown)}@{{}}}}",
        "\\toprule",
        " & ".join(["", *(escape(column.title) for column in columns)]) + " \\\\",
        " & ".join(["", *(escape(column.unit) for column in columns)]) + " \\\\",
    ]
    for section in report.sections:
        body = [line for row in section.rows for line in _row(report, row, shown, is_arm=not section.title)]
        if body and section.title:
            title = f"\\emph{{{escape(section.title)}}}"
            body.insert(0, f"\\multicolumn{{{len(shown) + 1}}}{{@{{}}l}}{{{title}}} \\\\")
        lines += ["\\midrule", *body] if body else []
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def _row(report: Report, row: Row, shown: Sequence[int], *, is_arm: bool) -> list[str]:
    """Return the lines of a row, its name over as many as it needs; none of a reference that stands in other parts
    alone."""
    found = lines_of(row, report.columns)
    if not is_arm and all(found[0][2][i] in ("", "–") for i in shown):
        return []
    cells = {
        line[0]: _cells(row, line, shown) for line in found if line[0] == "score" or any(line[2][i] for i in shown)
    }
    published = cells.pop("published", None)
    names, rows = textwrap.wrap(row.label, _LABEL_CHARACTERS) or [""], [*cells.values()]
    rows += [[""] * len(shown)] * (len(names) - len(rows))
    names += [""] * (len(rows) - len(names))
    lines = [" & ".join([escape(name), *texts]) for name, texts in zip(names, rows, strict=True)]
    lines += [" & ".join(["\\quad\\itshape published", *published])] if published else []
    return [*(f"{line} \\\\" for line in lines), *(["\\addlinespace[2pt]"] if len(lines) > 1 else [])]


def _cells(row: Row, line: Line, shown: Sequence[int]) -> list[str]:
    _, *cells = styled(row, line, _STYLES, escape)
    return [cells[i] for i in shown]
