"""Works: all documents of one are held out together, or none, whatever piece of a file they are read from."""

import json

import pyarrow
import pyarrow.parquet
import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.document import Document, is_heldout, is_tuning, text_digest
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source, cut_source, read_documents

ROWS = [{"text": f"Chapter {part} of {work}.", "id": f"novels/{work}/{part}", "work": work}
        for work in ("emma", "ivanhoe", "7") for part in range(4)]  # fmt: skip


@pytest.fixture
def source(tmp_path):
    """source(rows, **options): JSON lines of these rows."""

    def make(rows, **options):
        path = tmp_path / "a.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return Source(CorpusOptions("jsonl", "jsonl", text_key="text", **options), (whole(path),))

    return make


@pytest.mark.parametrize(
    ("options", "works"),
    [
        ({}, [None] * 12),
        ({"work_key": "work"}, ["emma"] * 4 + ["ivanhoe"] * 4 + ["7"] * 4),
        ({"work_key": "id"}, [row["id"] for row in ROWS]),
        ({"work_key": "id", "work_parts": 2}, ["novels/emma"] * 4 + ["novels/ivanhoe"] * 4 + ["novels/7"] * 4),
        ({"work_key": "id", "work_parts": 1}, ["novels"] * 12),
        ({"work_key": "id", "work_parts": 9}, [row["id"] for row in ROWS]),
    ],
)
def test_a_document_is_of_the_work_that_its_key_names(source, options, works):
    documents = list(read_documents(source(ROWS, **options)))
    assert [document.text for document in documents] == [row["text"] for row in ROWS]
    assert [document.work for document in documents] == works


@pytest.mark.parametrize("max_bytes", [100, 300])
def test_rows_of_a_document_have_the_work_of_the_first_however_files_are_cut(source, max_bytes):
    rows = [row | {"document": number // 2, "work": number} for number, row in enumerate(ROWS)]
    whole_file = source(rows, document_key="document", work_key="work")
    expected = list(read_documents(whole_file))
    assert [document.work for document in expected] == ["0", "2", "4", "6", "8", "10"]
    parts = cut_source(whole_file, max_bytes)
    assert len(parts) > 2
    assert [document for part in parts for document in read_documents(part)] == expected


def test_parquet_has_works_too(tmp_path):
    table = pyarrow.table({name: [row[name] for row in ROWS] for name in ROWS[0]})
    pyarrow.parquet.write_table(table, tmp_path / "a.parquet", row_group_size=3)
    options = CorpusOptions("jsonl", "jsonl", text_key="text", work_key="id", work_parts=2)
    documents = list(read_documents(Source(options, (whole(tmp_path / "a.parquet"),))))
    assert [document.work for document in documents] == [f"novels/{row['work']}" for row in ROWS]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"work": None}, r"a\.jsonl:2 has None at corpus\.work_key=work, not a name"),
        ({"work": ["emma"]}, r"a\.jsonl:2 has \['emma'\] at corpus\.work_key=work"),
        ({"work": ""}, r"a\.jsonl:2 has '' at corpus\.work_key=work"),
        ({"work": True}, r"a\.jsonl:2 has True at corpus\.work_key=work"),
    ],
)
def test_a_row_without_a_name_of_its_work_is_refused(source, change, message):
    with pytest.raises(InputError, match=message):
        list(read_documents(source([ROWS[0], ROWS[1] | change], work_key="work")))


def test_a_missing_key_is_named_with_those_that_are_there(source):
    with pytest.raises(
        InputError, match=r"a\.jsonl:1 has no corpus\.work_key=novel; set corpus\.work_key to one of text"
    ):
        list(read_documents(source(ROWS, work_key="novel")))


def test_documents_of_one_work_fall_on_one_side_and_in_one_half():
    works = [f"work {number}" for number in range(400)]
    digests = {(work, part): Document(f"Chapter {part} of {work}.", work).heldout_digest()
               for work in works for part in range(3)}  # fmt: skip
    for work in works:
        assert len({digests[work, part] for part in range(3)}) == 1
        assert digests[work, 0] == text_digest(work)
    assert Document("A text.").heldout_digest() == text_digest("A text.")


def test_the_halves_are_halves_and_know_nothing_of_what_is_held_out():
    digests = [text_digest(f"Text {number}.") for number in range(20_000)]
    held_out = [digest for digest in digests if is_heldout(digest, 0.1)]
    for part in (digests, held_out):
        share = sum(map(is_tuning, part)) / len(part)
        assert abs(share - 0.5) < 4 * 0.5 / len(part) ** 0.5  # four standard errors
    larger = {digest for digest in digests if is_heldout(digest, 0.2)}
    assert {*held_out} < larger, "a document keeps its half where more are held out"
