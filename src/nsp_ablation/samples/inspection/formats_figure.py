"""The figure of the formats: one page of text as the corpus has it, and beside it as each format reads it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from nsp_ablation.samples.inspection.figure_legend import LEGEND_HEIGHT, draw_legend
from nsp_ablation.samples.inspection.figure_style import COLUMN, CSS, GAP, HATCH, MARGIN, NUM_COLUMNS, PADDING
from nsp_ablation.samples.inspection.formats_page import Page, Panel
from nsp_ablation.samples.inspection.input_card import Card, cards, draw_card, draw_lines, text_height
from nsp_ablation.samples.inspection.input_tokens import InputToken, Vocabulary
from nsp_ablation.samples.inspection.svg import Svg
from nsp_ablation.samples.inspection.text_flow import Line, flow
from nsp_ablation.text.store.token_store import TokenStore

TITLE = "One page of text, as four input formats feed it to the model"
# Of each format: its name in the paper, and what it is (section 4.2).
PANELS = {
    "segment_pair": (
        "SEGMENT-PAIR",
        "Two segments of several sentences, together up to T. B follows A; half of the time it comes from another "
        "document instead.",
    ),
    "sentence_pair": (
        "SENTENCE-PAIR",
        "Two single sentences. B is the next one; half of the time it comes from another document instead. Much "
        "shorter than T.",
    ),
    "full": (
        "FULL-SENTENCES",
        "Whole sentences in a row, up to T. It goes on past the end of a document, after an extra separator.",
    ),
    "doc": (
        "DOC-SENTENCES",
        "Whole sentences in a row, up to T, never past the end of a document, near which inputs are shorter.",
    ),
}
_CORPUS = ("The corpus", "The page: documents cut into sentences. Every format reads these same tokens.")
_LOSSES = {"mlm": "MLM", "mlm_nsp": "MLM + NSP", "mlm_sop": "MLM + SOP"}
_TITLE_HEIGHT, _HEAD_HEIGHT, _MORE = 62.0, 128.0, 28.0
_MAX_HEIGHT = 990.0  # of the columns' content
_HEAD_CHARACTERS = 36
_DOCUMENT_HEAD, _DOCUMENT_GAP = 22.0, 16.0


@dataclass(frozen=True)
class _Document:
    """A document of the corpus' column."""

    number: int
    num_tokens: int
    lines: list[Line]

    @property
    def height(self) -> float:
        return PADDING + _DOCUMENT_HEAD + text_height(self.lines) + PADDING


def figure(page: Page, vocabulary: Vocabulary, caption: str) -> str:
    """Return the SVG of a page; the same page gives the same bytes. `caption` names its settings."""
    documents = [_document(page.store, vocabulary, number) for number in range(page.store.num_documents)]
    columns = [cards(panel, page, vocabulary) for panel in page.panels]
    svg = Svg()
    top = MARGIN + _TITLE_HEIGHT + _HEAD_HEIGHT
    bottoms = [_draw_corpus(svg, documents, page.store, top)]
    for place, (panel, all_cards) in enumerate(zip(page.panels, columns, strict=True), start=1):
        x = MARGIN + place * (COLUMN + GAP)
        _draw_head(svg, x, *PANELS[panel.format_name], _key(panel), _summary(panel))
        bottoms.append(_draw_cards(svg, all_cards, page.store, x, top))
    _draw_head(
        svg,
        MARGIN,
        *_CORPUS,
        f"{page.store.num_documents} documents",
        f"{page.store.num_sentences} sentences, {page.store.num_tokens} tokens",
    )
    width = 2 * MARGIN + COLUMN + len(columns) * (COLUMN + GAP)
    svg.text(MARGIN, MARGIN + 22, TITLE, "title")
    svg.text(MARGIN, MARGIN + 44, caption, "plain")
    draw_legend(svg, page, vocabulary, MARGIN, max(bottoms) + GAP, width - 2 * MARGIN)
    height = max(bottoms) + GAP + LEGEND_HEIGHT + MARGIN
    ground = Svg()
    ground.rect(0.5, 0.5, width - 1, height - 1, "paper", 8)
    return (ground + svg).document(width, height, TITLE, _description(page, caption), CSS, HATCH)


def _document(store: TokenStore, vocabulary: Vocabulary, number: int) -> _Document:
    first, end = store.sentence_offsets[store.document_offsets[number : number + 2]].tolist()
    tokens = [
        InputToken("text", int(store.ids[place]), int(store.ids[place]), 0, 0, place) for place in range(first, end)
    ]
    return _Document(number, end - first, flow(tokens, store, vocabulary, NUM_COLUMNS))


def _key(panel: Panel) -> str:
    return f"format={panel.format_name} · {_LOSSES[panel.objective]}"


def _summary(panel: Panel) -> str:
    return f"{len(panel.rows)} inputs, {panel.fill:.0%} full"


def _draw_head(svg: Svg, x: float, name: str, words: str, key: str, summary: str) -> None:
    y = MARGIN + _TITLE_HEIGHT
    svg.text(x, y + 14, name, "head")
    svg.text(x, y + 31, key, "key")
    for number, line in enumerate(textwrap.wrap(words, _HEAD_CHARACTERS)):
        svg.text(x, y + 49 + 15 * number, line, "plain")
    svg.text(x, y + _HEAD_HEIGHT - 9, summary, "strong")


def _draw_corpus(svg: Svg, documents: Sequence[_Document], store: TokenStore, y: float) -> float:
    """Draw the documents one below the other, whole lines up to the column's height; return where they end."""
    bottom = y + _MAX_HEIGHT
    for document in documents:
        room = bottom - y - 2 * PADDING - _DOCUMENT_HEAD
        lines = document.lines
        while lines and text_height(lines) > room:
            lines = lines[:-1]
        if not lines:
            break
        if document.number:
            svg.line(MARGIN, y - _DOCUMENT_GAP / 2, MARGIN + COLUMN, y - _DOCUMENT_GAP / 2, "border")
        shown = _Document(document.number, document.num_tokens, lines)
        svg.rect(MARGIN, y, COLUMN, shown.height, "card", 5)
        svg.rect(MARGIN, y, 5, shown.height, f"bar{document.number}", 2)
        svg.text(MARGIN + PADDING + 4, y + PADDING + 11, f"document {document.number + 1}", "strong")
        more = "" if len(lines) == len(document.lines) else ", cut here"
        svg.text(MARGIN + COLUMN - PADDING, y + PADDING + 11, f"{document.num_tokens} tokens{more}", "right")
        draw_lines(svg, lines, store, MARGIN, y + PADDING + _DOCUMENT_HEAD)
        y += shown.height + _DOCUMENT_GAP
    return y - _DOCUMENT_GAP


def _draw_cards(svg: Svg, all_cards: Sequence[Card], store: TokenStore, x: float, y: float) -> float:
    """Draw cards one below the other while they fit, at least one; return where they end."""
    bottom = y + _MAX_HEIGHT
    for number, card in enumerate(all_cards):
        is_last = number == len(all_cards) - 1
        if number and y + card.height + (0 if is_last else _MORE) > bottom:
            num_left = len(all_cards) - number
            svg.text(x, y + 12, f"+ {num_left} more input{'s' if num_left > 1 else ''} from this page", "small")
            return y + _MORE - GAP
        draw_card(svg, card, store, x, y)
        y += card.height + GAP
    return y - GAP


def _description(page: Page, caption: str) -> str:
    panels = [f"{PANELS[p.format_name][0]}: {PANELS[p.format_name][1]} {_summary(p)}." for p in page.panels]
    return (
        f"{page.store.num_documents} documents of a corpus and the inputs that each format makes of them. "
        + " ".join([*panels, caption])
    )
