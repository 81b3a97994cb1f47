"""What is seen of a corpus before anything is built."""

import itertools
import json

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.options.corpus_options import CorpusOptions, TokenizerOptions
from nsp_ablation.pipeline.corpora import Corpus
from nsp_ablation.pipeline.first_documents import check_every_file, check_first_documents
from nsp_ablation.pipeline.stores import Stores
from nsp_ablation.pipeline.vocabularies import Vocabulary
from nsp_ablation.text.corpus.document import Document, is_heldout, text_digest

HELD_OUT = [text for text in (f"Text number {number}." for number in range(900)) if is_heldout(text_digest(text), 0.01)]


def options(**changes):
    values = {"name": "x", "reader": "text", "path": "x", "document_border": "file"} | changes
    return CorpusOptions(**values)


@pytest.fixture
def stores_of(tmp_path):
    """stores_of(texts, heldout_fraction) -> the stores of a corpus with these documents."""

    def make(texts, heldout_fraction):
        path = tmp_path / "a.jsonl"
        path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        fraction = {"heldout_fraction": heldout_fraction, "num_processes": 1}
        corpus = Corpus(
            tmp_path, options(reader="jsonl", text_key="text", path=str(path), document_border=None, **fraction)
        )
        vocabulary = Vocabulary(tmp_path, TokenizerOptions("bbpe", vocab_size=262), corpus)
        return Stores(tmp_path, corpus, vocabulary, "full")

    return make


@pytest.mark.parametrize("texts", [HELD_OUT[:1], HELD_OUT[:3], HELD_OUT[:1] * 1500])
def test_a_corpus_without_a_document_to_train_on_is_refused_before_a_tokenizer_is_made(stores_of, texts, tmp_path):
    with pytest.raises(InputError, match=r"corpus\.heldout_fraction=0\.01 holds out .* set corpus\.heldout_fraction=0"):
        stores_of(texts, 0.01).make()
    assert not [path for path in (tmp_path / "tokenizers").glob("*") if path.is_dir()]


def test_the_remedy_of_a_corpus_that_is_held_out_works(stores_of):
    assert stores_of([HELD_OUT[0] + " It goes on."] * 9, 0.0).training().num_documents == 9


def test_one_document_that_is_left_to_train_on_is_enough(stores_of):
    trained = "Text that is trained on. It goes on. It goes on."
    assert not is_heldout(text_digest(trained), 0.01)
    assert stores_of([*HELD_OUT[:3], trained], 0.01).training().num_documents == 1


def test_a_part_of_an_endless_corpus_is_looked_at():
    for texts in (itertools.repeat("One. Two. Three."), itertools.repeat("word " * 10**6)):
        check_first_documents(map(Document, texts), options(), "doc")


BABYLM = {"document_border": "pattern", "border_pattern": "babylm"}


@pytest.fixture
def babylm(tmp_path):
    """babylm(format_name) -> the stores of two files of BabyLM, of which `switchboard` has no document borders."""
    (tmp_path / "childes.train").write_text("".join(f"= = = {n}.cha = = =\n*MOT:\tNo {n} .\n" * 2 for n in range(40)))
    (tmp_path / "switchboard.train").write_text("A:\tYeah .\nB:\tRight .\n" * 50)

    def make(format_name):
        made = options(path=f"{tmp_path}/*.train", heldout_fraction=0.0, num_processes=1, **BABYLM)
        corpus = Corpus(tmp_path, made)
        return Stores(
            tmp_path, corpus, Vocabulary(tmp_path, TokenizerOptions("bbpe", vocab_size=270), corpus), format_name
        )

    return make


@pytest.mark.parametrize("is_made", [False, True])
def test_a_file_whose_borders_are_lost_is_refused_by_formats_that_need_them(babylm, caplog, is_made):
    if is_made:
        assert babylm("full").training().num_documents == 81
        (warning,) = [record.getMessage() for record in caplog.records]
        assert "switchboard.train has no line that parts documents" in warning
        assert "one document, which is trained on or held out as a whole" in warning
    for name in ("doc", "segment_pair", "sentence_pair"):
        with pytest.raises(InputError, match=rf"format={name} .*switchboard\.train .* leave it out .*format=full"):
            babylm(name).make()


def test_other_patterns_take_a_file_without_borders_for_a_document(tmp_path):
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_text("One. Two.")
    check_every_file(paths, options(document_border="pattern", border_pattern="wikitext"), "doc")
    check_every_file(paths, options(document_border="blank_line"), "doc")


@pytest.mark.parametrize(
    ("texts", "changes", "warning"),
    [
        (
            [" = A = ", " x . ", " = = B = = ", " = C = "] * 5,
            {"document_border": "blank_line"},
            "border_pattern=wikitext",
        ),
        (
            ['<doc id="1" url="">\nA', "x", "</doc>"] * 5,
            {"document_border": "blank_line"},
            "border_pattern=wikiextractor",
        ),
        (
            ["One.", "Two."] * 5,
            {"document_border": "blank_line"},
            "the median document has 1 sentences; if blank lines",
        ),
        (["ฉันมา ฉันเห็น"] * 5, {"language": "th"}, "set corpus.one_sentence_per_line=true"),
        (["One. Two. Three."] * 5, {"document_border": "blank_line"}, None),
        (["x = y = z"] * 5, {}, None),
    ],
)
def test_what_looks_like_a_slip_is_told(caplog, texts, changes, warning):
    check_first_documents(map(Document, iter(texts)), options(**changes), "doc")
    assert [warning in record.getMessage() for record in caplog.records] == ([] if warning is None else [True])
