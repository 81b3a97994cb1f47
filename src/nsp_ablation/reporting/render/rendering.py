"""The reading table as lines of text, Markdown and LaTeX."""

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.render.latex import escape
from nsp_ablation.reporting.render.tables import Cell, ReadingTable, Row


def score_text(cell: Cell, column: Column) -> str:
    """Return the median, "failed" where every run failed, a dash where there was none; † beside some failures."""
    if cell.summary is None:
        return "failed" if cell.num_failed else "–"
    return column.text(cell.summary.median) + ("†" if cell.num_failed else "")


def interval_text(cell: Cell, column: Column) -> str:
    """Return the interval of the mean, empty where there is none."""
    if cell.summary is None or cell.summary.low is None or cell.summary.high is None:
        return ""
    between = " to " if cell.summary.low < 0 else "–"
    return f"{column.text(cell.summary.low)}{between}{column.text(cell.summary.high)}"


def lines_of(row: Row, columns: list[Column]) -> list[tuple[str, str, list[str]]]:
    """Return a row's lines as (kind, label, cells): the scores, intervals and published numbers where there are any."""
    pairs = list(zip(row.cells, columns, strict=True))
    lines = [("score", row.label, [score_text(cell, column) for cell, column in pairs])]
    intervals = [interval_text(cell, column) for cell, column in pairs]
    if any(intervals):
        lines.append(("interval", "", intervals))
    if row.published is not None:
        texts = [
            "" if value is None else column.text(value) for value, column in zip(row.published, columns, strict=True)
        ]
        lines.append(("published", "published", texts))
    return lines


def markdown_table(table: ReadingTable) -> str:
    """Return the table in GitHub's Markdown."""
    heads = [f"{column.title} {column.unit}".strip() for column in table.columns]
    lines = ["| " + " | ".join(["", *heads]) + " |", "|---|" + "---:|" * len(heads)]
    for section in table.sections:
        if section.title:
            lines.append("| *" + section.title + "* |" + " |" * len(heads))
        for row in section.rows:
            lines += [_markdown_line(*line) for line in lines_of(row, table.columns)]
    return "\n".join(lines) + "\n"


def _markdown_line(kind: str, label: str, cells: list[str]) -> str:
    marks = {"score": "{}", "interval": "<sub>{}</sub>", "published": "*{}*"}
    texts = [marks[kind].format(text.replace("|", "\\|")) if text else "" for text in [label, *cells]]
    return "| " + " | ".join(texts) + " |"


def latex_table(table: ReadingTable, caption: list[str], label: str) -> str:
    """Return a `table` environment in booktabs style; the caption's first sentence is its title."""
    heads = " & ".join(f"\\multicolumn{{1}}{{r}}{{{escape(column.title)}}}" for column in table.columns)
    units = " & ".join(escape(column.unit) for column in table.columns)
    lines = [
        "\\begin{table}[!htbp]\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{escape(' '.join(caption))}}}\\label{{{label}}}\\smallskip",
        f"\\begin{{tabular}}{{@{{}}l{'r' * len(table.columns)}@{{}}}}",
        "\\toprule",
        f" & {heads} \\\\",
        f" & {units} \\\\",
    ]
    for section in table.sections:
        lines.append("\\midrule")
        if section.title:
            lines.append(
                f"\\multicolumn{{{len(table.columns) + 1}}}{{@{{}}l}}{{\\emph{{{escape(section.title)}}}}} \\\\"
            )
        for row in section.rows:
            own = [_latex_line(*line) for line in lines_of(row, table.columns)]
            lines += [*own, *(["\\addlinespace[2pt]"] if len(own) > 1 else [])]
    lines += ["\\bottomrule", "\\end{tabular}", "\\end{table}", ""]
    return "\n".join(lines)


def _latex_line(kind: str, label: str, cells: list[str]) -> str:
    marks = {"score": "{}", "interval": "{{\\scriptsize {}}}", "published": "{{\\footnotesize\\itshape {}}}"}
    texts = [marks[kind].format(escape(text)) if text else "" for text in [label, *cells]]
    indent = "\\quad " if kind == "published" else ""
    return f"{indent}{' & '.join(texts)} \\\\"
