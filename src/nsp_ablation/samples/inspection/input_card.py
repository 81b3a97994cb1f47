"""One input of a format as a card: its fill, its sentences, its special tokens and masks, its segments and label."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from nsp_ablation.samples.inspection.figure_style import (
    BRACKET,
    CELL,
    COLUMN,
    LINE,
    NUM_COLUMNS,
    NUMBER,
    PADDING,
    SENTENCE_GAP,
    TEXT_WIDTH,
)
from nsp_ablation.samples.inspection.formats_page import Page, Panel
from nsp_ablation.samples.inspection.input_tokens import SPECIAL_KINDS, InputToken, Vocabulary, input_tokens, pair_label
from nsp_ablation.samples.inspection.svg import Svg
from nsp_ablation.samples.inspection.text_flow import CHIP_MARGIN, Chunk, Line, flow
from nsp_ablation.text.store.token_store import TokenStore

_HEADER, _BAR, _LABEL, _NOTE = 20.0, 8.0, 18.0, 17.0
_TEXT_LEFT = PADDING + BRACKET + NUMBER
_BASELINE = 12.5  # of a line's text, below the line's upper edge
_LABELS = {"mlm_nsp": "NSP label", "mlm_sop": "SOP label", "mlm": "not predicted"}


@dataclass(frozen=True)
class Card:
    """What a card shows. `room` is T; `label` is (text, 0 or 1) of a pair; `note` stands below the text."""

    name: str
    tokens: list[InputToken]
    lines: list[Line]
    room: int
    is_pair: bool
    label: tuple[str, int] | None
    note: str | None

    @property
    def height(self) -> float:
        """Pixels from the card's upper to its lower edge."""
        below = (_LABEL + 4 if self.label else 0.0) + (_NOTE if self.note else 0.0)
        return PADDING + _HEADER + _BAR + 6 + text_height(self.lines) + below + PADDING


def cards(panel: Panel, page: Page, vocabulary: Vocabulary) -> list[Card]:
    """Return a card for each of the panel's inputs."""
    found = []
    for number, row in enumerate(panel.rows, start=1):
        tokens = input_tokens(row, panel.frame.cls, panel.frame.sep, panel.frame.mask)
        label = None
        if (words := pair_label(row)) is not None:
            value = row["is_random_next"] if row["is_swapped"] is None else row["is_swapped"]
            head = _LABELS[panel.objective]
            label = (f"{head}: {words}" if panel.objective == "mlm" else f"{head} {value}: {words}", value)
        found.append(
            Card(
                name=f"input {number}",
                tokens=tokens,
                lines=flow(tokens, page.store, vocabulary, NUM_COLUMNS),
                room=panel.frame.max_length,
                is_pair=row["segment_spans"] is not None,
                label=label,
                note=_end_note(row["spans"][-1], page.store) if panel.format_name == "doc" else None,
            )
        )
    return found


def _end_note(span: list[int], store: TokenStore) -> str | None:
    document, _, _, _, end = span
    is_end = end == store.sentence_offsets[store.document_offsets[document + 1]]
    return f"document {document + 1} ends here" if is_end else None


def text_height(lines: Sequence[Line]) -> float:
    """Return the height of lines of text with the gaps between sentences."""
    return LINE * len(lines) + SENTENCE_GAP * sum(_has_gap(lines, place) for place in range(len(lines)))


def _has_gap(lines: Sequence[Line], place: int) -> bool:
    return place > 0 and lines[place].sentence != lines[place - 1].sentence


def draw_card(svg: Svg, card: Card, store: TokenStore, x: float, y: float) -> None:
    """Draw a card with its upper left corner at (x, y)."""
    svg.rect(x, y, COLUMN, card.height, "card", 5)
    left, right = x + PADDING, x + COLUMN - PADDING
    num_tokens = len(card.tokens)
    svg.text(left, y + PADDING + 10, card.name, "strong")
    svg.text(right, y + PADDING + 10, f"{num_tokens} of {card.room} tokens", "right")
    top = y + PADDING + _HEADER
    _draw_bar(svg, card, store, left, top, right - left)
    top += _BAR + 6
    places = draw_lines(svg, card.lines, store, x, top)
    if card.is_pair:
        _draw_segments(svg, card.lines, places, x + PADDING + BRACKET / 2 - 3)
    top += text_height(card.lines)
    if card.note:
        svg.rect(x + _TEXT_LEFT, top + 6, 7, 7, "special")
        svg.text(x + _TEXT_LEFT + 12, top + 13, card.note, "small")
    if card.label:
        text, value = card.label
        svg.rect(left, top + 4, right - left, _LABEL, f"label{value}", 9)
        svg.text(left + 10, top + 4 + 13, text, f"on-label{value}")


def _draw_bar(svg: Svg, card: Card, store: TokenStore, x: float, y: float, width: float) -> None:
    """Draw the input's T places: a colour a document, separators dark, what is left hatched."""
    unit, at = width / card.room, 0
    documents = _documents(card.tokens, store)
    for style, group in groupby(_bar_style(token, documents) for token in card.tokens):
        num = len(list(group))
        svg.rect(x + at * unit, y, num * unit, _BAR, style)
        at += num
    if at < card.room:
        svg.rect(x + at * unit, y, (card.room - at) * unit, _BAR, "hatch")


def _documents(tokens: list[InputToken], store: TokenStore) -> dict[int, int]:
    """Return the document of each piece."""
    borders = store.sentence_offsets[store.document_offsets]
    firsts = {token.piece: token.place for token in reversed(tokens) if token.place is not None}
    return {piece: int((borders <= place).sum()) - 1 for piece, place in firsts.items()}


def _bar_style(token: InputToken, documents: dict[int, int]) -> str:
    if token.kind == "extra_sep":
        return "extra"
    return "special" if token.kind in SPECIAL_KINDS else f"bar{documents[token.piece]}"


def draw_lines(svg: Svg, lines: Sequence[Line], store: TokenStore, x: float, y: float) -> list[float]:
    """Draw lines of text in a column that begins at x, from y downwards; return the upper edge of each."""
    places = []
    for place, line in enumerate(lines):
        y += SENTENCE_GAP if _has_gap(lines, place) else 0.0
        places.append(y)
        if line.sentence is not None and line.document is not None:
            svg.rect(x + _TEXT_LEFT - 3, y, TEXT_WIDTH + 6, LINE, f"ground{line.document}")
            if line.begins:
                number = line.sentence - int(store.document_offsets[line.document]) + 1
                style = f"number{line.document}"
                svg.text(x + _TEXT_LEFT - 7, y + _BASELINE, f"{line.document + 1}.{number}", style)
        for chunk in line.chunks:
            draw_chunk(svg, chunk, x + _TEXT_LEFT, y)
        y += LINE
    return places


def draw_chunk(svg: Svg, chunk: Chunk, x: float, y: float) -> None:
    """Draw text or a chip in a line whose first cell begins at (x, y)."""
    left, width = x + chunk.column * CELL, chunk.num_cells * CELL
    if chunk.kind in ("text", "cut"):
        style = "mono" if chunk.kind == "text" else "cut"
        svg.text(left, y + _BASELINE, chunk.text, style, width=width)
        return
    kind = "sep" if chunk.kind == "cls" else chunk.kind
    svg.rect(left + 0.5, y + 1.5, width - 1, LINE - 3, f"chip-{kind}", 5 if kind in ("sep", "extra_sep") else 1.5)
    tooltip = None if chunk.target is None else f"target: {chunk.target}"
    inset = CHIP_MARGIN * CELL / 2
    svg.text(left + inset, y + _BASELINE, chunk.text, f"on-{kind}", width=width - 2 * inset, tooltip=tooltip)


def _draw_segments(svg: Svg, lines: Sequence[Line], places: list[float], x: float) -> None:
    """Draw a bracket beside the lines of each segment, named A and B."""
    for token_type, name in ((0, "A"), (1, "B")):
        tops = [place for place, line in zip(places, lines, strict=True) if line.token_type == token_type]
        top, bottom = min(tops) + 1.5, max(tops) + LINE - 1.5
        middle = (top + bottom) / 2
        svg.text(x, middle + 4.5, name, "segment")
        if bottom - top < LINE:  # a single line has no room for more than the name
            continue
        for start, end, edge in ((top, middle - 8, top), (middle + 8, bottom, bottom)):
            svg.line(x, start, x, end, "bracket")
            svg.line(x - 0.8, edge, x + 4, edge, "bracket")
