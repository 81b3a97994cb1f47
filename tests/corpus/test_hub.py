import json

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from nsp_ablation.options.corpus_options import DatasetOptions
from nsp_ablation.text.corpus.hub import read_dataset
from nsp_ablation.text.corpus.sentences import split_sentences


@pytest.fixture
def rows_directory(tmp_path):
    """A data set in the hub's own layout: a directory whose file names hold the split."""
    rows = [
        {"book": book, "text": text} for book, text in (("a", "One."), ("a", "Two."), ("b", "Three."), ("a", "Four."))
    ]
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(tmp_path)


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def test_each_row_is_a_document_without_a_document_key(rows_directory):
    assert list(read_dataset(DatasetOptions(rows_directory))) == ["One.", "Two.", "Three.", "Four."]


def test_neighbouring_rows_of_one_document_key_are_one_document(rows_directory):
    assert list(read_dataset(DatasetOptions(rows_directory, document_key="book"))) == [
        "One.\nTwo.",
        "Three.",
        "Four.",
    ]


def test_no_sentence_crosses_a_row_of_sentences(tmp_path):
    rows = [(0, "`` how are you ? ''"), (0, "he said nothing"), (0, "mr. fox ran . away ."), (1, "isbn")]
    lines = "".join(json.dumps({"doc_id": book, "text": text}) + "\n" for book, text in rows)
    (tmp_path / "train.jsonl").write_text(lines)
    first, second = read_dataset(DatasetOptions(str(tmp_path), document_key="doc_id", sentence_rows=True))
    assert split_sentences(first, "en", False, True) == [text for _, text in rows[:2]] + ["mr. fox ran .", "away ."]
    assert second == "isbn"
    joined, _ = read_dataset(DatasetOptions(str(tmp_path), document_key="doc_id"))
    assert split_sentences(joined, "en", False, True)[0] == " ".join(text for _, text in rows[:2]) + " mr. fox ran ."


def test_parquet_directories_load(tmp_path):
    pyarrow.parquet.write_table(pyarrow.table({"id": [5, 6], "text": ["One.", "Two."]}), tmp_path / "train-0.parquet")
    assert list(read_dataset(DatasetOptions(str(tmp_path)))) == ["One.", "Two."]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"split": "validation"}, r"corpus\.hub path=.* split=validation cannot be read"),
        ({"text_key": "body"}, r"corpus\.hub path=.* has no text_key=body; name one of its columns book, text"),
        ({"document_key": "page"}, r"corpus\.hub path=.* has no document_key=page; name one of its columns book, text"),
        ({"path": "wikimedia/wikipedia"}, r"corpus\.hub path=wikimedia/wikipedia .* cannot be read .*corpus=jsonl"),
        ({"path": "no/such/directory"}, r"corpus\.hub path=no/such/directory .* cannot be read"),
    ],
)
def test_what_is_not_to_be_had_is_refused_in_one_line(rows_directory, changed, message):
    dataset = DatasetOptions(**({"path": rows_directory} | changed))
    with pytest.raises(ValueError, match=message) as error:
        list(read_dataset(dataset))
    assert "\n" not in str(error.value)


def test_rows_without_text_are_refused(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"text": 1}\n')
    with pytest.raises(ValueError, match=r"row 1 holds no text at text_key=text"):
        list(read_dataset(DatasetOptions(str(tmp_path))))
