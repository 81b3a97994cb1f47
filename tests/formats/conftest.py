"""What every test of the formats shares: slow references, the originals, laws, and stores of numbered tokens."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"formats_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    """The slow builders of reference.py."""
    return _load("reference")


@pytest.fixture(scope="session")
def originals() -> ModuleType:
    """What BERT's and fairseq's own programs do, in originals.py."""
    return _load("originals")


@pytest.fixture(scope="session")
def laws() -> ModuleType:
    """The laws of laws.py, which judge an index by its store and frame alone."""
    return _load("laws")


@pytest.fixture(scope="session")
def make_store() -> Callable[[list[list[int]]], TokenStore]:
    """Make a store from the lengths of each document's sentences; token i of the corpus has the id i."""

    def make(lengths: list[list[int]]) -> TokenStore:
        place = 0
        documents = []
        for sentence_lengths in lengths:
            documents.append([])
            for length in sentence_lengths:
                documents[-1].append(list(range(place, place + length)))
                place += length
        return TokenStore.from_documents(documents, vocab_size=place + 1)

    return make


@pytest.fixture(scope="session")
def make_frame() -> Callable[..., Frame]:
    """Make a frame of T tokens; its special ids do not matter here."""

    def make(max_length: int, *, sentence_separator: bool = False, pair_separators: int = 1) -> Frame:
        return Frame(max_length, 0, 1, 2, 3, pair_separators, (0, 1, 2, 3), 100, sentence_separator)

    return make


@pytest.fixture(scope="session")
def index_of_pairs() -> Callable[[list], SampleIndex]:
    """Make the index of pairs (A, B, is random) of numbered tokens, ordered by A's place in the corpus."""

    def make(pairs: list) -> SampleIndex:
        spans = np.array([[part[0], part[-1] + 1] for a, b, _ in sorted(pairs) for part in (a, b)])
        labels = np.array([bool(label) for *_, label in sorted(pairs)])
        offsets = np.arange(0, len(spans) + 1, 2)
        return SampleIndex(spans, np.ones(len(spans), np.uint8), offsets, True, labels, None, 0, 0, "pairs")

    return make


@pytest.fixture(scope="session")
def rows() -> Callable[[SampleIndex], list[list[int | str]]]:
    """Write out every sample of an index over a store of numbered tokens."""

    def write_out(index: SampleIndex) -> list[list[int | str]]:
        samples = []
        for i in range(index.num_samples):
            row: list[int | str] = ["[CLS]"]
            for k in range(index.offsets[i], index.offsets[i + 1]):
                row += range(*map(int, index.spans[k]))
                row += ["[SEP]"] * int(index.separators[k])
            samples.append(row)
        return samples

    return write_out
