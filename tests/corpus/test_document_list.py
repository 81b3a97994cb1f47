"""Lists of documents: written byte for byte alike, read back whole, and held against a corpus as multisets."""

import gzip
import hashlib
import json
import sqlite3
from collections import Counter

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nsp_ablation.base.errors import DamageError, FullDiskError, InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus import document_list
from nsp_ablation.text.corpus.document import Document
from nsp_ablation.text.corpus.document_list import (
    ListedDocument,
    compare_with_list,
    listed,
    read_document_list,
    write_document_list,
)
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, read_documents

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = st.text(st.sampled_from("ab/\\\t\n\rnté"), max_size=5)


def document(text, name="", source=""):
    return listed(Document(text, None, name or None, source or None))


def compared(tmp_path, expected, found):
    path, scratch = tmp_path / "corpus.tsv.gz", tmp_path / "scratch"
    scratch.unlink(missing_ok=True)
    write_document_list(path, expected)
    return compare_with_list(path, found, scratch)


def test_a_list_is_a_gzipped_table_whose_bytes_are_those_of_the_corpus(tmp_path):
    documents = [document("Étude.", "a/1", "a"), document("Étude.\n\nTwo.", "a\t2")]
    for name in ("first.tsv.gz", "second.tsv.gz"):
        assert write_document_list(tmp_path / name, documents) == 2
    assert (tmp_path / "first.tsv.gz").read_bytes() == (tmp_path / "second.tsv.gz").read_bytes()
    lines = gzip.decompress((tmp_path / "first.tsv.gz").read_bytes()).decode().split("\n")
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in ("Étude.", "Étude.\n\nTwo.")]
    assert lines == ["id\tsource\tcharacters\tsha256", f"a/1\ta\t6\t{digests[0]}", f"a\\t2\t\t12\t{digests[1]}", ""]


@ANY
@given(st.lists(st.builds(ListedDocument, NAMES, NAMES, st.integers(0, 2**40), st.binary(min_size=32, max_size=32))))
def test_what_was_written_is_read(tmp_path, documents):
    assert write_document_list(tmp_path / "a.tsv.gz", documents) == len(documents)
    assert list(read_document_list(tmp_path / "a.tsv.gz")) == documents


def test_documents_that_are_missing_extra_or_different_are_counted_and_named(tmp_path):
    expected = [document(f"Text {number}.", f"d/{number}") for number in range(10)]
    found = [*expected[9:3:-1], document("Another text.", "d/3"), document("New.", "e/1"), expected[5]]
    result = compared(tmp_path, expected, found)
    assert (result.num_listed, result.num_found) == (10, 9)
    assert (result.missing.number, result.missing.examples) == (3, ["d/0", "d/1", "d/2"])
    assert (result.extra.number, result.extra.examples) == (2, ["d/5", "e/1"])
    assert (result.different.number, result.different.examples) == (1, ["d/3"])
    assert not result.is_equal
    assert result.text() == "3 missing (d/0, d/1, d/2), 2 extra (d/5, e/1), 1 different (d/3)"
    more = compared(tmp_path, expected, found[:4])
    assert more.text() == "6 missing (d/0, d/1, d/2, …)"


def test_order_and_sources_may_be_others_and_a_length_may_not(tmp_path):
    expected = [document("One.", "1", "x"), document("Two.", "2", "y"), document("Two.", "2", "y")]
    assert compared(tmp_path, expected, [one._replace(source="z") for one in expected[::-1]]).is_equal
    wrong = compared(tmp_path, expected, [expected[0]._replace(characters=5), *expected[1:]])
    assert wrong.text() == "1 different (1)"


def test_where_the_list_has_no_ids_texts_alone_are_compared(tmp_path):
    expected = [document("One."), document("Two."), document("Two.")]
    assert compared(tmp_path, expected, [document("Two.", "2"), document("One.", "1"), document("Two.", "7")]).is_equal
    result = compared(tmp_path, expected, [document("One.", "1"), document("Two.", "2"), document("Three.", "3")])
    digests = [hashlib.sha256(text.encode()).hexdigest()[:12] for text in ("Two.", "Three.")]
    assert (result.missing.number, result.extra.number, result.different.number) == (1, 1, 0)
    assert set(result.missing.examples + result.extra.examples) <= {f"SHA-256 {digest}" for digest in digests}


def test_a_corpus_without_ids_beside_a_list_with_ids_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"corpus\.tsv\.gz names its documents.*set corpus\.id_key"):
        compared(tmp_path, [document("One.", "1")], [document("One.")])
    assert compared(tmp_path, [document("One.", "1")], []).text() == "1 missing (1)"


@ANY
@given(*[st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=12)] * 2, st.booleans())
def test_a_comparison_is_one_of_multisets(tmp_path, expected, found, has_ids):
    make = (lambda name, text: document(text, name)) if has_ids else (lambda name, text: document(text))
    sides = [[make(*one) for one in side] for side in (expected, found)]
    result = compared(tmp_path, *sides)
    left, right = (Counter(one if has_ids else one[1] for one in side) for side in (expected, found))
    only_listed, only_found = left - right, right - left
    different = 0
    for name in "abc" if has_ids else ():
        counts = (sum(n for one, n in side.items() if one[0] == name) for side in (only_listed, only_found))
        different += min(counts)
    assert result.different.number == different
    assert result.missing.number == only_listed.total() - different
    assert result.extra.number == only_found.total() - different
    assert result.is_equal == (left == right)


HEAD = b"id\tsource\tcharacters\tsha256\n"
ROW = b"a\t\t3\t" + b"0" * 64 + b"\n"


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"no gzip", 1),
        (b"", 1),
        (gzip.compress(HEAD + ROW * 50, mtime=0)[:-9], "[0-9]+"),
        (gzip.compress(b"name\tsource\n", mtime=0), 1),
        (gzip.compress(HEAD + ROW + b"a\t3\n", mtime=0), 3),
        (gzip.compress(HEAD + b"a\t\tthree\t" + b"0" * 64 + b"\n", mtime=0), 2),
        (gzip.compress(HEAD + b"a\t\t3\tzz\n", mtime=0), 2),
        (gzip.compress(HEAD + b"\xff\t\t3\t00\n", mtime=0), "[12]"),
    ],
    ids=["no gzip", "empty", "cut", "header", "fields", "characters", "sha256", "encoding"],
)
def test_what_is_no_list_is_named_with_its_line(tmp_path, content, line):
    (tmp_path / "list.tsv.gz").write_bytes(content)
    with pytest.raises(DamageError, match=rf"list\.tsv\.gz:{line} is no list of documents \(.*; write it anew"):
        list(read_document_list(tmp_path / "list.tsv.gz"))


def test_a_full_disk_is_one_for_the_table_too(tmp_path, monkeypatch):
    def small(path):
        table = sqlite3.Connection(path)
        table.execute("PRAGMA max_page_count = 4")
        return table

    monkeypatch.setattr(document_list.sqlite3, "connect", small)
    many = [document(f"Text {number}.", f"d/{number}") for number in range(500)]
    with pytest.raises(FullDiskError, match=r"scratch cannot be written: database or disk is full"):
        compared(tmp_path, many, many)


ROWS = [
    {"text": "One.", "id": "a/1", "source": "a", "group": 1},
    {"text": "Two.", "id": 7, "source": "b", "group": 1},
    {"text": "Three.", "id": "a/3", "source": "b", "group": 2},
]
NAMED = {"text_key": "text", "id_key": "id", "source_key": "source"}


def read(path, **options):
    found = read_documents(Source(CorpusOptions("jsonl", "jsonl", **NAMED, **options), (whole(path),)))
    return [(one.text, one.id, one.source, one.work) for one in found]


def test_readers_give_ids_and_sources_of_json_lines_and_parquet(tmp_path):
    lines, table = tmp_path / "a.jsonl", tmp_path / "a.parquet"
    lines.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    rows = {name: [str(row[name]) for row in ROWS] for name in ROWS[0]}
    pyarrow.parquet.write_table(pyarrow.table(rows), table)
    expected = [("One.", "a/1", "a", None), ("Two.", "7", "b", None), ("Three.", "a/3", "b", None)]
    assert read(lines) == read(table) == expected
    assert read(lines, work_key="id", work_parts=1)[0] == ("One.", "a/1", "a", "a")
    assert read(lines, document_key="group") == [("One.\nTwo.", "a/1", "a", None), ("Three.", "a/3", "b", None)]


@pytest.mark.parametrize(("field", "value"), [("id", None), ("id", ""), ("source", True), ("source", ["a"])])
def test_what_is_no_name_is_refused_with_its_place(tmp_path, field, value):
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, [ROWS[0], ROWS[1] | {field: value}])))
    with pytest.raises(InputError, match=rf"a\.jsonl:2 has .* at corpus\.{field}_key={field}, not a name"):
        read(tmp_path / "a.jsonl")
    lacking = {key: item for key, item in ROWS[1].items() if key != field}
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, [ROWS[0], lacking])))
    with pytest.raises(InputError, match=rf"a\.jsonl:2 has no corpus\.{field}_key={field}"):
        read(tmp_path / "a.jsonl")
