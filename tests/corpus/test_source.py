"""However a corpus is cut, its pieces hold every document once, in order, and errors name the file's own lines."""

import gzip
import json
import lzma
import pickle
from itertools import pairwise

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.options.corpus_options import CorpusOptions, DatasetOptions
from nsp_ablation.text.corpus.piece import Piece, pack, whole
from nsp_ablation.text.corpus.source import Source, cut_source, read_source

ODD_TEXTS = [
    b"",
    b"One.",
    b"\n\nOne.\nTwo.\n \t\n\nThree.\n",
    b"\xef\xbb\xbfOne.\r\n\r\nTwo\xc3\xa9.\r\n\xc2\xa0\r\n\r\nThree.",
    b"a\n" * 4 + b"\n" + b"b\n\n" * 5,
    b"\n" * 7 + b"x",
]
ODD_LINES = [
    b'{"text": "One."}\n\r\n \n{"text": "T\xc3\xa9o\\n\\nThree"}\r\n{"text": ""}',
    b'\xef\xbb\xbf{"text": "One."}\n' + b'{"text":"2"}\n' * 4 + b"\n\n",
    b'{"text": "' + b"x" * 30 + b'"}\n{"text": "y"}\n',
]


def texts(source):
    return list(read_source(source))


def a_source(reader, *pieces, border=None, max_documents=None):
    text_key = "text" if reader == "jsonl" else None
    options = CorpusOptions("x", reader, text_key=text_key, document_border=border, num_documents=max_documents)
    return Source(options, pieces)


def read(reader, *pieces):
    return texts(a_source(reader, *pieces, border="blank_line" if reader == "text" else None))


def cut_at(path, borders):
    """The pieces of a file between neighbouring borders."""
    return [Piece(path, start, end, end - start) for start, end in pairwise([0, *borders, path.stat().st_size])]


@pytest.mark.parametrize(
    ("reader", "content"), [*(("text", text) for text in ODD_TEXTS[1:]), *(("jsonl", lines) for lines in ODD_LINES)]
)
def test_a_border_at_any_byte_leaves_every_document_to_one_piece(tmp_path, reader, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    expected = read(reader, whole(path))
    for first in range(len(content) + 1):
        for second in range(first, len(content) + 1):
            pieces = cut_at(path, [first, second])
            assert [text for piece in pieces for text in read(reader, piece)] == expected, (first, second)


lines_of_text = st.lists(st.sampled_from(["", " ", "a", "bc.", "é", "\xa0", "\ufeff", "\x85x", "d" * 50]), max_size=30)


@settings(deadline=None)
@given(lines=lines_of_text, ends=st.lists(st.sampled_from(["\n", "\r\n"]), min_size=30, max_size=30), data=st.data())
def test_pieces_of_odd_text_hold_its_documents(tmp_path_factory, lines, ends, data):
    content = "".join(map("".join, zip(lines, ends, strict=False))).encode() + b"end"
    path = tmp_path_factory.mktemp("odd") / "a.txt"
    path.write_bytes(content)
    borders = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=6)))
    pieces = cut_at(path, borders)
    assert [text for piece in pieces for text in read("text", piece)] == read("text", whole(path))


@pytest.mark.parametrize("max_bytes", [1, 10, 64, 10**9])
def test_a_cut_source_reads_as_the_whole_one(tmp_path, max_bytes):
    rows = [json.dumps({"text": f"Text {number}."}) + "\n" for number in range(40)]
    (tmp_path / "a.jsonl").write_text("".join(rows[:12]))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress("".join(rows[12:20]).encode()))
    table = pyarrow.table({"text": [json.loads(row)["text"] for row in rows[20:32]]})
    pyarrow.parquet.write_table(table, tmp_path / "c.parquet", row_group_size=5)
    (tmp_path / "d.json").write_text("".join(rows[32:]))
    source = a_source("jsonl", *map(whole, sorted(tmp_path.iterdir())))
    parts = cut_source(source, max_bytes)
    assert [text for part in parts for text in texts(part)] == [f"Text {number}." for number in range(40)]
    assert (len(parts) > 1) == (max_bytes < 10**9)
    assert pickle.loads(pickle.dumps(parts)) == parts


def test_compressed_files_row_groups_and_one_document_files_stay_whole(tmp_path):
    packed, table, text = (tmp_path / name for name in ("a.jsonl.xz", "b.parquet", "c.txt"))
    packed.write_bytes(lzma.compress(b"x" * 100))
    pyarrow.parquet.write_table(pyarrow.table({"text": ["One."] * 10}), table, row_group_size=4)
    text.write_text("One.\n\nTwo.")
    (whole_file,) = cut_source(a_source("jsonl", whole(packed)), 1)
    assert whole_file.pieces == (whole(packed),)
    groups = [part.pieces[0] for part in cut_source(a_source("jsonl", whole(table)), 1)]
    assert [(piece.start, piece.end) for piece in groups] == [(0, 1), (1, 2), (2, 3)]
    assert len(cut_source(a_source("text", whole(text), border="file"), 1)) == 1
    assert len(cut_source(a_source("text", whole(text), border="blank_line"), 1)) == 10


def test_a_limited_source_and_the_hub_are_not_cut(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "x"}\n' * 9)
    limited = a_source("jsonl", whole(tmp_path / "a.jsonl"), max_documents=4)
    assert cut_source(limited, 1) == [limited]
    assert texts(limited) == ["x"] * 4
    hub = Source(CorpusOptions("hub", "hub", hub=[DatasetOptions("x")]), ())
    assert cut_source(hub, 1) == [hub]


def test_neighbours_share_a_shard_up_to_its_size(tmp_path):
    pieces = [Piece(tmp_path, 0, None, size) for size in (3, 4, 9, 1, 1, 6, 20, 0, 2)]
    sizes = [[piece.num_bytes for piece in group] for group in pack(pieces, 8)]
    assert sizes == [[3, 4], [9], [1, 1, 6], [20], [0, 2]]


def test_a_piece_inside_a_document_reads_no_further_than_its_end(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"a\n" * 20 + b"\xff\n")
    assert read("text", Piece(path, 9, 30, 21)) == []
    with pytest.raises(ValueError, match=r"a\.txt:21 is not UTF-8"):
        read("text", Piece(path, 30, 42, 12))


@pytest.mark.parametrize("bad", [b'{"text": 7}', b'{"text": "\xff"}', b"{"])
def test_an_error_names_the_line_of_the_file_in_any_piece(tmp_path, bad):
    path = tmp_path / "a.jsonl"
    before = b'{"text": "One."}\n\n{"text": "Two."}\r\n'
    content = before + bad + b'\n{"text": "x"}'
    path.write_bytes(content)
    for border in range(len(before) + 1):
        with pytest.raises(ValueError, match=r"a\.jsonl:4 ") as error:
            read("jsonl", Piece(path, border, len(content), 0))
        assert "a.jsonl:4 " in str(error.value), border


def test_a_cut_file_without_documents_is_refused_and_empty_pieces_are_not(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n" * 50)
    with pytest.raises(ValueError, match="holds no documents"):
        read("jsonl", *cut_at(path, [20]))
    path.write_bytes(b"\n" * 50 + b'{"text": "x"}')
    assert read("jsonl", *cut_at(path, [20, 40])) == ["x"]
    text = tmp_path / "a.txt"
    text.write_bytes(b"\n" * 50)
    with pytest.raises(ValueError, match="holds no text"):
        read("text", *cut_at(text, [20]))
    text.write_bytes(b"\n" * 50 + b"x")
    assert read("text", *cut_at(text, [20, 40])) == ["x"]
