import gzip
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from nsp_ablation.options.corpus_options import CorpusOptions, TokenizerOptions
from nsp_ablation.text.corpus.piece import whole
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.store.build_stores import build_stores, shard_bytes
from nsp_ablation.text.store.shard import ShardRecipe
from nsp_ablation.text.tokenization.tokenizer import train_tokenizer

# The last is compressed, so it cannot be cut.
NUM_ROWS = {"a.jsonl": 40, "c.jsonl": 25, "d.jsonl.gz": 15}


def rows(name: str, number: int) -> bytes:
    texts = ((f"The fox {name} {each} jumped over Zürich. It rests.", f"{name} {each // 3}") for each in range(number))
    text = "".join(json.dumps({"text": text, "book": book}) + "\n" for text, book in texts)
    return text.encode()


@pytest.fixture
def source(tmp_path) -> Source:
    """The documents of four files of JSON lines, three of a work each."""
    directory = tmp_path / "corpus"
    directory.mkdir()
    for name, number in NUM_ROWS.items():
        data = rows(name, number)
        (directory / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    options = CorpusOptions("jsonl", "jsonl", text_key="text", work_key="book")
    return Source(options, tuple(whole(directory / name) for name in NUM_ROWS))


@pytest.fixture(scope="session")
def recipe(tmp_path_factory) -> ShardRecipe:
    directory = tmp_path_factory.mktemp("tokenizers") / "bbpe"
    train_tokenizer(TokenizerOptions("bbpe", 280), iter(["The fox jumped over Zürich. It rests."] * 2), directory)
    return ShardRecipe(directory, "en", True, False, heldout_fraction=0.3, train_fraction=0.9)


# A module that the processes of tasks can import, as they could not import a test: what is added to the stores, and a
# step whose tasks note that they run and of which one, on its first run, does something else first.
MODULE = """
import os, signal
from pathlib import Path
from nsp_ablation.base.errors import InputError

def note(directory):
    (directory / "note.txt").write_text("made from a tokenizer")

class Once:
    def __init__(self, ran, rank, fault):
        self.ran, self.rank, self.fault = Path(ran), rank, fault

    def __call__(self, data, rank, world_size):
        tries = len(list(self.ran.glob(f"{rank}-*")))
        (self.ran / f"{rank}-{tries}").touch()
        for number, each in enumerate(data):
            if rank == self.rank and not tries and number == 3:
                if self.fault == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                raise InputError("corpus.jsonl:2 is not JSON") if self.fault == "input" else ZeroDivisionError("1/0")
            yield each
"""


@pytest.fixture
def module(tmp_path, monkeypatch) -> ModuleType:
    (tmp_path / "steps_of_test_tasks.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("steps_of_test_tasks")


@pytest.fixture
def stores_here(tmp_path, source, recipe, module, content) -> dict[str, bytes]:
    """The files of the stores that this machine makes, by name."""
    directory = tmp_path / "here"
    build_stores(
        source,
        recipe,
        directory,
        num_processes=1,
        max_shard_bytes=shard_bytes(source.num_bytes),
        say=lambda text: None,
        finish=module.note,
    )
    return content(directory)


@pytest.fixture(scope="session")
def content() -> Callable[[Path], dict[str, bytes]]:
    """Return the files below a directory by name."""
    return lambda directory: {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }
