"""The tables as files: the reading table in Markdown, the long one and the comparisons in CSV."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nsp_ablation.reporting.analysis.card_facts import card_sentences
from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparison_notes import CONTRAST_NOTE
from nsp_ablation.reporting.analysis.comparisons import COMPARISON_COLUMNS
from nsp_ablation.reporting.analysis.contrasts import CONTRAST_COLUMNS
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.probe_facts import LAYOUTS_TITLE
from nsp_ablation.reporting.analysis.tables import LONG_COLUMNS, Row, Score
from nsp_ablation.reporting.render.answer_text import answer_lines, headline
from nsp_ablation.reporting.render.comparison_tables import contrast_table, exploratory_table, planned_table

_MARKDOWN = {"score": "{}", "told": "**{}**", "interval": "<sub>{}</sub>", "published": "*{}*"}
_ENTITIES = {"&": "amp", "<": "lt", ">": "gt"}
# An ampersand that begins an entity; and what is markup within a line: no underscore between letters.
_HTML = re.compile(r"&(?=#?\w+;)|[<>]")
_MARKUP = re.compile(r"[\\`*\[\]|]|~(?=~)|(?<!\w)_|_(?!\w)|^(?:[#+-]|\d+[.)])(?=\s)|^(?:[-=]+)$")
# What makes a spreadsheet take a cell for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
Line = tuple[str, str, list[str]]


def markdown_page(report: Report) -> str:
    """Return `table.md`: the table in GitHub's Markdown, its caption, warnings and failures."""
    notes = [
        *(f"- Warning: {markdown(text)}" for text in report.warnings),
        *(f"- Failed: {markdown(text)}" for text in report.failures),
    ]
    parts = [
        f"# {markdown(report.title)}",
        f"*Question.* {markdown(report.plan.question)}" if report.plan.question else "",
        f"*Answer.* {markdown(headline(report))}" if report.arms else "",
        "\n".join(f"- {markdown(line.verdict)} {markdown(line.numbers)}" for line in answer_lines(report)),
        markdown_table(report),
        markdown(" ".join(report.caption)),
        facts_part("Planned comparisons", planned_table(report.comparisons), report.planned_note),
        facts_part("Contrasts", contrast_table(report.contrasts), CONTRAST_NOTE),
        facts_part("Exploratory comparisons", exploratory_table(report.comparisons), report.exploratory_note),
        "\n".join(f"- {markdown(sentence)}" for sentence in card_sentences(report.data_cards)),
        facts_part(LAYOUTS_TITLE, report.layouts, ""),
        "\n".join(notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def facts_part(title: str, table: FactsTable, note: str) -> str:
    """Return a table of facts under its title, nothing where it has no rows."""
    if not table.rows:
        return ""
    rows = [" | ".join(map(markdown, row)) for row in [table.heads, *table.rows]]
    rule = "|---|" + "---:|" * (len(table.heads) - 1)
    lines = [f"| {rows[0]} |", rule, *(f"| {row} |" for row in rows[1:])]
    return "\n".join([f"## {markdown(title)}", "", *lines, *(["", markdown(note)] if note else [])])


def markdown_table(report: Report) -> str:
    """Return the table alone."""
    heads = [markdown(column.measure) for column in report.columns]
    lines = ["| " + " | ".join(["", *heads]) + " |", "|---|" + "---:|" * len(heads)]
    for section in report.sections:
        if section.title:
            lines.append("| *" + markdown(section.title) + "* |" + " |" * len(heads))
        for row in section.rows:
            for line in lines_of(row, report.columns):
                lines.append("| " + " | ".join(styled(row, line, _MARKDOWN, markdown)) + " |")
    return "\n".join(lines) + "\n"


def markdown(text: str) -> str:
    """Return Markdown (GitHub's) that shows `text` on one line, whatever markup it holds."""
    text = _HTML.sub(lambda found: f"&{_ENTITIES[found[0]]};", " ".join(text.split()))
    return _MARKUP.sub(r"\\\g<0>", text)


def styled(row: Row, line: Line, styles: Mapping[str, str], escaped: Callable[[str], str]) -> list[str]:
    """Return label and cells of a row's line in the style of its kind; a score that a verdict tells to be better is
    bold."""
    kind, label, texts = line
    kinds = [kind, *("told" if kind == "score" and score.is_told else kind for score in row.scores)]
    return [styles[one].format(escaped(text)) if text else "" for one, text in zip(kinds, [label, *texts], strict=True)]


def table_csv(report: Report) -> str:
    """Return `table.csv`: every number."""
    return _csv(LONG_COLUMNS, report.long_table)


def comparisons_csv(report: Report) -> str:
    """Return `comparisons.csv`: the planned comparisons."""
    return _csv(COMPARISON_COLUMNS, (one.csv_row() for one in report.comparisons))


def contrasts_csv(report: Report) -> str | None:
    """Return `contrasts.csv`: the planned contrasts, None where there are none."""
    return _csv(CONTRAST_COLUMNS, (one.csv_row() for one in report.contrasts)) if report.contrasts else None


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


def lines_of(row: Row, columns: list[Column]) -> list[Line]:
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
