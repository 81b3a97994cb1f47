"""The figure of the formats: one page of text as the corpus has it, and beside it as each format reads it.

It is what the terminal shows of inputs (`input_tokens`), laid out in columns and written as SVG by rich. Documents take
Okabe and Ito's blue, orange and green, which stay apart for the colour-blind, and are numbered too; marks and weights
say what happens to a token. Texts keep a contrast of 4.5 or more (WCAG 2.1, AA).
"""

import re
from html import escape, unescape
from io import StringIO
from itertools import groupby

from rich.cells import cell_len
from rich.color import parse_rgb_hex
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.samples.inspection.formats_page import Page, Panel, document_sentences
from nsp_ablation.samples.inspection.input_tokens import (
    OBJECTIVES,
    SPECIAL_KINDS,
    InputToken,
    TokenNames,
    input_tokens,
    marked_text,
    pair_label,
    piece_texts,
    target_legend,
)

TITLE = "One page of text, as the input formats feed it to the model"
INK, MUTED, PAPER, UNUSED = "#1b1b1f", "#5a5a66", "#ffffff", "#e6e6eb"
DOCUMENTS = (("#0072b2", "#dcebf7"), ("#e69f00", "#fbe8c6"), ("#009e73", "#d3efe3"))  # bar, ground of the text
STYLES = {
    "cls": f"{PAPER} on {MUTED}",
    "sep": f"{PAPER} on {MUTED}",
    "extra_sep": f"bold {PAPER} on #7b2d8b",
    "mask": f"bold {PAPER} on {INK}",
    "random": f"bold underline #b3261e on {PAPER}",
    "kept": f"bold underline {INK} on {PAPER}",
}
LABEL_STYLES = (f"{INK} on {UNUSED}", f"bold {PAPER} on {INK}")
_BAR_STYLES = {"cls": INK, "sep": INK, "extra_sep": "#7b2d8b"}
NUM_COLUMNS, _GAP, _MAX_LINES = 31, 2, 48
_LABELS = {"mlm_nsp": "NSP label {}: ", "mlm_sop": "SOP label {}: ", "mlm": "not predicted: "}
_FORMAT = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="-9 -24 {{width}} {{height:.0f}}" role="img"
 xml:space="preserve" aria-labelledby="title description"><title id="title">{title}</title>
<desc id="description">{description}</desc>
<style>text{{{{font:20px monospace;white-space:pre}}}} rect{{{{shape-rendering:crispEdges}}}}
{{styles}}</style>
<rect x="-9" y="-24" width="100%" height="100%" fill="{paper}"/>
{{backgrounds}}
{{matrix}}
</svg>
"""
_TEXT = re.compile(r'(<text [^>]*x=")([\d.]+)("[^>]*textLength=")[\d.]+("[^>]*>)([^<]*)</text>')
_COLUMN = 12.2  # of 20 pixels of rich's fonts
Lines = list[Text]


def figure(page: Page, vocabulary: TokenNames, caption: str) -> str:
    """Return the SVG of a page; the same page gives the same bytes. `caption` names its settings."""
    width = (len(page.panels) + 1) * (NUM_COLUMNS + _GAP) - _GAP
    console = Console(record=True, file=StringIO(), width=width + 2, color_system="truecolor", legacy_windows=False)
    table = Table.grid(padding=(0, _GAP, 0, 0))
    columns = [_corpus_column(page, vocabulary, console)]
    columns += [_format_column(panel, page, vocabulary, console) for panel in page.panels]
    for _ in columns:
        table.add_column(width=NUM_COLUMNS, no_wrap=True)
    height = max(map(len, columns))
    table.add_row(*(Text("\n").join([*column, *[Text()] * (height - len(column))]) for column in columns))
    title, below = Text(TITLE, f"bold {INK}"), Text(caption, MUTED)
    page_lines: list[Text | Table] = [title, below, Text(), table, Text(), *_legend()]
    for line in page_lines:
        console.print(Padding(line, (0, 1)))
    described = ((FORMATS[panel.format_name], _summary(panel)) for panel in page.panels)
    panels = " ".join(f"{facts.title}: {facts.description} {summary}." for facts, summary in described)
    return _svg(console, f"Documents of a corpus, and the inputs that each format makes of them. {panels} {caption}")


def _corpus_column(page: Page, vocabulary: TokenNames, console: Console) -> Lines:
    """Return the documents one below the other, a sentence beginning a line, up to the column's height."""
    store = page.store
    lines = _head(
        "The corpus",
        f"{store.num_documents} documents",
        "Documents cut into sentences. Every format reads these same tokens.",
        f"{store.num_sentences} sentences, {store.num_tokens} tokens",
        console,
    )
    for document in range(store.num_documents):
        sentences = document_sentences(store, document)
        bar, ground = Text(" " * NUM_COLUMNS, f"on {DOCUMENTS[document][0]}"), _ground(document)
        lines += [_between(f"document {document}", f"{sum(map(len, sentences))} tokens"), bar]
        for sentence in sentences:
            tokens = [InputToken("text", token, token, 0) for token in sentence]
            lines += _wrapped(marked_text(tokens, vocabulary, STYLES, ground), ground, console)
        lines.append(Text())
    return lines if len(lines) <= _MAX_LINES else [*lines[: _MAX_LINES - 1], Text("…", MUTED)]


def _format_column(panel: Panel, page: Page, vocabulary: TokenNames, console: Console) -> Lines:
    """Return a format's inputs one below the other while they fit, at least one."""
    facts = FORMATS[panel.format_name]
    key = f"{panel.format_name} · {OBJECTIVES[panel.objective]}"
    lines = _head(facts.title, key, facts.description, _summary(panel), console)
    for number in range(len(panel.rows)):
        card = input_lines(panel, number, page, vocabulary, console)
        num_left = len(panel.rows) - number
        if number and len(lines) + len(card) + (num_left > 1) > _MAX_LINES:
            lines.append(Text(f"+ {num_left} more input{'s' if num_left > 1 else ''} of this page", MUTED))
            break
        lines += [*card, Text()]
    return lines


def input_lines(panel: Panel, number: int, page: Page, vocabulary: TokenNames, console: Console) -> Lines:
    """Return one input: its length, a bar of its T positions, its pieces, and the label of a pair."""
    row, frame = panel.rows[number], panel.frame
    tokens = input_tokens(row, frame.cls, frame.sep, frame.mask)
    documents = [span[0] for span in row["spans"]]
    lines = [_between(f"input {number + 1}", f"{len(tokens)} of {frame.max_length} tokens")]
    lines.append(_bar(tokens, documents, frame.max_length))
    grounds = [_ground(document) for document in documents]
    pieces = piece_texts(row, tokens, page.store, vocabulary, STYLES, grounds)
    for ground, (heading, text) in zip(grounds, pieces, strict=True):
        lines += [*Text(heading, MUTED).wrap(console, NUM_COLUMNS), *_wrapped(text, ground, console)]
    if (words := pair_label(row)) is not None:
        value = row["is_random_next"] if row["is_swapped"] is None else row["is_swapped"]
        label = Text(f" {_LABELS[panel.objective].format(value)}{words}", LABEL_STYLES[value])
        label.pad_right(NUM_COLUMNS - label.cell_len)
        lines += [Text(), label]
    return lines


def _bar(tokens: list[InputToken], documents: list[int], max_length: int) -> Text:
    """Return the input's T positions: a colour per document, separators dark, what is left grey."""
    colours = [_BAR_STYLES.get(token.kind, DOCUMENTS[documents[token.piece]][0]) for token in tokens]
    colours += [UNUSED] * (max_length - len(tokens))
    cells = [colours[cell * max_length // NUM_COLUMNS] for cell in range(NUM_COLUMNS)]
    return Text.assemble(*((" " * len(list(run)), f"on {colour}") for colour, run in groupby(cells)))


def _head(name: str, key: str, words: str, summary: str, console: Console) -> Lines:
    """Return a column's head, five lines of which are for `words`."""
    wrapped = list(Text(words, INK).wrap(console, NUM_COLUMNS))
    wrapped += [Text()] * (5 - len(wrapped))
    return [Text(name, f"bold {INK}"), Text(key, MUTED), *wrapped, Text(summary, f"bold {INK}"), Text()]


def _legend() -> Lines:
    grounds = [part for n in range(len(DOCUMENTS)) for part in ((f" document {n} ", _ground(n)), " ")]
    special = [part for kind in SPECIAL_KINDS[1:] for part in ((" [SEP] ", STYLES[kind]), " ")]
    return [
        Text.assemble(*grounds, "  bar: the T positions of an input, ", (" unused ", LABEL_STYLES[0])),
        Text.assemble(*special[:2], "inserted special token, ", *special[2:], "extra separator between two documents"),
        target_legend(STYLES),
    ]


def _summary(panel: Panel) -> str:
    return f"{len(panel.rows)} inputs, {panel.fill:.0%} full"


def _ground(document: int) -> str:
    return f"{INK} on {DOCUMENTS[document][1]}"


def _between(left: str, right: str) -> Text:
    """Return a line with text at both ends."""
    gap = " " * (NUM_COLUMNS - cell_len(left) - cell_len(right))
    return Text.assemble((left, f"bold {INK}"), gap, (right, MUTED))


def _wrapped(text: Text, ground: str, console: Console) -> Lines:
    """Return text in lines, the ground of each filled up to the column's width."""
    lines = list(text.wrap(console, NUM_COLUMNS))
    for line in lines:
        line.rstrip()
        line.append(" " * (NUM_COLUMNS - line.cell_len), ground)
    return lines


def _svg(console: Console, description: str) -> str:
    """Return what the console has recorded, without a terminal's clip paths and line ends, which show nothing here."""
    frame = _FORMAT.format(title=escape(TITLE), description=escape(description), paper=PAPER)
    theme = TerminalTheme(parse_rgb_hex(PAPER[1:]), parse_rgb_hex(INK[1:]), [(0, 0, 0)] * 8)
    text = console.export_svg(title="", theme=theme, code_format=frame, unique_id="f")
    text = re.sub(r' clip-path="[^"]*"| shape-rendering="[^"]*"|<text [^>]*>\n</text>', "", text)
    return _TEXT.sub(_by_width, text.replace("&#160;", " "))


def _by_width(found: re.Match[str]) -> str:
    """Return a text element as it is, or where characters take two columns, or none, as elements of one width each.

    rich gives a text the length of its number of characters, to which a browser would press the columns it takes.
    """
    head, start, middle, tail, escaped = found.groups()
    content = unescape(escaped)
    if cell_len(content) == len(content):
        return found[0]
    elements, position = [], float(start)
    for _, characters in groupby(content, key=lambda character: cell_len(character) == 2):
        run = "".join(characters)
        length = round(_COLUMN * cell_len(run), 1)
        elements.append(f"{head}{position:g}{middle}{length:g}{tail}{escape(run)}</text>")
        position = round(position + length, 1)
    return "".join(elements)
