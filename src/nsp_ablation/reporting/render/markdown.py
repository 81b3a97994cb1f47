"""`table.md`: the reading table in GitHub's Markdown, its caption, warnings and failures."""

from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.table_text import lines_of


def markdown_page(report: Report) -> str:
    """Return the page."""
    notes = [*(f"- Warning: {text}" for text in report.warnings), *(f"- Failed: {text}" for text in report.failures)]
    parts = [f"# {report.title}", markdown_table(report), " ".join(report.caption), "\n".join(notes)]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown_table(report: Report) -> str:
    """Return the table alone."""
    heads = [f"{column.title} {column.unit}".strip() for column in report.columns]
    lines = ["| " + " | ".join(["", *heads]) + " |", "|---|" + "---:|" * len(heads)]
    for section in report.sections:
        if section.title:
            lines.append("| *" + section.title + "* |" + " |" * len(heads))
        for row in section.rows:
            lines += [_line(*line) for line in lines_of(row, report.columns)]
    return "\n".join(lines) + "\n"


def _line(kind: str, label: str, texts: list[str]) -> str:
    marks = {"score": "{}", "interval": "<sub>{}</sub>", "published": "*{}*"}
    cells = [marks[kind].format(text.replace("|", "\\|")) if text else "" for text in [label, *texts]]
    return "| " + " | ".join(cells) + " |"
