"""What names a corpus: the bytes of its visible files, wherever they lie, and what is read of them."""

import pytest

from nsp_ablation.options.corpus_options import CorpusOptions, DatasetOptions
from nsp_ablation.pipeline.corpora import Corpus


@pytest.fixture
def directory(tmp_path):
    """A data set in the hub's own layout, with a file in a folder."""
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    (folder / "train-0.jsonl").write_text('{"text": "One."}\n')
    (folder / "data" / "train-1.jsonl").write_text('{"text": "Two."}\n')
    return folder


@pytest.fixture
def keys(tmp_path, directory):
    """The keys of a local hub directory and of the same files as corpus.path, looked at anew each time."""

    def ask():
        hub = CorpusOptions("hub", "hub", hub=[DatasetOptions(str(directory))])
        files = CorpusOptions("jsonl", "jsonl", path=str(directory), text_key="text")
        return [Corpus(tmp_path, options).key for options in (hub, files)]

    return ask


def assert_all_differ(before, after):
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_changed_file_of_equal_size_names_another_corpus_at_any_depth(keys, directory):
    before = keys()
    (directory / "train-0.jsonl").write_text('{"text": "One!"}\n')
    changed = keys()
    assert_all_differ(before, changed)
    (directory / "data" / "train-1.jsonl").write_text('{"text": "Tow."}\n')
    assert_all_differ(changed, keys())


def test_a_new_file_names_another_corpus(keys, directory):
    before = keys()
    (directory / "data" / "train-2.jsonl").write_text('{"text": "Three."}\n')
    assert_all_differ(before, keys())


@pytest.mark.parametrize("name", [".DS_Store", "data/._train-1.jsonl", ".git/x.jsonl", "__MACOSX/train-0.jsonl"])
def test_hidden_files_do_not_name_a_corpus(keys, directory, name):
    before = keys()
    (directory / name).parent.mkdir(exist_ok=True)
    (directory / name).write_text("x")
    assert keys() == before
