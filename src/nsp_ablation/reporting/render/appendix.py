"""The appendix of a paper: set-up, results, hyper-parameters, decisions and commands, as LaTeX."""

import json
from collections.abc import Iterable
from typing import Any

from nsp_ablation.reporting.analysis.decisions import DECISIONS, setting
from nsp_ablation.reporting.analysis.facts import FactsTable, failures, pretraining_table, provenance_table, warnings
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import flatten_settings
from nsp_ablation.reporting.render.caption import caption
from nsp_ablation.reporting.render.latex import code, escape
from nsp_ablation.reporting.render.rendering import latex_table
from nsp_ablation.reporting.render.tables import reading_table

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


def appendix(study: Study) -> str:
    """Return `appendix.tex` of a study."""
    parts = [
        _HEAD,
        f"\\section*{{{escape(study.title)}}}",
        _setup(study),
        _results(study),
        _facts("What each pre-training did (means over seeds)", pretraining_table(study)),
        _hyperparameters(study),
        _decisions(study),
        _commands(study),
        _provenance(study),
        _TAIL,
    ]
    return "\n".join(part for part in parts if part)


def _setup(study: Study) -> str:
    arms = "".join(f"\\item {escape(study.labels[arm])}\n" for arm in study.scores.arms)
    if not arms:
        return "\\subsection*{Set{-}up}\nNo results yet.\n"
    sentences = " ".join(escape(sentence) for sentence in caption(study))
    items = f"\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{arms}\\end{{itemize}}"
    return f"\\subsection*{{Set{{-}}up}}\n{sentences}\n{items}\n"


def _results(study: Study) -> str:
    if not study.scores.arms:
        return ""
    table = latex_table(reading_table(study), [f"{study.title}.", *caption(study)[:2]], "tab:nsp-ablation")
    notes = [*(f"Warning: {text}." for text in warnings(study)), *(f"Failed: {text}" for text in failures(study))]
    items = "".join(f"\\item {escape(note)}\n" for note in notes)
    return f"\\subsection*{{Results}}\n{table}" + (f"\\begin{{itemize}}\n{items}\\end{{itemize}}\n" if items else "")


def _facts(title: str, table: FactsTable) -> str:
    """Return a facts table on its side: one line a quantity, one column an arm, several tables if there are many."""
    parts = []
    for start in range(0, len(table.rows), _ARMS_A_TABLE):
        rows = table.rows[start : start + _ARMS_A_TABLE]
        lines = [_line("", [label for label, _ in rows]), "\\midrule"]
        lines += [_line(head, [cells[place] for _, cells in rows]) for place, head in enumerate(table.heads)]
        spec = "@{}l" + "p{0.17\\linewidth}" * len(rows) + "@{}"
        body = "\n".join(["\\toprule", *lines, "\\bottomrule"])
        parts.append(f"{{\\small\\begin{{longtable}}{{{spec}}}\n{body}\n\\end{{longtable}}}}\n")
    return f"\\subsection*{{{escape(title)}}}\n{''.join(parts)}" if parts else ""


def _line(label: str, cells: list[str]) -> str:
    # \tabularnewline ends a row after \raggedleft, where \\ would end a line.
    return " & ".join([escape(label), *(f"\\raggedleft {escape(cell)}" for cell in cells)]) + "\\tabularnewline"


def _configs(study: Study) -> list[dict[str, Any]]:
    return [record.config for record in study.records.values() if record.arm == "trained"] or [
        record.config for record in study.records.values()
    ]


def _hyperparameters(study: Study) -> str:
    flat = [flatten_settings(config) for config in _configs(study)]
    keys = list(dict.fromkeys(key for settings in flat for key, value in settings.items() if value is not None))
    rows = [(code(key), _values(settings.get(key) for settings in flat)) for key in keys]
    return _two_columns("Hyper-parameters (where arms differ, every value)", ("setting", "value"), rows)


def _decisions(study: Study) -> str:
    configs = _configs(study)
    rows = []
    for number, decision in enumerate(DECISIONS, start=1):
        settings = [f"{code(key)}: {_values(setting(config, key) for config in configs)}" for key in decision.keys]
        text = escape(decision.decision) + (f" ({', '.join(settings)})" if configs and settings else "")
        rows.append((f"{number}. {escape(decision.point)}", text))
    return _two_columns("Open points of the paper and decisions", ("open point", "decision (setting here)"), rows)


def _values(values: Iterable[Any]) -> str:
    distinct = list(dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values if value is not None))
    return ", ".join(code(text.strip('"')) for text in distinct) or "{-}"


def _two_columns(title: str, heads: tuple[str, str], rows: list[tuple[str, str]]) -> str:
    if not rows:
        return ""
    body = "\n".join(f"\\raggedright {left} & \\raggedright {right} \\tabularnewline" for left, right in rows)
    spec = "@{}p{0.38\\linewidth}p{0.56\\linewidth}@{}"
    head = f"\\toprule\n{heads[0]} & {heads[1]} \\\\\n\\midrule\n\\endhead\n"
    table = f"{{\\small\\begin{{longtable}}{{{spec}}}\n{head}{body}\n\\bottomrule\n\\end{{longtable}}}}\n"
    return f"\\subsection*{{{escape(title)}}}\n{table}"


def _commands(study: Study) -> str:
    if study.manifest is None:
        return ""
    cells = "".join(
        f"\\item {code(' '.join(['python run.py', *cell.overrides]))} ({escape(cell.status)})\n"
        for cell in study.manifest.cells
    )
    text = f"The sweep of {escape(study.manifest.created)}:\n\n{code(study.manifest.command)}\n"
    return f"\\subsection*{{Commands}}\n\\sloppy {text}" + (
        f"\nIts cells:\n\\begin{{itemize}}\\setlength{{\\itemsep}}{{0pt}}\n{cells}\\end{{itemize}}\n" if cells else ""
    )


def _provenance(study: Study) -> str:
    table = provenance_table(study)
    items = [
        f"{escape(label)}: "
        + "; ".join(f"{escape(head)} {escape(cell)}" for head, cell in zip(table.heads, cells, strict=True))
        for label, cells in table.rows
    ]
    body = "".join(f"\\item {item}.\n" for item in items)
    return f"\\subsection*{{Provenance}}\n\\begin{{itemize}}\n{body}\\end{{itemize}}\n" if items else ""
