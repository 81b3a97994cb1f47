"""The figure of the formats: what is drawn is what the formats feed, and it can be read by anybody."""

import dataclasses
import re
from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.samples.inspection import formats_figure
from nsp_ablation.samples.inspection.formats_figure import NUM_COLUMNS, STYLES, UNUSED, figure, input_lines
from nsp_ablation.samples.inspection.formats_page import format_choice, make_page, page_documents
from nsp_ablation.samples.inspection.input_tokens import TokenNames
from nsp_ablation.text.store.token_store import TokenStore

COMMITTED = Path(__file__).parents[2] / "docs" / "formats.svg"
CONSOLE = Console(file=StringIO(), width=200)


@pytest.fixture(scope="module")
def drawn(composed):
    """drawn("full", objective=...): the page of a small configuration and its vocabulary."""

    def draw(name="full", **settings):
        config = dataclasses.replace(composed(name), **settings)
        feed = feed_of(config)
        frame, masks, store = feed.frame(), feed.masks(), feed.stores.training()
        pairs = resolved_objective(dataclasses.replace(config, format=FormatOptions("segment_pair")))
        page = make_page(store, frame, masks, config.format, pairs, seed=config.seed, epoch=1)
        return page, TokenNames(feed.stores.vocabulary.make())

    return draw


def inputs(page, vocabulary):
    """Give (panel, row, lines) of every input."""
    for panel in page.panels:
        for number, row in enumerate(panel.rows):
            yield panel, row, input_lines(panel, number, page, vocabulary, CONSOLE)


def shown(lines):
    """Return the text of an input's pieces, without spaces, headings and the label."""
    muted = [line for line in lines if not any(str(span.style) == formats_figure.MUTED for span in line.spans)]
    body = [line.plain for line in muted if str(line.style) != formats_figure.MUTED and " label " not in line.plain]
    return "".join(text for text in body if "not predicted" not in text).replace(" ", "")


def read(row, frame, vocabulary):
    """Return what the model reads and predicts, written out with the figure's marks."""
    words = []
    columns = (row["input_ids"], row["masked_input_ids"], row["labels"], row["special_tokens_mask"])
    for before, after, label, special in zip(*columns, strict=True):
        word = vocabulary.name(before) if special else vocabulary.text(before)
        if label != -100 and after == frame.mask:
            word = f"[{word}]"
        elif label != -100:
            word = f"={word}" if after == label else f"{word}→{vocabulary.text(after)}"
        words.append(word)
    return "".join(words).replace(" ", "")


def test_inputs_show_exactly_what_the_model_reads_and_predicts(drawn):
    page, vocabulary = drawn()
    for panel, row, lines in inputs(page, vocabulary):
        assert shown(lines) == read(row, panel.frame, vocabulary)


def test_inputs_say_which_document_and_sentences_each_piece_is_of(drawn):
    for _, row, lines in inputs(*drawn()):
        text = " ".join(line.plain.strip() for line in lines)
        found = [
            (int(document), int(first), int(last or first) + 1)
            for document, first, last in re.findall(r"document (\d+), sentences? (\d+)(?:-(\d+))?", text)
        ]
        assert found == [tuple(span[:3]) for span in row["spans"]]


def test_no_line_is_wider_than_its_column(drawn):
    assert {line.cell_len <= NUM_COLUMNS for *_, lines in inputs(*drawn()) for line in lines} == {True}


def test_the_bar_leaves_unused_what_the_input_does(drawn):
    for panel, row, lines in inputs(*drawn()):
        unused = sum(span.end - span.start for span in lines[1].spans if span.style == f"on {UNUSED}")
        share = 1 - len(row["input_ids"]) / panel.frame.max_length
        assert unused == pytest.approx(share * NUM_COLUMNS, abs=1)


def test_extra_separators_stand_in_full_alone_between_documents(drawn):
    for panel, row, lines in inputs(*drawn()):
        extra = sum(span.style == STYLES["extra_sep"] for line in lines for span in line.spans)
        assert extra == (len(row["spans"]) - 1 if panel.format_name == "full" else 0)


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
    found = [(panel.format_name, lines[-1].plain.strip()) for panel, _, lines in inputs(page, vocabulary)]
    assert {label for name, label in found if FORMATS[name].is_pair} == labels
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
    assert "url(" not in text
    assert text.count("http") == 1, "the name space of SVG"
    assert root.get("role") == "img"
    assert all(root.find(f"{{*}}{name}").text for name in ("title", "desc"))
    assert re.findall(r"font:20px ([\w-]+)", root.find("{*}style").text) == ["monospace"]


def test_nothing_leaves_the_picture(drawn):
    root = ElementTree.fromstring(figure(*drawn(), "settings"))
    left, top, width, height = map(float, root.get("viewBox").split())
    ground, *shapes = [shape for shape in root if shape.tag.endswith(("rect", "text"))]
    assert ground.get("width") == ground.get("height") == "100%"
    assert len(shapes) > 300
    for shape in shapes:
        x, y = float(shape.get("x")), float(shape.get("y"))
        assert left <= x <= x + float(shape.get("width") or shape.get("textLength")) <= left + width
        assert top <= y <= y + float(shape.get("height") or 0) <= top + height


def luminance(color):
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def test_texts_have_the_contrast_of_wcag_aa():
    styles = [*STYLES.values(), *formats_figure.LABEL_STYLES, f"{formats_figure.MUTED} on {formats_figure.PAPER}"]
    styles += [f"{formats_figure.INK} on {ground}" for _, ground in formats_figure.DOCUMENTS]
    pairs = [re.findall("#[0-9a-f]{6}", style) for style in styles]
    assert all(len(pair) == 2 for pair in pairs)
    assert min(contrast(*pair) for pair in pairs) >= 4.5


def test_options_of_the_chosen_format_go_to_those_that_have_them():
    own = FormatOptions("segment_pair", pair_separator="double", nsp_balance="exact")
    assert format_choice(own, "segment_pair") == own
    assert format_choice(own, "sentence_pair") == FormatOptions("sentence_pair", pair_separator="double")
    assert format_choice(own, "doc") == FormatOptions("doc")


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
    root = ElementTree.parse(COMMITTED).getroot()
    texts = " ".join("".join(element.itertext()) for element in root.iter() if element.tag.endswith("text"))
    body = texts[: texts.index("targets:")]
    for mark in (r"\[\w+\]", r"\w+→\w+", r"=\w+", "NSP label 0: B follows A", "NSP label 1: B is random"):
        assert re.search(mark, body), mark
    purple = STYLES["extra_sep"].split()[-1]
    assert sum(element.get("fill") == purple for element in root.iter()) > 1, "it stands in the legend alone"


@pytest.mark.slow
def test_the_committed_figure_is_what_readmes_command_draws(nsp, tmp_path):
    readme = (COMMITTED.parents[1] / "README.md").read_text()
    (command,) = re.findall(r"^python run\.py (.*inspect\.figure=docs/formats\.svg.*)$", readme, re.MULTILINE)
    assert nsp(*command.split("#")[0].split()).status == 0
    assert (tmp_path / "docs" / "formats.svg").read_bytes() == COMMITTED.read_bytes()
