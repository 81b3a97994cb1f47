"""The appendix of a paper: set-up, results, hyper-parameters, decisions and commands, as LaTeX."""

from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.latex import code, escape
from nsp_ablation.reporting.render.latex_table import latex_table

_ARMS_A_TABLE = 4
# \@nodocument is \relax once a document has begun; so the file is a document by itself, and a section within another.
_HEAD = r"""% Compiles by itself; within another document, \input it and load booktabs and longtable.
\makeatletter
\newif\ifnspappendixalone
\ifx\@nodocument\relax\nspappendixalonefalse\else\nspappendixalonetrue\fi
\makeatother
\ifnspappendixalone
\documentclass[10pt,a4paper]{article}
\usepackage[margin=2.2cm]{geometry}
\usepackage{booktabs,longtable}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}
\begin{document}
\fi
"""
_TAIL = r"""
\ifnspappendixalone
\end{document}
\fi
"""


def appendix(report: Report) -> str:
    """Return `appendix.tex` of a report."""
    parts = [
        _HEAD,
        f"\\section*{{{escape(report.title)}}}",
        _setup(report),
        _results(report),
        _facts("What each pre-training did (means over seeds)", report.pretraining),
        _hyperparameters(report),
        _decisions(report),
        _commands(report),
        _provenance(report),
        _TAIL,
    ]
    return "\n".join(part for part in parts if part)


def _setup(report: Report) -> str:
    arms = "".join(f"\\item {escape(row.label)}\n" for row in report.arms)
    if not arms:
        return "\\subsection*{Set{-}up}\nNo results yet.\n"
    sentences = " ".join(escape(sentence) for sentence in report.caption)
    items = f"\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{arms}\\end{{itemize}}"
    return f"\\subsection*{{Set{{-}}up}}\n{sentences}\n{items}\n"


def _results(report: Report) -> str:
    if not report.arms:
        return ""
    table = latex_table(report, num_sentences=2)
    notes = [*(f"Warning: {text}." for text in report.warnings), *(f"Failed: {text}" for text in report.failures)]
    items = "".join(f"\\item {escape(note)}\n" for note in notes)
    return f"\\subsection*{{Results}}\n{table}" + (f"\\begin{{itemize}}\n{items}\\end{{itemize}}\n" if items else "")


def _facts(title: str, table: FactsTable) -> str:
    """Return a facts table on its side: one line per quantity, one column per arm, several tables if there are many."""
    parts = []
    for start in range(0, len(table.rows), _ARMS_A_TABLE):
        rows = table.rows[start : start + _ARMS_A_TABLE]
        lines = [_line("", [label for label, _ in rows]), "\\midrule"]
        lines += [_line(head, [cells[i] for _, cells in rows]) for i, head in enumerate(table.heads)]
        layout = "@{}l" + "p{0.17\\linewidth}" * len(rows) + "@{}"
        body = "\n".join(["\\toprule", *lines, "\\bottomrule"])
        parts.append(f"{{\\small\\begin{{longtable}}{{{layout}}}\n{body}\n\\end{{longtable}}}}\n")
    return f"\\subsection*{{{escape(title)}}}\n{''.join(parts)}" if parts else ""


def _line(label: str, cells: list[str]) -> str:
    # \tabularnewline ends a row after \raggedleft, where \\ would end a line.
    return " & ".join([escape(label), *(f"\\raggedleft {escape(cell)}" for cell in cells)]) + "\\tabularnewline"


def _hyperparameters(report: Report) -> str:
    rows = [(code(key), _values(values)) for key, values in report.settings.items()]
    return _two_columns("Hyper-parameters (where arms differ, every value)", ("setting", "value"), rows)


def _decisions(report: Report) -> str:
    rows = []
    for number, (decision, settings) in enumerate(report.decisions, start=1):
        values = ", ".join(f"{code(key)}: {_values(found)}" for key, found in settings.items())
        text = escape(decision.decision) + (f" ({values})" if values else "")
        rows.append((f"{number}. {escape(decision.point)}", text))
    return _two_columns("Open points of the paper and decisions", ("open point", "decision (setting here)"), rows)


def _values(texts: list[str]) -> str:
    return ", ".join(code(text) for text in texts) or "{-}"


def _two_columns(title: str, heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "\n".join(f"\\raggedright {left} & \\raggedright {right} \\tabularnewline" for left, right in rows)
    layout = "@{}p{0.38\\linewidth}p{0.56\\linewidth}@{}"
    head = f"\\toprule\n{heads[0]} & {heads[1]} \\\\\n\\midrule\n\\endhead\n"
    table = f"{{\\small\\begin{{longtable}}{{{layout}}}\n{head}{body}\n\\bottomrule\n\\end{{longtable}}}}\n"
    return f"\\subsection*{{{escape(title)}}}\n{table}"


def _commands(report: Report) -> str:
    if report.manifest is None:
        return ""
    cells = "".join(
        f"\\item {code(' '.join(['python run.py', *cell.overrides]))} ({escape(cell.status)})\n"
        for cell in report.manifest.cells
    )
    text = f"The sweep of {escape(report.manifest.created)}:\n\n{code(report.manifest.command)}\n"
    return f"\\subsection*{{Commands}}\n\\sloppy {text}" + (
        f"\nIts cells:\n\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{cells}\\end{{itemize}}\n" if cells else ""
    )


def _provenance(report: Report) -> str:
    table = report.provenance
    items = [
        f"{escape(label)}: "
        + "; ".join(f"{escape(head)} {escape(cell)}" for head, cell in zip(table.heads, cells, strict=True))
        for label, cells in table.rows
    ]
    body = "".join(f"\\item {item}.\n" for item in items)
    return f"\\subsection*{{Provenance}}\n\\begin{{itemize}}\n{body}\\end{{itemize}}\n" if items else ""
