"""`table.tex`: the reading table as a `table` environment in booktabs style."""

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.latex import escape
from nsp_ablation.reporting.render.table_text import lines_of


def latex_table(report: Report, num_sentences: int | None = None) -> str:
    """Return the table; its caption is the title and `num_sentences` of the report's caption, None for all."""
    caption = " ".join([f"{report.title}.", *report.caption[:num_sentences]])
    heads = " & ".join(f"\\multicolumn{{1}}{{r}}{{{escape(column.title)}}}" for column in report.columns)
    units = " & ".join(escape(column.unit) for column in report.columns)
    num_columns = len(report.columns)
    lines = [
        "\\begin{table}[!htbp]\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{escape(caption)}}}\\label{{tab:nsp-ablation}}\\smallskip",
        f"\\begin{{tabular}}{{@{{}}l{'r' * num_columns}@{{}}}}",
        "\\toprule",
        f" & {heads} \\\\",
        f" & {units} \\\\",
    ]
    for section in report.sections:
        lines.append("\\midrule")
        if section.title:
            lines.append(f"\\multicolumn{{{num_columns + 1}}}{{@{{}}l}}{{\\emph{{{escape(section.title)}}}}} \\\\")
        for row in section.rows:
            own = [_line(*line) for line in lines_of(row, report.columns)]
            lines += [*own, *(["\\addlinespace[2pt]"] if len(own) > 1 else [])]
    lines += ["\\bottomrule", "\\end{tabular}", "\\end{table}", ""]
    return "\n".join(lines)


def _line(kind: str, label: str, texts: list[str]) -> str:
    marks = {"score": "{}", "interval": "{{\\scriptsize {}}}", "published": "{{\\footnotesize\\itshape {}}}"}
    cells = [marks[kind].format(escape(text)) if text else "" for text in [label, *texts]]
    indent = "\\quad " if kind == "published" else ""
    return f"{indent}{' & '.join(cells)} \\\\"
