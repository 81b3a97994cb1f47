"""Tables of an appendix in LaTeX: quantities in rows, models, tasks or arms in columns; and what needs no table."""

from collections.abc import Sequence

from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.render.comparison_tables import number_and_interval
from nsp_ablation.reporting.render.latex import breakable, escape

_NUM_COLUMNS = 4  # of a table, beside that of the names
_NAMES, _VALUES, _WIDEST = 0.27, 0.68, 0.3  # of the width of a line
TIGHT = "\\setlength{\\itemsep}{0pt}"


def quantities(table: FactsTable) -> str:
    """Return a table whose rows are quantities; several below each other where it has many columns.

    A row that is the same in all columns stands once, over the width of all of them, in the first table.
    """
    tables = []
    for start in range(1, len(table.heads), _NUM_COLUMNS):
        chosen = slice(start, start + _NUM_COLUMNS)
        is_first, number = start == 1, len(table.heads[chosen])
        width = f"{min(_VALUES / number - 0.02, _WIDEST):.3f}\\linewidth"
        lines = [_row("", [f"\\raggedleft {breakable(head)}" for head in table.heads[chosen]])]
        for name, *values in table.rows:
            shown = values[start - 1 : start - 1 + _NUM_COLUMNS]
            if len(values) > 1 and len(set(values)) == 1:
                once = f"\\multicolumn{{{number}}}{{p{{{_VALUES - 0.02:.3f}\\linewidth}}@{{}}}}"
                lines += [_row(name, [f"{once}{{\\raggedleft {breakable(values[0])}}}"])] if is_first else []
            elif set(shown) != {"–"}:
                lines.append(_row(name, [f"\\raggedleft {_value(value)}" for value in shown]))
        if len(lines) > 1:
            layout = f"@{{}}p{{{_NAMES}\\linewidth}}" + f"p{{{width}}}" * number + "@{}"
            tables.append(long_table(layout, lines[0], lines[1:]))
    return "".join(tables)


def columns(heads: Sequence[str], shares: Sequence[float], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of texts in LaTeX, of columns that take `shares` of the line; nothing without rows."""
    if not rows:
        return ""
    layout = "@{}" + "".join(f"p{{{share:.3f}\\linewidth}}" for share in shares) + "@{}"
    lines = [" & ".join(f"\\raggedright {text}" for text in texts) + " \\tabularnewline" for texts in (heads, *rows)]
    return long_table(layout, lines[0], lines[1:])


def long_table(layout: str, head: str, lines: Sequence[str]) -> str:
    """Return a table that goes on over pages, its head on each."""
    body = "\n".join(["\\toprule", head, "\\midrule", "\\endhead", *lines, "\\bottomrule"])
    return f"{{\\footnotesize\\begin{{longtable}}{{{layout}}}\n{body}\n\\end{{longtable}}}}\n"


def itemize(items: Sequence[str], layout: str = TIGHT) -> str:
    """Return a list, nothing without items."""
    body = "".join(f"\\item {item}\n" for item in items)
    return f"\\begin{{itemize}}{layout}\n{body}\\end{{itemize}}\n" if items else ""


def _value(text: str) -> str:
    """Return a cell; an interval behind a number stands beneath it."""
    value, interval = number_and_interval(text)
    return f"{breakable(value)}\\newline{{\\scriptsize {escape(interval)}}}" if interval else breakable(text)


def _row(name: str, cells: Sequence[str]) -> str:
    # \tabularnewline ends a row after \raggedleft, where \\ would end a line
    return " & ".join([f"\\raggedright {breakable(name)}", *cells]) + " \\tabularnewline"
