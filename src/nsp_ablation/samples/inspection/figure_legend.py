"""The legend of the figure of the formats."""

from collections.abc import Callable
from functools import partial

from nsp_ablation.samples.inspection.figure_style import BRACKET, LINE, PADDING
from nsp_ablation.samples.inspection.formats_page import Page
from nsp_ablation.samples.inspection.input_card import draw_chunk
from nsp_ablation.samples.inspection.input_tokens import Vocabulary
from nsp_ablation.samples.inspection.svg import Svg
from nsp_ablation.samples.inspection.text_flow import CHIP_MARGIN, CUT, Chunk

_NUM_COLUMNS, _ROW = 3, 24.0
_ICON_WIDTHS = (96.0, 112.0, 70.0)  # of each column
LEGEND_HEIGHT = 2 * PADDING + 3 * _ROW
Icon = Callable[[float, float], None]


def draw_legend(svg: Svg, page: Page, vocabulary: Vocabulary, x: float, y: float, width: float) -> None:
    """Draw what each sign of the figure means in a box whose upper left corner is (x, y)."""
    svg.rect(x, y, width, LEGEND_HEIGHT, "card", 5)
    entries = _entries(svg, page, vocabulary)
    for place, (icon, words) in enumerate(entries):
        column, row = divmod(place, len(entries) // _NUM_COLUMNS)
        left = x + PADDING + column * (width - PADDING) / _NUM_COLUMNS
        top = y + PADDING + row * _ROW
        icon(left, top + (_ROW - LINE) / 2)
        svg.text(left + _ICON_WIDTHS[column], top + _ROW / 2 + 4, words, "plain")


def _entries(svg: Svg, page: Page, vocabulary: Vocabulary) -> list[tuple[Icon, str]]:
    spec, own = page.spec, _own_names(page, vocabulary)
    kept = 1 - spec.mask_fraction - spec.random_fraction
    return [
        (partial(_documents, svg, page.store.num_documents), "documents; 2.1 is sentence 1 of document 2"),
        (partial(_segments, svg), "segments of a pair: token type 0 and 1"),
        (partial(_room, svg), "the T places of an input; hatched: unused"),
        (partial(_chips, svg, [("cls", "[CLS]"), ("sep", "[SEP]")]), f"inserted special tokens{own}"),
        (partial(_chips, svg, [("extra_sep", "[SEP]")]), "extra separator between two documents"),
        (partial(_chips, svg, [("cut", CUT)]), "a sentence is cut here to keep within T"),
        (partial(_chips, svg, [("mask", "[MASK]")]), f"to predict: {spec.mask_fraction:.0%} of the targets are hidden"),
        (partial(_chips, svg, [("random", "word")]), f"to predict: {spec.random_fraction:.0%} become a random token"),
        (partial(_chips, svg, [("kept", "word")]), f"to predict: {kept:.0%} are left as they are"),
    ]


def _documents(svg: Svg, num_documents: int, x: float, y: float) -> None:
    for number in range(num_documents):
        svg.rect(x + 30 * number, y + 1, 26, LINE - 2, f"ground{number}")
        svg.text(x + 30 * number + 21, y + 12.5, f"{number + 1}.1", f"number{number}")


def _segments(svg: Svg, x: float, y: float) -> None:
    for number, name in enumerate("AB"):
        middle = x + BRACKET + 26 * number
        svg.text(middle, y + 12.5, name, "segment")
        svg.line(middle - 9, y + 1, middle - 9, y + LINE - 1, "bracket")


def _room(svg: Svg, x: float, y: float) -> None:
    svg.rect(x, y + 5, 30, 8, "bar0")
    svg.rect(x + 30, y + 5, 40, 8, "hatch")


def _chips(svg: Svg, chips: list[tuple[str, str]], x: float, y: float) -> None:
    """Draw chips, each (kind, text)."""
    column = 0
    for kind, text in chips:
        chip = Chunk(kind, text, column, len(text) + CHIP_MARGIN, None)
        draw_chunk(svg, chip, x, y)
        column += chip.num_cells + 1


def _own_names(page: Page, vocabulary: Vocabulary) -> str:
    """Return what the tokenizer calls [CLS] and [SEP], in brackets; nothing where it calls them so."""
    frame = page.panels[0].frame
    names = " and ".join(vocabulary.name(token_id) for token_id in (frame.cls, frame.sep))
    return "" if names == "[CLS] and [SEP]" else f" (here {names})"
