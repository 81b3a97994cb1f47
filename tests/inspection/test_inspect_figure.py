"""The figure of the formats: what is drawn is what the formats feed, and it can be read by anybody."""

import dataclasses
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from nsp_ablation.pipeline.stores import prepare
from nsp_ablation.samples.inspection import figure_style
from nsp_ablation.samples.inspection.figure_style import NUM_COLUMNS
from nsp_ablation.samples.inspection.formats_figure import figure
from nsp_ablation.samples.inspection.formats_page import SHIPPED, format_choice, make_page, page_documents
from nsp_ablation.samples.inspection.input_card import cards
from nsp_ablation.samples.inspection.input_tokens import Vocabulary
from nsp_ablation.samples.inspection.svg import Svg
from nsp_ablation.text.store.token_store import TokenStore

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
COMMITTED = Path(__file__).parents[2] / "docs" / "formats.svg"


@pytest.fixture(scope="module")
def drawn(composed):
    """drawn("full", objective=...): the page of a small configuration and its vocabulary."""

    def draw(name="full", **settings):
        config = dataclasses.replace(composed(name), **settings)
        prepared = prepare(config)
        return make_page(config, TokenStore.open(prepared.store), prepared.tokenizer), Vocabulary(prepared.tokenizer)

    return draw


def squeezed(texts):
    return "".join(texts).replace(" ", "")


def test_cards_hold_exactly_what_the_model_reads(drawn):
    page, vocabulary = drawn()
    for panel in page.panels:
        names = {panel.frame.cls: "[CLS]", panel.frame.sep: "[SEP]", panel.frame.mask: "[MASK]"}
        for card, row in zip(cards(panel, page, vocabulary), panel.rows, strict=True):
            read = [names.get(token_id) or vocabulary.text(token_id) for token_id in row["masked_input_ids"]]
            chunks = [chunk for line in card.lines for chunk in line.chunks if chunk.kind != "cut"]
            assert squeezed(chunk.text for chunk in chunks) == squeezed(read)
            targets = [vocabulary.text(label) for label in row["labels"] if label != -100]
            assert [chunk.target for chunk in chunks if chunk.kind in ("mask", "random", "kept")] == targets


def test_cards_say_which_document_and_sentence_each_line_is_of(drawn):
    page, vocabulary = drawn()
    for panel in page.panels:
        for card, row in zip(cards(panel, page, vocabulary), panel.rows, strict=True):
            shown = [(line.document, line.sentence) for line in card.lines if line.begins]
            assert shown == [(span[0], n) for span in row["spans"] for n in range(span[1], span[2])]


def test_no_line_is_too_long_and_no_chunks_overlap(drawn):
    page, vocabulary = drawn()
    for panel in page.panels:
        for line in (line for card in cards(panel, page, vocabulary) for line in card.lines):
            assert all(a.column + a.num_cells <= b.column for a, b in pairwise(line.chunks))
            assert line.chunks[-1].column + line.chunks[-1].num_cells <= NUM_COLUMNS


def test_extra_separators_stand_in_full_alone_and_notes_of_ends_in_doc_alone(drawn):
    page, vocabulary = drawn()
    for panel in page.panels:
        found = cards(panel, page, vocabulary)
        kinds = [token.kind for card in found for token in card.tokens]
        assert (kinds.count("extra_sep") > 0) == (panel.format_name == "full")
        assert any(card.note for card in found) == (panel.format_name == "doc")
        if panel.format_name == "full":
            assert kinds.count("extra_sep") == sum(len(row["spans"]) - 1 for row in panel.rows)


@pytest.mark.parametrize(
    ("objective", "labels"),
    [
        ("paper", {"NSP label 0: B follows A", "NSP label 1: B is random"}),
        ("mlm", {"not predicted: B follows A", "not predicted: B is random"}),
        ("mlm_sop", {"SOP label 0: A and B in order", "SOP label 1: A and B are swapped"}),
    ],
)
def test_labels_are_in_words(drawn, objective, labels):
    page, vocabulary = drawn("segment_pair", objective=objective)
    found = [card.label for panel in page.panels for card in cards(panel, page, vocabulary)]
    assert {label[0] for label in found if label} == labels
    assert [panel.format_name for panel in page.panels] == list(FORMATS)


def test_the_same_page_is_the_same_bytes_whichever_format_is_chosen(drawn):
    first, again, other = (figure(*drawn(name), "settings") for name in ("full", "full", "segment_pair"))
    assert first == again == other
    assert figure(*drawn(seed=2), "settings") != first


def test_the_figure_stands_alone_and_is_small(drawn):
    text = figure(*drawn(), "settings <&>")
    root = ElementTree.fromstring(text)
    assert len(text.encode()) < 150_000
    assert "href" not in text
    assert text.count("http") == 1, "the name space of SVG"
    assert root.get("role") == "img"
    assert all(root.find(f"{{*}}{name}").text for name in ("title", "desc"))
    assert {"sans-serif", "monospace"} == set(re.findall(r"px ([\w-]+)", root.find("{*}style").text))


def test_nothing_leaves_the_picture(drawn):
    root = ElementTree.fromstring(figure(*drawn(), "settings"))
    width, height = float(root.get("width")), float(root.get("height"))
    shapes = [shape for shape in root if shape.tag.endswith(("rect", "text"))]
    assert len(shapes) > 300
    for shape in shapes:
        x, y = float(shape.get("x")), float(shape.get("y"))
        assert 0 <= x <= x + float(shape.get("width") or shape.get("textLength") or 0) <= width
        assert 0 <= y <= y + float(shape.get("height") or 0) <= height


def test_svg_escapes_text():
    svg = Svg()
    svg.text(1, 2.25, "a<b & 'c'", "plain", width=10, tooltip="<mask>")
    text = svg.document(10, 10, "t<", "d", "", "")
    assert ElementTree.fromstring(text)[-1].text is None
    assert "<title>&lt;mask&gt;</title>a&lt;b &amp; 'c'</text>" in text
    assert 'x="1" y="2.2" textLength="10"' in text


def luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_texts_have_the_contrast_of_wcag_aa():
    grounds = [ground for _, ground, _ in figure_style.DOCUMENTS]
    pairs = [
        (ink, ground) for ink in (figure_style.INK, figure_style.MUTED) for ground in (figure_style.PAPER, *grounds)
    ]
    pairs += [(number, ground) for _, ground, number in figure_style.DOCUMENTS]
    pairs += [(number, figure_style.PAPER) for *_, number in figure_style.DOCUMENTS]
    pairs += [(ink, figure_style.PAPER) for ink in (figure_style.ACCENT, figure_style.ALARM, figure_style.BLACK)]
    assert min(contrast(*pair) for pair in pairs) >= 4.5


@pytest.mark.parametrize("name", FORMATS)
def test_formats_that_are_not_chosen_have_the_shipped_options(composed, name):
    assert SHIPPED[name] == composed(name).format
    assert format_choice(composed("full").format, name) == SHIPPED[name]


def test_options_of_the_chosen_format_go_to_those_that_have_them(composed):
    own = dataclasses.replace(composed("segment_pair").format, pair_separator="double", nsp_balance="exact")
    assert format_choice(own, "segment_pair") == own
    assert format_choice(own, "sentence_pair") == dataclasses.replace(SHIPPED["sentence_pair"], pair_separator="double")
    assert format_choice(own, "doc") == SHIPPED["doc"]


def page_of(*lengths):
    """A store whose documents have sentences of so many tokens."""
    return TokenStore.from_documents([[[5] * n for n in document] for document in lengths], vocab_size=10)


def test_a_page_is_the_first_three_documents_of_one_to_two_inputs():
    # 8 to 16 tokens are asked for; documents 0 (too short), 1 (one sentence) and 4 (too long) are passed over
    store = page_of([3, 3], [10], [5, 5], [4, 4], [10, 10], [8, 8], [5, 5])
    assert page_documents(store, 8) == [2, 3, 5]
    assert page_documents(page_of([3, 3], [10], [30, 30], [4, 4]), 8) == [0, 2, 3]


def test_a_corpus_without_two_documents_of_sentences_is_refused():
    with pytest.raises(ValueError, match=r"inspect\.figure shows pairs .* only 1 have two sentences"):
        page_documents(page_of([3, 3], [10]), 8)


def test_the_committed_figure_shows_every_case():
    text = COMMITTED.read_text()
    for chip in ("mask", "random", "kept", "extra_sep"):
        assert text.count(f'class="chip-{chip}"') > 1, f"{chip} stands in the legend alone"
    for words in ("NSP label 0: B follows A", "NSP label 1: B is random", "document 1 ends here"):
        assert words in text


@pytest.mark.slow
def test_the_committed_figure_is_what_readmes_command_draws(nsp, tmp_path):
    readme = (COMMITTED.parents[1] / "README.md").read_text()
    (command,) = re.findall(r"^python run\.py (.*inspect\.figure=docs/formats\.svg.*)$", readme, re.MULTILINE)
    assert nsp(*command.split("#")[0].split()).status == 0
    assert (tmp_path / "docs" / "formats.svg").read_bytes() == COMMITTED.read_bytes()
