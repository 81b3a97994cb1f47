"""Bad input: one clear error that names the field, a non-zero exit, no traceback, earlier results untouched."""

import json

import pytest

SMALL = ("scale=smoke", "stage=all", "tokenizer.vocab_size=300")


@pytest.fixture
def text(tmp_path):
    """text(name, content): a file in the working directory."""

    def write(name, content):
        (tmp_path / name).write_text(content)
        return name

    return write


def documents(number: int) -> str:
    """Return JSON lines with `number` documents of three sentences."""
    rows = [{"text": f"Anna lives in town {i}. She has a cat. The cat is {i} years old."} for i in range(number)]
    return "".join(json.dumps(row) + "\n" for row in rows)


def is_one_clear_error(ended, *words: str) -> bool:
    """Whether a command failed with one line of error that holds all words, and with no traceback."""
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert ended.status != 0
    assert "Traceback" not in ended.err + ended.out
    assert any(all(word in line for word in words) for line in errors), ended.err
    return len(errors) == 1


def test_a_missing_file(nsp):
    assert is_one_clear_error(nsp(*SMALL, "corpus=jsonl", "corpus.path=none.jsonl"), "corpus.path", "none.jsonl")


def test_an_empty_corpus(nsp, text):
    path = text("empty.txt", "")
    assert is_one_clear_error(nsp("stage=prepare", "corpus=text", f"corpus.path={path}"), "empty.txt")


@pytest.mark.parametrize("format_name", ["segment_pair", "sentence_pair", "doc"])
def test_a_corpus_without_document_borders(nsp, text, format_name):
    path = text("one.txt", "Anna lives here.\nShe has a cat.\nThe cat is old.\n")
    ended = nsp("stage=prepare", "corpus=text", f"corpus.path={path}", f"format={format_name}")
    assert is_one_clear_error(ended, format_name, "document borders")


@pytest.mark.parametrize("format_name", ["segment_pair", "doc"])
def test_a_corpus_of_one_document(nsp, text, format_name):
    path = text("one.jsonl", documents(1))
    ended = nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}", f"format={format_name}")
    assert is_one_clear_error(ended, format_name, "one document")


def test_malformed_json_names_its_line(nsp, text):
    path = text("bad.jsonl", documents(4) + '{"text": "broken\n' + documents(1))
    ended = nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}")
    assert is_one_clear_error(ended, "bad.jsonl", "5")


def test_a_vocabulary_that_cannot_be_trained(nsp, text):
    path = text("few.jsonl", documents(5))
    ended = nsp("stage=prepare", "corpus=jsonl", f"corpus.path={path}", "tokenizer.vocab_size=30000")
    assert is_one_clear_error(ended, "tokenizer.vocab_size=30000")


def test_inputs_below_eight_tokens(nsp):
    assert is_one_clear_error(nsp("max_length=7"), "max_length=7", "8")


def test_an_output_that_cannot_be_written(nsp, text):
    text("file", "")
    assert is_one_clear_error(nsp("paths.results=file"), "paths.results=file")
    assert is_one_clear_error(nsp("paths.artifacts=file/below"), "paths.artifacts=file/below")


def test_nsp_with_full_sentences(nsp):
    assert is_one_clear_error(nsp("format=full", "objective=mlm_nsp"), "objective=mlm_nsp", "full")


def test_no_directory_at_encoder(nsp):
    assert is_one_clear_error(nsp("stage=finetune", "encoder=./nowhere"), "encoder=./nowhere")


def test_wrong_columns_are_found_before_anything_is_trained(nsp, text, tmp_path):
    (tmp_path / "sst2").mkdir()
    for name in ("train.tsv", "dev.tsv"):
        text(f"sst2/{name}", "text\tlabel\nfine\t1\n")
    ended = nsp("scale=smoke", "tasks=[sst2]", "tasks.sst2.path=sst2")
    assert is_one_clear_error(ended, "sst2", "sentence")
    assert not (tmp_path / "artifacts" / "encoders").exists()


@pytest.mark.slow
def test_a_failing_run_leaves_earlier_results_as_they_were(nsp, tmp_path, smoke_artifacts):
    quick = ("scale=smoke", "tasks=[sst2]", "finetuning.untrained_row=false", smoke_artifacts)
    assert nsp(*quick).status == 0
    before = {path: path.read_bytes() for path in (tmp_path / "results" / "adhoc" / "records").iterdir()}
    assert len(before) == 1
    (tmp_path / "sst2").mkdir()
    assert nsp(*quick, "tasks.sst2.path=sst2").status != 0
    assert {path: path.read_bytes() for path in before} == before
