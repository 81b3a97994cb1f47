"""The data card in the terminal: a line each before a training, with bounds in `stage=inspect`."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from nsp_ablation.samples.inspection.card_lines import CardLine

_WIDTH, _TITLE_WIDTH = 68, 23  # a terminal of 80 less the stage's name
_STYLES = {"info": "dim", "ok": "green", "warn": "yellow", "refused": "bold red"}


def card_text(lines: list[CardLine]) -> list[str]:
    """Return the lines as a table: what each is of, its value and its verdict, unless that is `info`."""
    verdicts = ("" if line.verdict == "info" else line.verdict for line in lines)
    left = (f"{line.title:<{_TITLE_WIDTH}} {line.text}" for line in lines)
    return [f"{text:<{_WIDTH - len(verdict)}}{verdict}".rstrip() for text, verdict in zip(left, verdicts, strict=True)]


def print_card(console: Console, key: str, lines: list[CardLine]) -> None:
    """Print the card as a table: verdict, what it is of, value, bound."""
    table = Table(show_header=False, box=None, title=f"data card {key}", title_justify="left", title_style="bold")
    for line in lines:
        bound = "" if line.bound is None else f"bound {line.bound:g}"
        verdict = Text(line.verdict, style=_STYLES[line.verdict])
        table.add_row(verdict, Text(line.title), Text(line.text), bound)
    console.print(table)
