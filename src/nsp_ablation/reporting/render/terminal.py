"""What a sweep ends with in the terminal: the table, its caption, comparisons, warnings and failures."""

import textwrap
from pathlib import Path

from nsp_ablation.reporting.analysis.card_facts import card_sentences
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.render.comparison_tables import contrast_sentence, exploratory_table, planned_sentence
from nsp_ablation.reporting.render.table_files import lines_of

_GAP = "  "
_MIN_LABEL_WIDTH = 20
_BOLD, _DIM, _RED = "1", "2", "1;31"


def terminal_text(report: Report, directory: Path, trouble: list[str], *, color: bool, width: int) -> str:
    """Return the text; `trouble` are warnings of the outputs themselves, `directory` is where the files are."""
    name = f" ({report.name})" if report.title != report.name else ""
    parts = [_styled(f"{report.title}{name}", _BOLD, color)]
    if report.arms:
        parts += [terminal_table(report, width, color), _wrapped(" ".join(report.caption), width)]
    else:
        parts.append("No results yet.")
    if report.data_cards.rows:
        parts.append("\n".join(_wrapped(sentence, width) for sentence in card_sentences(report.data_cards)))
    parts += _comparison_parts(report, width)
    parts += _notes("warning", [*report.warnings, *trouble], width) + _notes("failed", report.failures, width)
    return "\n\n".join([*parts, f"report: {directory / 'report.html'}"]) + "\n"


def terminal_table(report: Report, width: int, color: bool) -> str:
    """Return the table in lines of at most `width` characters, in parts side by side where its columns need more."""
    lines = [line for section in report.sections for row in section.rows for line in lines_of(row, report.columns)]
    widths = [
        max([len(column.title), len(column.unit), *(len(cells[i]) for _, _, cells in lines)])
        for i, column in enumerate(report.columns)
    ]
    longest_label = max([len(label) + 2 for _, label, _ in lines], default=0)
    parts: list[list[int]] = [[]]
    for i, column_width in enumerate(widths):
        used = sum(widths[other] + len(_GAP) for other in parts[-1])
        if parts[-1] and _MIN_LABEL_WIDTH + used + len(_GAP) + column_width > width:
            parts.append([])
        parts[-1].append(i)
    return "\n\n".join(_part(report, part, widths, longest_label, width, color) for part in parts)


def _part(report: Report, shown: list[int], widths: list[int], longest: int, width: int, color: bool) -> str:
    taken = sum(widths[i] + len(_GAP) for i in shown)
    label_width = max(_MIN_LABEL_WIDTH, min(longest, width - taken))

    def line(label: str, cells: list[str], style: str) -> list[str]:
        first, *others = textwrap.wrap(label, label_width, subsequent_indent="  ", drop_whitespace=True) or [""]
        texts = [first.ljust(label_width), *(cells[i].rjust(widths[i]) for i in shown)]
        coloured = [_styled(text, _RED if text.strip() == "failed" else style, color) for text in texts]
        return [_GAP.join(coloured).rstrip(), *(_styled(text, style, color) for text in others)]

    rule = _styled("─" * (label_width + taken), _DIM, color)
    lines = line("", [column.title for column in report.columns], _BOLD)
    lines += line("", [column.unit for column in report.columns], _DIM)
    for section in report.sections:
        body = []
        for row in section.rows:
            for kind, label, cells in lines_of(row, report.columns):
                filled = {i for i, text in enumerate(cells) if text not in ("", "–")}
                # In a part of the table, a reference that stands in other parts alone is left out.
                if filled & set(shown) or not filled or (kind == "score" and not section.title):
                    indented = f"  {label}" if kind == "published" else label
                    body += line(indented, cells, "" if kind == "score" else _DIM)
        if body:
            title = [_styled(section.title, _DIM, color)] if section.title else []
            lines += [rule, *title, *body]
    return "\n".join([*lines, rule])


def _styled(text: str, style: str, color: bool) -> str:
    return f"\x1b[{style}m{text}\x1b[0m" if color and style and text.strip() else text


def _comparison_parts(report: Report, width: int) -> list[str]:
    """Return the planned family and the contrasts in sentences, and the exploratory comparisons as a table."""
    family = [one for one in report.comparisons if one.is_primary]
    sentences = [_wrapped(planned_sentence(one), width) for one in family]
    parts = ["\n".join([*sentences, _wrapped(report.planned_note, width)])] if family else []
    summed = "\n".join(_wrapped(contrast_sentence(one), width) for one in report.contrasts)
    parts += [summed] if summed else []
    table = exploratory_table(report.comparisons)
    return [*parts, *([f"exploratory, p not corrected:\n{_exploratory_lines(table, width)}"] if table.rows else [])]


def _exploratory_lines(table: FactsTable, width: int) -> str:
    """Return the table in lines of at most `width` characters: each pair above its rows where it would be wider."""
    shown = [table.heads.index(head) for head in ("measure", "mean", "95 % interval", "p", "seeds")]
    rows = [[row[0], *(row[i] for i in shown)] for row in [table.heads, *table.rows]]
    pair_width, *widths = (max(map(len, column)) for column in zip(*rows, strict=True))
    is_beside = pair_width + sum(widths) + len(_GAP) * len(widths) <= width
    lines, former = [], ""
    for pair, measure, *numbers in rows:
        name = "" if pair == former else pair
        if name and not is_beside:
            lines += textwrap.wrap(name, width, break_long_words=False, break_on_hyphens=False)
        right = [text.rjust(size) for text, size in zip(numbers, widths[1:], strict=True)]
        lead = name.ljust(pair_width) if is_beside else ""
        lines.append(_GAP.join([lead, measure.ljust(widths[0]), *right]).rstrip())
        former = pair
    return "\n".join(lines)


def _notes(kind: str, texts: list[str], width: int) -> list[str]:
    return ["\n".join(_wrapped(f"{kind}: {text}", width) for text in texts)] if texts else []


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
