import bz2
import gzip
import json
import lzma
import re

import pyarrow
import pyarrow.parquet
import pytest
import zstandard

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.jsonl import read
from nsp_ablation.text.corpus.piece import whole


def read_jsonl(pieces, text_key):
    return (document.text for document in read(CorpusOptions("jsonl", "jsonl", text_key=text_key), pieces))


ROWS = [{"id": "x", "text": "Café.\n\nTwo."}, {"id": 7, "text": "Three."}, {"text": "Four."}]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
CONTENTS = {
    "a.jsonl": LINES,
    "a.json": LINES,
    "a.jsonl.gz": gzip.compress(LINES),
    "a.jsonl.xz": lzma.compress(LINES),
    "a.jsonl.zst": zstandard.compress(LINES),
    "a.jsonl.bz2": bz2.compress(LINES),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_every_packing_holds_the_same_documents(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(CONTENTS[name])
    assert list(read_jsonl([whole(path)], "text")) == ["Café.\n\nTwo.", "Three.", "Four."]


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst", ".bz2"])
def test_concatenated_compressed_files_are_read_to_the_end(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(CONTENTS[f"a.jsonl{suffix}"] * 2)
    assert len(list(read_jsonl([whole(path)], "text"))) == 6


def test_lines_longer_than_a_chunk_are_read_whole(tmp_path):
    texts = ["".join(f"{number * place} " for number in range(90_000)) for place in (1, 7)]
    for suffix, compress in (("", bytes), (".zst", zstandard.compress)):
        path = tmp_path / f"a.jsonl{suffix}"
        path.write_bytes(compress("\n".join(json.dumps({"text": text}) for text in texts).encode()))
        assert list(read_jsonl([whole(path)], "text")) == texts


def test_parquet_rows_are_documents(tmp_path):
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"body": ["One.", "Two."], "id": ["x", None], "other": [1, 2]})
    pyarrow.parquet.write_table(table, path)
    assert list(read_jsonl([whole(path)], "body")) == ["One.", "Two."]


def test_files_follow_in_the_order_given_and_blank_lines_are_skipped(tmp_path):
    for name in "ab":
        (tmp_path / name).write_text(f'\n{{"text": "{name}"}}\n\n')
    assert list(read_jsonl([whole(tmp_path / "b"), whole(tmp_path / "a")], "text")) == ["b", "a"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "cut', "a.jsonl:2 is not JSON (Unterminated string"),
        (b'["text"]', "a.jsonl:2 is not a JSON object but '[\"text\"]'; corpus=jsonl needs one object on each line"),
        (b'{"body": "x", "url": ""}', "a.jsonl:2 has no corpus.text_key=text; set corpus.text_key to one of body, url"),
        (b"{}", "a.jsonl:2 has no corpus.text_key=text; the row is empty"),
        (b'{"text": null}', "a.jsonl:2 has None at corpus.text_key=text, not text"),
        (b'{"text": "\xff"}', "a.jsonl:2 is not UTF-8 (byte 0xff)"),
        (b'{"text": ' + b"[" * 100_000, "a.jsonl:2 is JSON that is nested too deep"),
        (b'{"text": "x", "n": ' + b"1" * 5000 + b"}", "a.jsonl:2 is not JSON (Exceeds the limit"),
        (b'{"text": "x\0"}', "a.jsonl:2 holds a NUL byte"),
        (
            b'{"text": "half a pair: \\ud800"}',
            "a.jsonl:2 holds text that is not valid Unicode (surrogates not allowed)",
        ),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(tmp_path, line, message):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"text": "One."}\n' + line + b"\n")
    with pytest.raises(ValueError, match=re.escape(message)):
        list(read_jsonl([whole(path)], "text"))


def test_a_pretty_printed_array_is_refused_in_one_line(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(ROWS, indent=1))
    with pytest.raises(ValueError, match=r"a\.json:1 is not JSON .*one object on each line") as error:
        list(read_jsonl([whole(path)], "text"))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.parquet"])
def test_a_file_without_documents_is_refused(tmp_path, name):
    path = tmp_path / name
    if name.endswith(".parquet"):
        pyarrow.parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)
    else:
        path.write_bytes(gzip.compress(b"\n") if name.endswith(".gz") else b"\n")
    with pytest.raises(ValueError, match="holds no documents; delete it or correct corpus.path"):
        list(read_jsonl([whole(path)], "text"))


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst", ".bz2"])
def test_a_cut_compressed_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    path.write_bytes(CONTENTS[f"a.jsonl{suffix}"][:-12])
    with pytest.raises(ValueError, match="cannot be decompressed after line"):
        list(read_jsonl([whole(path)], "text"))


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".zst", ".bz2"])
def test_a_damaged_compressed_file_is_refused(tmp_path, suffix):
    path = tmp_path / f"a.jsonl{suffix}"
    content = bytearray(CONTENTS[f"a.jsonl{suffix}"])
    content[len(content) // 2 : len(content) // 2 + 8] = b"\xff" * 8
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be decompressed after line|is not UTF-8|is not JSON"):
        list(read_jsonl([whole(path)], "text"))


def test_parquet_errors_name_file_and_columns(tmp_path):
    path = tmp_path / "a.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"body": ["One."]}), path)
    with pytest.raises(ValueError, match=r"a\.parquet has no corpus\.text_key=text; .* one of body"):
        list(read_jsonl([whole(path)], "text"))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ValueError, match=r"a\.parquet is not a parquet file"):
        list(read_jsonl([whole(path)], "text"))
