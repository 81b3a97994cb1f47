"""A small corpus, a frame, and samples of it in each shape that an index can have."""

import dataclasses

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

VOCAB_SIZE = 200
CLS, PAD, SEP, UNK, MASK = range(5)


@pytest.fixture(scope="session")
def store() -> TokenStore:
    """30 documents of 1 to 12 sentences of 1 to 25 tokens, none of them special."""
    documents, token = [], 0
    for document in range(30):
        sentences = []
        for sentence in range(1 + document * 7 % 12):
            length = 1 + (document * 31 + sentence * 17) % 25
            sentences.append([5 + (token + i) * 37 % (VOCAB_SIZE - 5) for i in range(length)])
            token += length
        documents.append(sentences)
    return TokenStore.from_documents(documents, VOCAB_SIZE)


@pytest.fixture(scope="session")
def frame() -> Frame:
    return Frame(
        max_length=40,
        cls=CLS,
        sep=SEP,
        mask=MASK,
        pad=PAD,
        special_ids=(CLS, PAD, SEP, UNK, MASK),
        vocab_size=VOCAB_SIZE,
        pair_separators=1,
        sentence_separator=False,
    )


@pytest.fixture(scope="session")
def index_in(store, frame):
    """Return a function that gives the index of a format by name."""

    def build(name, *, resample=False, order="nsp", epoch=0, sentence_separator=False):
        its_frame = dataclasses.replace(frame, sentence_separator=sentence_separator)
        return make_format(FormatOptions(name, resample=resample), order).index(store, its_frame, 1, epoch)

    return build


@pytest.fixture(scope="session")
def dynamic() -> Masks:
    return Masks(MaskingOptions("dynamic"), seed=1)


@pytest.fixture(scope="session")
def same():
    """Return a function that says whether two dataclasses of arrays (or tensors) hold the same."""

    def equal(a, b):
        pairs = ((getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a))
        return all(np.array_equal(x, y) if x is not None else y is None for x, y in pairs)

    return equal
