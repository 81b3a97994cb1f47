"""Which documents train: the first `num_documents` that a reader yields, and of these the ones that are not held out.

What is counted is what a reader calls a document, so each reader is asked.
"""

import json
from itertools import islice

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from nsp_ablation.options.corpus_options import CorpusOptions, DatasetOptions, TokenizerOptions
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.text.corpus.document import is_heldout, text_digest
from nsp_ablation.text.corpus.source import read_source
from nsp_ablation.text.tokenization.tokenizer import train_tokenizer

FRACTION = 0.4
NUM_TEXTS = 40
# each with a word of its own, which only a tokenizer that has seen the text knows
WORDS = ["".join(chr(97 + digit % 26) for digit in text_digest(str(number))[:9]) for number in range(NUM_TEXTS)]
TEXTS = [f"{word} {word}. {word}." for word in WORDS]
TRAINED = [text for text in TEXTS if not is_heldout(text_digest(text), FRACTION)]
ROWS = [{"text": text} for text in TEXTS]


@pytest.fixture(autouse=True)
def _private_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("datasets"))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def plain_text(directory):
    (directory / "a.txt").write_text("\n\n".join(TEXTS))
    return {"reader": "text", "path": str(directory / "a.txt"), "document_border": "blank_line"}


def files(directory):
    for number, text in enumerate(TEXTS):
        (directory / f"{number:02}.txt").write_text(text)
    return {"reader": "text", "path": str(directory), "document_border": "file"}


def json_lines(directory):
    (directory / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return {"reader": "jsonl", "path": str(directory / "a.jsonl"), "text_key": "text"}


def parquet(directory):
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), directory / "a.parquet", row_group_size=7)
    return {"reader": "jsonl", "path": str(directory / "a.parquet"), "text_key": "text"}


def hub(directory):
    (directory / "train.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in ROWS))
    return {"reader": "hub", "hub": [DatasetOptions(str(directory))]}


LAYOUTS = [plain_text, files, json_lines, parquet, hub]


@pytest.fixture
def corpus_of(tmp_path):
    """corpus_of(layout, num_documents=..., ...) -> a corpus of TEXTS in that layout."""

    def corpus(layout, **changes):
        directory = tmp_path / layout.__name__
        if not directory.exists():
            directory.mkdir()
            layout(directory)
        options = {"heldout_fraction": FRACTION, "num_processes": 1} | layout(directory) | changes
        return Corpus(tmp_path / "artifacts", CorpusOptions(name="x", **options))

    return corpus


def vocabulary_of(corpus, **changes):
    return Vocabulary(corpus.root, TokenizerOptions(**({"name": "bbpe", "vocab_size": 268} | changes)), corpus)


def tokenizer_of(texts, directory):
    """Return the bytes of the tokenizer that is trained on these texts alone."""
    train_tokenizer(TokenizerOptions("bbpe", 268), iter(texts), directory)
    return (directory / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_held_out_document_trains_the_tokenizer(corpus_of, tmp_path, layout):
    assert 10 < len(TRAINED) < NUM_TEXTS - 10
    corpus = corpus_of(layout)
    assert list(corpus.training_texts()) == TRAINED
    found = (vocabulary_of(corpus).make() / "tokenizer.json").read_bytes()
    assert found == tokenizer_of(TRAINED, tmp_path / "alone")
    assert found != tokenizer_of(TEXTS, tmp_path / "all"), "the held-out documents would make another"


@pytest.mark.parametrize("number", [1, 5, len(TRAINED), NUM_TEXTS])
def test_a_limited_tokenizer_counts_the_documents_that_train(corpus_of, tmp_path, number):
    limited = vocabulary_of(corpus_of(json_lines), max_train_documents=number)
    found = (limited.make() / "tokenizer.json").read_bytes()
    assert found == tokenizer_of(TRAINED[:number], tmp_path / "alone")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("number", [2, NUM_TEXTS - 1, NUM_TEXTS, NUM_TEXTS + 1])
def test_a_limit_takes_the_first_documents_of_any_reader(corpus_of, layout, number):
    corpus = corpus_of(layout, num_documents=number)
    assert list(read_source(corpus.source())) == TEXTS[:number]
    assert list(corpus.training_texts()) == [text for text in TEXTS[:number] if text in TRAINED]


@pytest.mark.parametrize("layout", [plain_text, parquet])
@pytest.mark.parametrize("num_processes", [1, 3])
def test_a_limited_corpus_has_stores_of_so_many_documents(corpus_of, layout, num_processes):
    number = 17
    corpus = corpus_of(layout, num_documents=number, num_processes=num_processes, heldout_part="all")
    stores = Stores(corpus.root, corpus, vocabulary_of(corpus), "full")
    expected = len([text for text in islice(TEXTS, number) if text in TRAINED])
    assert stores.training().num_documents == expected
    assert stores.heldout().num_documents == number - expected
