"""The tables as files: the reading table in Markdown and LaTeX, the long one and the comparisons in CSV."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any

from nsp_ablation.reporting.analysis.card_facts import card_sentences
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import COMPARISON_COLUMNS, Comparison
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.probe_facts import LAYOUTS_TITLE
from nsp_ablation.reporting.analysis.tables import LONG_COLUMNS, Row, Score
from nsp_ablation.reporting.render.latex import escape

_MARKDOWN = {"score": "{}", "interval": "<sub>{}</sub>", "published": "*{}*"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt"}
# An ampersand that begins an entity; and what is markup within a line: no underscore between letters.
_HTML = re.compile(r"&(?=#?\w+;)|[<>]")
_MARKUP = re.compile(r"[\\`*\[\]|]|~(?=~)|(?<!\w)_|_(?!\w)|^(?:[#+-]|\d+[.)])(?=\s)|^(?:[-=]+)$")
# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LATEX = {"score": "{}", "interval": "{{\\scriptsize {}}}", "published": "{{\\footnotesize\\itshape {}}}"}


def markdown_page(report: Report) -> str:
    """Return `table.md`: the table in GitHub's Markdown, its caption, warnings and failures."""
    notes = [
        *(f"- Warning: {markdown(text)}" for text in report.warnings),
        *(f"- Failed: {markdown(text)}" for text in report.failures),
    ]
    parts = [
        f"# {markdown(report.title)}",
        markdown_table(report),
        markdown(" ".join(report.caption)),
        "\n".join(f"- {markdown(sentence)}" for sentence in card_sentences(report.data_cards)),
        _markdown_layouts(report.layouts),
        "\n".join(notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _markdown_layouts(table: FactsTable) -> str:
    """Return the layouts as they are trained (rows) and tested (columns); empty where none is tested."""
    if not table.rows:
        return ""
    lines = [table.heads, ["---", *["---:"] * (len(table.heads) - 1)]]
    lines += [[markdown(text) for text in row] for row in table.rows]
    rows = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"## {markdown(LAYOUTS_TITLE)}\n\n{rows}"


def markdown_table(report: Report) -> str:
    """Return the table alone."""
    heads = [markdown(f"{column.title} {column.unit}".strip()) for column in report.columns]
    lines = ["| " + " | ".join(["", *heads]) + " |", "|---|" + "---:|" * len(heads)]
    for section in report.sections:
        if section.title:
            lines.append("| *" + markdown(section.title) + "* |" + " |" * len(heads))
        for kind, label, texts in (line for row in section.rows for line in lines_of(row, report.columns)):
            cells = [_MARKDOWN[kind].format(markdown(text)) if text else "" for text in [label, *texts]]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def markdown(text: str) -> str:
    """Return Markdown (GitHub's) that shows `text` on one line, whatever markup it holds."""
    text = _HTML.sub(lambda found: f"&{_ENTITIES[found[0]]};", " ".join(text.split()))
    return _MARKUP.sub(r"\\\g<0>", text)


def latex_table(report: Report, num_sentences: int | None = None) -> str:
    """Return `table.tex`, in booktabs style: its caption has `num_sentences` of the report's, None for all."""
    caption = " ".join([f"{report.title}.", *report.caption[:num_sentences]])
    heads = " & ".join(f"\\multicolumn{{1}}{{r}}{{{escape(column.title)}}}" for column in report.columns)
    num_columns = len(report.columns)
    lines = [
        "\\begin{table}[!htbp]\\centering\\footnotesize\\setlength{\\tabcolsep}{3pt}",
        f"\\caption{{{escape(caption)}}}\\label{{tab:nsp-ablation}}\\smallskip",
        f"\\begin{{tabular}}{{@{{}}l{'r' * num_columns}@{{}}}}",
        "\\toprule",
        f" & {heads} \\\\",
        f" & {' & '.join(escape(column.unit) for column in report.columns)} \\\\",
    ]
    for section in report.sections:
        lines.append("\\midrule")
        if section.title:
            lines.append(f"\\multicolumn{{{num_columns + 1}}}{{@{{}}l}}{{\\emph{{{escape(section.title)}}}}} \\\\")
        for row in section.rows:
            own = [_latex_line(*line) for line in lines_of(row, report.columns)]
            lines += [*own, *(["\\addlinespace[2pt]"] if len(own) > 1 else [])]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", "\\end{table}", ""])


def _latex_line(kind: str, label: str, texts: list[str]) -> str:
    cells = [_LATEX[kind].format(escape(text)) if text else "" for text in [label, *texts]]
    indent = "\\quad " if kind == "published" else ""
    return f"{indent}{' & '.join(cells)} \\\\"


def table_csv(report: Report) -> str:
    """Return `table.csv`: every number."""
    return _csv(LONG_COLUMNS, report.long_table)


def comparisons_csv(report: Report) -> str:
    """Return `comparisons.csv`: the planned comparisons."""
    return _csv(COMPARISON_COLUMNS, (one.csv_row() for one in report.comparisons))


def _csv(columns: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header; None is an empty cell, and no text is a spreadsheet's formula."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _no_formula(value) for name, value in row.items()} for row in rows)
    return stream.getvalue()


def _no_formula(value: Any) -> Any:
    """Return a value of a cell; a text that a spreadsheet would take for a formula is quoted, as spreadsheets do."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def lines_of(row: Row, columns: list[Column]) -> list[tuple[str, str, list[str]]]:
    """Return a row's lines as (kind, label, texts): the scores, intervals and published numbers where there are any.

    A score is the median, "failed" where every run failed, a dash where there was none; † stands beside some failures.
    """
    pairs = list(zip(row.scores, columns, strict=True))
    scores = [_score_text(score, column) for score, column in pairs]
    intervals = [_interval_text(score, column) for score, column in pairs]
    published = ["" if score.published is None else column.text(score.published) for score, column in pairs]
    beneath = [("interval", "", intervals), ("published", "published", published)]
    return [("score", row.label, scores), *(line for line in beneath if any(line[2]))]


def _score_text(score: Score, column: Column) -> str:
    if score.summary is None:
        return "failed" if score.num_failed else "–"
    return column.text(score.summary.median) + ("†" if score.num_failed else "")


def _interval_text(score: Score, column: Column) -> str:
    if score.summary is None or score.summary.low is None:
        return ""
    between = " to " if score.summary.low < 0 else "–"
    return f"{column.text(score.summary.low)}{between}{column.text(score.summary.high)}"


def comparison_texts(comparison: Comparison) -> list[str]:
    """Return a comparison as it is read: pair, task, signed difference, interval, p, p by Holm's correction, seeds."""
    column, result = comparison.column, comparison.result
    values = (None if value is None else column.scaled(value) for value in (result.difference, result.low, result.high))
    difference, low, high = ("–" if value is None else f"{value:+.2f}".replace("-", "−") for value in values)
    interval = "–" if result.low is None else f"[{low}, {high}]"
    texts = [f"{comparison.a} − {comparison.b}", column.title, difference, interval]
    return [*texts, _p_text(result.p), _p_text(comparison.p_holm), str(result.num_seeds)]


def _p_text(p: float | None) -> str:
    """Return a p-value with three digits, a dash where there is none."""
    if p is None:
        return "–"
    return "< .001" if p < 0.001 else f"{p:.3f}".removeprefix("0")
