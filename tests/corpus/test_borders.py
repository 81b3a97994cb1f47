"""Documents parted by lines of a pattern, by invisible lines and by a key; any cut of a file gives the same ones."""

import json
from itertools import pairwise

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.base.errors import InputError
from nsp_ablation.config.corpus_rules import corpus_problems
from nsp_ablation.options.corpus_options import BORDER_LAYOUTS, CorpusOptions, DatasetOptions
from nsp_ablation.text.corpus.borders import layout_of
from nsp_ablation.text.corpus.piece import Piece, whole
from nsp_ablation.text.corpus.sentences import split_sentences
from nsp_ablation.text.corpus.source import Source, cut_source, read_source

WIKITEXT = (
    " \n = One = \n \n First . It goes on . \n \n = = Early = = \n \n Second . \n \n = = = Deep = = = \n Third = 3 . \n"
    " \n = The = sign = \n \n Fourth . \n"
)
WIKIEXTRACTOR = (
    '<doc id="1" url="u" title="A &amp; B">\nA & B\n\nFirst. <b>Bold</b>\n\nSecond.\nA & B\n</doc>\n\n'
    '<doc id="2" url="u" title="C">\nC\n</doc>\n<doc id="3" title="D">\n\nD\n\nThird.\n</doc>\n'
)
BABYLM = (
    "*CHI:\tno\n= = = childes/a.cha = = =\n*MOT:\tyou want it ?\n*CHI:\t[laughs]\n\n= = = The sign = = =\n"
    "First = 3. It goes on.\nHistory\nSecond.\n \nA : yeah\n"
)
CHAPTERS = "Preface.\nCHAPTER I.\n\nOne.\n \nTwo.\nCHAPTER II.\nThree. CHAPTER\n"
EXPECTED = {
    "wikitext": [" First . It goes on . \n\n\n\n Second . \n\n\n Third = 3 . ", " Fourth . "],
    "wikiextractor": ["First. <b>Bold</b>\n\nSecond.\nA & B", "Third."],
    "babylm": [
        "*CHI:\tno",
        "*MOT:\tyou want it ?\n\n*CHI:\t[laughs]",
        "First = 3. It goes on.\n\nHistory\n\nSecond.",
        "A : yeah",
    ],
    r"^CHAPTER [IVX]+\.": ["Preface.", "One.\n\nTwo.", "Three. CHAPTER"],
}
TEXTS = dict(zip(EXPECTED, (WIKITEXT, WIKIEXTRACTOR, BABYLM, CHAPTERS), strict=True))


def text_options(pattern=None, border="pattern"):
    return CorpusOptions("x", "text", path="x", document_border=border, border_pattern=pattern)


def read(options, *pieces):
    return list(read_source(Source(options, pieces)))


def cuts(path, length):
    for first in range(0, length + 1, 2):
        for second in range(first, length + 1, 11):
            yield [Piece(path, start, end, 0) for start, end in pairwise([0, first, second, length])]


@pytest.mark.parametrize("pattern", EXPECTED)
def test_lines_of_a_pattern_part_documents_wherever_a_file_is_cut(tmp_path, pattern):
    path = tmp_path / "a"
    path.write_bytes(TEXTS[pattern].encode())
    options = text_options(pattern)
    assert read(options, whole(path)) == EXPECTED[pattern]
    for pieces in cuts(path, path.stat().st_size):
        assert [text for piece in pieces for text in read(options, piece)] == EXPECTED[pattern]


@pytest.mark.parametrize("pattern", BORDER_LAYOUTS)
def test_layouts_are_recognized_in_documents_of_other_borders(tmp_path, pattern):
    path = tmp_path / "a"
    path.write_text(TEXTS[pattern])
    for border in ("blank_line", "file"):
        assert layout_of(read(text_options(border=border), whole(path))) == pattern
    assert layout_of(["a = b\nc", "One = two = three.", "A <doc> of x."]) is None


@pytest.mark.parametrize(
    "blank", ["\u200b", "\ufeff", "\u00a0\u200d", "\u2060\t", "\u3000", "\u00ad", "\u2800", "\x85"]
)
def test_a_line_of_invisible_characters_is_blank(tmp_path, blank):
    path = tmp_path / "a"
    path.write_bytes(f"One.\n{blank}\nTwo.\n".encode())
    assert read(text_options(border="blank_line"), whole(path)) == ["One.", "Two."]
    assert read(text_options(border="file"), whole(path)) == ["One.\n\nTwo."]
    assert split_sentences(f"one\n{blank}\ntwo", "en", False, True) == ["one", "two"]
    assert split_sentences(f"one\n{blank}\ntwo", "en", True, True) == ["one", "two"]


def test_invisible_characters_beside_text_stay(tmp_path):
    path = tmp_path / "a"
    path.write_text("\u200bOne.\n\u0301\nTwo.\n")
    assert read(text_options(border="blank_line"), whole(path)) == ["\u200bOne.\n\u0301\nTwo."]


ROWS = [("a", "One."), ("a", "Two."), ("b", "Three."), ("a", "Four."), (None, "Five."), (None, "Six."), (7, "Seven.")]
JOINED = ["One.\nTwo.", "Three.", "Four.", "Five.\nSix.", "Seven."]
KEYED = CorpusOptions("x", "jsonl", path="x", text_key="text", document_key="book")


def json_lines(rows):
    return "".join(json.dumps({"text": text, "book": book}) + "\n" for book, text in rows)


def test_neighbouring_rows_of_one_key_are_a_document_wherever_a_file_is_cut(tmp_path):
    path = tmp_path / "a"
    path.write_text("\n" + json_lines(ROWS).replace("\n", "\n\u200b\n\n", 3))
    for pieces in [[whole(path)], *cuts(path, path.stat().st_size)]:
        assert [text for piece in pieces for text in read(KEYED, piece)] == JOINED


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("aab"), min_size=1, max_size=12), st.integers(1, 5), st.data())
def test_row_groups_and_lines_hold_the_same_documents_in_any_cut(tmp_path_factory, books, group_size, data):
    rows = [(book, f"{number}.") for number, book in enumerate(books)]
    directory = tmp_path_factory.mktemp("rows")
    table = pyarrow.table({"text": [text for _, text in rows], "other": books, "book": books})
    pyarrow.parquet.write_table(table, directory / "a.parquet", row_group_size=group_size)
    (directory / "a.jsonl").write_text(json_lines(rows))
    expected = read(KEYED, whole(directory / "a.jsonl"))
    assert "\n".join(expected) == "\n".join(text for _, text in rows)
    for name in ("a.parquet", "a.jsonl"):
        source = Source(KEYED, (whole(directory / name),))
        parts = cut_source(source, data.draw(st.sampled_from([1, 30, 10**6])))
        assert [text for part in parts for text in read_source(part)] == expected


def test_a_missing_document_key_names_the_others(tmp_path):
    (tmp_path / "a").write_text('{"text": "x", "id": 1}\n')
    pyarrow.parquet.write_table(pyarrow.table({"text": ["x"], "id": [1]}), tmp_path / "b")
    for name in "ab":
        with pytest.raises(
            InputError, match=r"has no corpus\.document_key=book; set corpus\.document_key to one of text, id"
        ):
            read(KEYED, whole(tmp_path / name))


@pytest.mark.parametrize(
    ("pattern", "border", "field", "reason"),
    [
        ("(", "pattern", "corpus.border_pattern", "is no regular expression (missing )"),
        (None, "pattern", "corpus.border_pattern", "needs wikitext, wikiextractor, babylm, or a regular expression"),
        ("wikitext", "blank_line", "corpus.border_pattern", "belongs to corpus.document_border=pattern"),
    ],
)
def test_a_border_that_cannot_be_is_refused(pattern, border, field, reason):
    (problem,) = corpus_problems(text_options(pattern, border))
    assert problem.field == field
    assert reason in problem.reason


def test_keys_of_another_reader_are_refused():
    (problem,) = corpus_problems(CorpusOptions("x", "text", path="x", document_border="file", document_key="book"))
    assert problem.reason == "corpus=x has no such key; it belongs to corpus=jsonl"


def test_rows_of_sentences_without_a_document_key_are_refused():
    hub = [DatasetOptions("x", document_key="book", sentence_rows=True), DatasetOptions("x", sentence_rows=True)]
    (problem,) = corpus_problems(CorpusOptions("x", "hub", hub=hub))
    assert problem.line().startswith("corpus.hub.sentence_rows=true: is about the rows of a document; set document_key")
    assert not list(corpus_problems(CorpusOptions("x", "hub", hub=hub[:1])))


@pytest.mark.parametrize("options", [text_options(border="file"), text_options(border="blank_line"), KEYED])
def test_a_document_of_more_than_the_bound_is_refused(tmp_path, options):
    path = tmp_path / "a"
    path.write_text("x" * 9 + "\n" if options.reader == "text" else json_lines([("a", "x" * 9)]))
    path.write_text(path.read_text() * 20)
    options.max_line_bytes = 180
    with pytest.raises(InputError, match=r"a holds a document of more than 180 bytes; .*corpus\.max_line_bytes=180"):
        read(options, whole(path))
    options.max_line_bytes = 200
    assert len(read(options, whole(path))) == 1
