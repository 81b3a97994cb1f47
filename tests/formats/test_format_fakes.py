"""The laws refuse what only looks like a format, each fake built on purpose."""

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex

FULL, DOC = make_format(FormatOptions("full"), "nsp"), make_format(FormatOptions("doc"), "nsp")
SEGMENT = make_format(FormatOptions("segment_pair"), "nsp")
SENTENCE = make_format(FormatOptions("sentence_pair"), "nsp")


@pytest.fixture(scope="module")
def store(make_store):
    return make_store([[1 + (i * j) % 11 for j in range(1 + i % 30)] for i in range(1, 80)])


@pytest.fixture(scope="module")
def frame(make_frame):
    return make_frame(64)


def blocks(borders):
    """Return the index of one-span blocks that end at `borders` (N,)."""
    spans = np.stack([np.concatenate([[0], borders[:-1]]), borders], axis=1)
    return SampleIndex(spans, np.ones(len(spans), np.uint8), np.arange(len(spans) + 1), False, None, None, 0, 0, "fake")


def test_the_formats_themselves_pass(store, frame, laws):
    laws.check_full(store, frame, FULL.index(store, frame, 1, 0))
    laws.check_doc(store, frame, DOC.index(store, frame, 1, 0))
    laws.check_segment_pair(store, frame, SEGMENT.index(store, frame, 1, 0))
    laws.check_sentence_pair(store, frame, SENTENCE.index(store, frame, 1, 0))


def test_full_built_as_doc_is_refused(store, frame, laws):
    with pytest.raises(AssertionError, match="a block ends too early"):
        laws.check_full(store, frame, DOC.index(store, frame, 1, 0))


def test_doc_built_as_full_is_refused(store, frame, laws):
    with pytest.raises(AssertionError, match="a block crosses documents"):
        laws.check_doc(store, frame, FULL.index(store, frame, 1, 0))


def test_one_sentence_a_block_is_refused(store, frame, laws):
    fake = blocks(store.sentence_offsets[1:])
    for check in (laws.check_full, laws.check_doc):
        with pytest.raises(AssertionError, match="a block ends too early"):
            check(store, frame, fake)


def test_chunks_of_a_fixed_number_of_tokens_are_refused(store, frame, laws):
    borders = np.union1d(
        np.arange(frame.capacity, store.num_tokens, frame.capacity), store.sentence_offsets[store.document_offsets[1:]]
    )
    for check in (laws.check_full, laws.check_doc):
        with pytest.raises(AssertionError, match="a sentence is broken"):
            check(store, frame, blocks(borders))


def test_segments_built_as_sentences_are_refused(store, frame, laws):
    with pytest.raises(AssertionError, match="its document goes on"):
        laws.check_segment_pair(store, frame, SENTENCE.index(store, frame, 1, 0))


def test_sentences_built_as_segments_are_refused(store, frame, laws):
    with pytest.raises(AssertionError, match="more than a sentence"):
        laws.check_sentence_pair(store, frame, SEGMENT.index(store, frame, 1, 0))


def test_a_random_b_from_the_same_document_is_refused(store, frame, laws):
    index = SEGMENT.index(store, frame, 1, 0)
    index.is_random_next = np.ones(index.num_samples, bool)
    with pytest.raises(AssertionError, match="a label is wrong"):
        laws.check_segment_pair(store, frame, index)
