"""The appendix of a paper: set-up, results, hyper-parameters, decisions and commands, as LaTeX."""

from nsp_ablation.reporting.analysis.comparison_notes import EXPLORATORY_NOTE
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.probe_facts import LAYOUTS_TITLE
from nsp_ablation.reporting.render.comparison_tables import exploratory_table, planned_table
from nsp_ablation.reporting.render.latex import code, escape
from nsp_ablation.reporting.render.table_files import latex_table

_ARMS_A_TABLE = 4
_TIGHT = "\\setlength{\\itemsep}{0pt}"
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
    settings = [(code(key), _values(values)) for key, values in report.settings.items()]
    parts = [
        _HEAD,
        f"\\section*{{{escape(report.title)}}}",
        _section("Set-up", _setup(report)),
        _section("Results", _results(report)),
        _section("Planned comparisons", _comparisons(planned_table(report.comparisons), report.planned_note)),
        _section("Exploratory comparisons", _comparisons(exploratory_table(report.comparisons), EXPLORATORY_NOTE)),
        _section("What each arm's corpus is (first seed)", _on_its_side(report.data_cards)),
        _section("What each pre-training did (means over seeds)", _on_its_side(report.pretraining)),
        _section(LAYOUTS_TITLE, _on_its_side(report.layouts) if report.layouts.rows else ""),
        _section("Hyper-parameters (where arms differ, every value)", _two_columns("setting", "value", settings)),
        _section("Open points of the paper and decisions", _decisions(report)),
        _section("Commands", _commands(report)),
        _section("Provenance", _provenance(report.provenance)),
        _TAIL,
    ]
    return "\n".join(part for part in parts if part)


def _section(title: str, body: str) -> str:
    return f"\\subsection*{{{escape(title)}}}\n{body}" if body else ""


def _itemize(items: list[str], layout: str = "") -> str:
    body = "".join(f"\\item {item}\n" for item in items)
    return f"\\begin{{itemize}}{layout}\n{body}\\end{{itemize}}\n" if items else ""


def _setup(report: Report) -> str:
    sentences = " ".join(escape(sentence) for sentence in report.caption)
    arms = _itemize([escape(row.label) for row in report.arms], _TIGHT)
    return f"{sentences}\n{arms}" if arms else "No results yet.\n"


def _results(report: Report) -> str:
    notes = [*(f"Warning: {text}." for text in report.warnings), *(f"Failed: {text}" for text in report.failures)]
    return latex_table(report, num_sentences=2) + _itemize([escape(note) for note in notes]) if report.arms else ""


def _on_its_side(table: FactsTable) -> str:
    """Return a facts table with one line per quantity and one column per arm, several tables if there are many."""
    tables = []
    for start in range(0, len(table.rows), _ARMS_A_TABLE):
        rows = table.rows[start : start + _ARMS_A_TABLE]
        heads, *lines = [_line(*texts) for texts in zip(table.heads, *rows, strict=True)]
        layout = "@{}l" + "p{0.17\\linewidth}" * len(rows) + "@{}"
        tables.append(_longtable(layout, ["\\toprule", heads, "\\midrule", *lines, "\\bottomrule"]))
    return "".join(tables)


def _line(label: str, *cells: str) -> str:
    # \tabularnewline ends a row after \raggedleft, where \\ would end a line.
    return " & ".join([escape(label), *(f"\\raggedleft {escape(cell)}" for cell in cells)]) + "\\tabularnewline"


def _longtable(layout: str, lines: list[str]) -> str:
    body = "\n".join(lines)
    return f"{{\\small\\begin{{longtable}}{{{layout}}}\n{body}\n\\end{{longtable}}}}\n"


def _comparisons(table: FactsTable, note: str) -> str:
    """Return comparisons as a list: a row's label, then what is known of it, with the heads as words."""
    items = []
    for label, *cells in table.rows:
        known = [f"{head} {cell}" for head, cell in zip(table.heads[1:], cells, strict=True) if cell != "–"]
        items.append(escape(f"{label}: {'; '.join(known)}."))
    return f"{_itemize(items, _TIGHT)}{escape(note)}\n" if items else ""


def _decisions(report: Report) -> str:
    rows = []
    for number, (decision, settings) in enumerate(report.decisions, start=1):
        values = ", ".join(f"{code(key)}: {_values(found)}" for key, found in settings.items())
        text = escape(decision.decision) + (f" ({values})" if values else "")
        rows.append((f"{number}. {escape(decision.point)}", text))
    return _two_columns("open point", "decision (setting here)", rows)


def _values(texts: list[str]) -> str:
    return ", ".join(code(text) for text in texts) or "{-}"


def _two_columns(left_head: str, right_head: str, rows: list[tuple[str, str]]) -> str:
    head = ["\\toprule", f"{left_head} & {right_head} \\\\", "\\midrule", "\\endhead"]
    lines = [f"\\raggedright {left} & \\raggedright {right} \\tabularnewline" for left, right in rows]
    return _longtable("@{}p{0.38\\linewidth}p{0.56\\linewidth}@{}", [*head, *lines, "\\bottomrule"]) if rows else ""


def _commands(report: Report) -> str:
    if report.manifest is None:
        return ""
    cells = [(" ".join([report.manifest.program, *cell.overrides]), cell.status) for cell in report.manifest.cells]
    items = _itemize([f"{code(command)} ({escape(status)})" for command, status in cells], _TIGHT)
    text = f"The sweep of {escape(report.manifest.created)}:\n\n{code(report.manifest.command)}\n"
    return f"\\sloppy {text}" + (f"\nIts cells:\n{items}" if items else "")


def _provenance(table: FactsTable) -> str:
    items = []
    for label, *cells in table.rows:
        texts = [f"{escape(head)} {escape(cell)}" for head, cell in zip(table.heads[1:], cells, strict=True)]
        items.append(f"{escape(label)}: {'; '.join(texts)}.")
    return _itemize(items)
