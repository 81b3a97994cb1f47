"""The synthetic corpus of the scale benchmark is one, and its steps read all of it."""

import numpy as np
import pytest

from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.samples.formats.sample_index import SampleIndex


@pytest.fixture(scope="module")
def scale(benchmark_module):
    return benchmark_module("scale")


@pytest.fixture(scope="module")
def corpus(scale, tmp_path_factory):
    """The directory of 20,000 sentences, in chunks of 6,000, and what was said of them."""
    root = tmp_path_factory.mktemp("scale")
    scale.CHUNK = 6000
    return root, scale.borders(root, "20000")


def test_borders_are_those_of_sentences_and_documents_without_a_gap(scale, corpus):
    root, said = corpus
    store, _ = scale.opened(root)
    assert (store.num_sentences, store.num_tokens, store.num_documents) == (20_000, said["tokens"], said["documents"])
    for offsets, total in ((store.sentence_offsets, store.num_tokens), (store.document_offsets, store.num_sentences)):
        assert (offsets[0], offsets[-1]) == (0, total)
        assert np.diff(offsets).min() > 0
    assert store.num_tokens / 20_000 == pytest.approx(scale.MEAN_TOKENS, rel=0.02)
    assert 20_000 / store.num_documents == pytest.approx(scale.MEAN_SENTENCES, rel=0.1)


@pytest.mark.parametrize("name", FORMATS)
def test_index_and_plan_cover_the_corpus(scale, corpus, name):
    root, said = corpus
    built = scale.build_index(root, name)
    index = SampleIndex.open(root / name)
    assert built["samples"] == index.num_samples
    if not index.is_pair:
        assert (index.spans[:, 1] - index.spans[:, 0]).sum() == said["tokens"]
    planned = scale.ask_plan(root, name)
    assert planned["updates_per_epoch"] > 1
    assert {"base", "peak"} <= built.keys() & planned.keys()
