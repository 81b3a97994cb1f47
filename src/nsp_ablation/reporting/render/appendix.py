"""The appendix of a paper, as venues ask for it: set-up, results, hyper-parameters, data, compute, decisions, lists."""

from nsp_ablation.reporting.analysis.checklists import Checklist
from nsp_ablation.reporting.analysis.comparison_notes import CONTRAST_NOTE
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.probe_facts import LAYOUTS_TITLE
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
from nsp_ablation.reporting.render.comparison_tables import contrast_table, exploratory_table, planned_table
from nsp_ablation.reporting.render.latex import breakable, code, escape
from nsp_ablation.reporting.render.latex_tables import columns, itemize, quantities
from nsp_ablation.reporting.render.reading_table import latex_table

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
\begingroup\sloppy\emergencystretch=3em
"""
_TAIL = r"""
\endgroup
\ifnspappendixalone
\end{document}
\fi
"""
_TO_AUTHORS = "For the authors: no record says it."


def appendix(report: Report) -> str:
    """Return `appendix.tex` of a report."""
    parts = [
        _HEAD,
        f"\\section*{{{escape(report.title)}}}",
        _section("Question and answer", _answer(report)),
        _section("Set-up", _setup(report)),
        _section("Results", _results(report)),
        _section("Planned comparisons", _comparisons(planned_table(report.comparisons), report.planned_note)),
        _section("Contrasts", _comparisons(contrast_table(report.contrasts), CONTRAST_NOTE)),
        _section(
            "Exploratory comparisons", _comparisons(exploratory_table(report.comparisons), report.exploratory_note)
        ),
        _section(LAYOUTS_TITLE, quantities(report.layouts.on_its_side())),
        _section("Hyper-parameters of pre-training, by model", quantities(report.appendix.pretraining)),
        _section("Hyper-parameters of fine-tuning, by task", quantities(report.appendix.finetuning)),
        _section("What each arm's corpus is (first seed)", quantities(report.data_cards.on_its_side())),
        _section("What each pre-training did (means over seeds)", quantities(report.pretraining.on_its_side())),
        _section("Compute", quantities(report.costs.on_its_side())),
        _section("Deviations from section 4 of the paper", _deviations(report.appendix.deviations)),
        _section("Open points of the paper and decisions", _decisions(report)),
        *(_section(one.title, _checklist(one)) for one in report.appendix.checklists),
        _section("Commands", _commands(report)),
        _section("Provenance", _provenance(report.provenance)),
        _section("All settings (where arms differ, every value)", _listing(report)),
        _TAIL,
    ]
    return "\n".join(part for part in parts if part)


def _section(title: str, body: str) -> str:
    return f"\\subsection*{{{escape(title)}}}\n{body}" if body else ""


def _answer(report: Report) -> str:
    question = f"\\emph{{{escape(report.plan.question)}}}\n\n" if report.plan.question else ""
    lines = [f"\\textbf{{{breakable(line.verdict)}}} {breakable(line.numbers)}" for line in answer_lines(report)]
    return f"{question}{escape(headline(report))}\n{itemize(lines)}" if report.arms else ""


def _setup(report: Report) -> str:
    sentences = " ".join(breakable(sentence) for sentence in report.caption)
    arms = itemize([breakable(row.label) for row in report.arms])
    return f"{sentences}\n{arms}" if arms else "No results yet.\n"


def _results(report: Report) -> str:
    notes = [*(f"Warning: {text}." for text in report.warnings), *(f"Failed: {text}" for text in report.failures)]
    return latex_table(report, num_sentences=2) + itemize([breakable(note) for note in notes]) if report.arms else ""


def _comparisons(table: FactsTable, note: str) -> str:
    """Return comparisons as a list: a row's label, then what is known of it, with the heads as words."""
    items = []
    for label, *cells in table.rows:
        known = [f"{head} {cell}" for head, cell in zip(table.heads[1:], cells, strict=True) if cell != "–"]
        items.append(breakable(f"{label}: {'; '.join(known)}."))
    return f"{itemize(items)}{escape(note)}\n" if items else ""


def _deviations(table: FactsTable) -> str:
    rows = [[breakable(cell) for cell in row] for row in table.rows]
    return columns(["setting", "here", "paper"], [0.36, 0.26, 0.3], rows)


def _decisions(report: Report) -> str:
    rows = []
    for number, (decision, settings) in enumerate(report.appendix.decisions, start=1):
        values = ", ".join(f"{code(key)}: {_values(found)}" for key, found in settings.items())
        text = escape(decision.decision) + (f" ({values})" if values else "")
        rows.append([f"{number}. {escape(decision.point)}", text])
    return columns(["open point", "decision (setting here)"], [0.38, 0.56], rows)


def _values(texts: list[str]) -> str:
    return ", ".join(code(text) for text in texts) or "{-}"


def _checklist(one: Checklist) -> str:
    rows = [
        [
            escape(item.number),
            escape(item.question),
            f"\\emph{{{_TO_AUTHORS}}}" if item.answer is None else breakable(item.answer),
        ]
        for item in one.items
    ]
    return columns(["", "asked for", "answer of the records"], [0.08, 0.3, 0.54], rows)


def _commands(report: Report) -> str:
    if report.manifest is None:
        return ""
    cells = [(" ".join([report.manifest.program, *cell.overrides]), cell.status) for cell in report.manifest.cells]
    items = itemize([f"{code(command)} ({escape(status)})" for command, status in cells])
    text = f"The sweep of {escape(report.manifest.created)}:\n\n{code(report.manifest.command)}\n"
    return text + (f"\nIts cells:\n{items}" if items else "")


def _provenance(table: FactsTable) -> str:
    items = []
    for label, *cells in table.rows:
        texts = [f"{escape(head)} {breakable(cell)}" for head, cell in zip(table.heads[1:], cells, strict=True)]
        items.append(f"{escape(label)}: {'; '.join(texts)}.")
    return itemize(items)


def _listing(report: Report) -> str:
    """Return every science setting, those of a group in a paragraph."""
    groups: dict[str, list[str]] = {}
    for key, values in report.appendix.settings.items():
        group, _, name = key.rpartition(".")
        groups.setdefault(group, []).append(f"{code(name)} = {_values(values)}")
    lines = [f"{code(group) + ': ' if group else ''}{'; '.join(texts)}." for group, texts in groups.items()]
    return f"{{\\footnotesize\\raggedright\n{itemize(lines)}}}\n" if lines else ""
