"""Tokens of the corpus that were read once or more, and special ones among them: as counted by walking the updates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.accounting import totals
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.corpus_reading import _mark, corpus_reading
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.sample_index import readonly
from nsp_ablation.text.store.token_store import TokenStore

from .conftest import CLS, MASK, PAD, SEP, UNK


def walk(plan, store, frame, num_steps):
    """Return which tokens updates read, and how many of what they hold may be predicted."""
    read, num_maskable, masks = np.zeros(store.num_tokens, bool), 0, Masks(MaskingOptions("dynamic"), seed=1)
    for step in range(num_steps):
        for sample, epoch in zip(*plan.update(step), strict=True):
            index = plan.index_of(epoch)
            for start, end in index.spans[index.offsets[sample] : index.offsets[sample + 1]]:
                read[start:end] = True
            flat = assemble_masked(store, index, frame, np.array([sample]), masks, 1)
            num_maskable += int((~flat.special).sum())
    return int(read.sum()), num_maskable


@pytest.fixture
def with_specials(store):
    """The corpus with ids of special tokens in its text, of which an unknown word may be predicted."""
    ids = np.array(store.ids)
    ids[3::41], ids[0], ids[-1] = MASK, SEP, CLS
    ids[5::67], ids[7::97] = UNK, PAD
    return TokenStore(ids, store.sentence_offsets, store.document_offsets, fingerprint="special")


def plan_of(index_in, kind, size):
    if kind == "resampled":
        indexes = [index_in("segment_pair", resample=True, epoch=copy) for copy in range(3)]
        return BatchPlan(lambda epoch: indexes[(epoch - 1) % 3], size, 1)
    index = index_in(kind)
    return BatchPlan(lambda epoch: index, size, 1)


@pytest.mark.parametrize("size", [UpdateSize(5, None, 5, 0), UpdateSize(None, 150.5, 0, 150.5)])
@pytest.mark.parametrize("kind", ["full", "doc", "segment_pair", "sentence_pair", "resampled"])
def test_counts_equal_those_of_the_updates_walked(store, with_specials, frame, index_in, size, kind):
    plan = plan_of(index_in, kind, size)
    for num_steps in (0, 1, 7, 60):
        for corpus in (store, with_specials):
            unique, maskable = walk(plan, corpus, frame, num_steps)
            found, read = corpus_reading(plan, num_steps, corpus, frame), totals(plan, num_steps, store.num_tokens)
            assert found.unique_tokens == unique
            assert read.tokens - read.special_tokens - found.special_in_text == maskable
            assert found.special_in_text == 0 or corpus is with_specials
    assert found.special_in_text > 0, "nothing was counted"


def test_a_whole_epoch_of_blocks_reads_every_token_and_more_epochs_no_other(store, frame, index_in):
    index = index_in("doc")
    plan = BatchPlan(lambda epoch: index, UpdateSize(index.num_samples, None, 0, 0), 1)
    assert [corpus_reading(plan, steps, store, frame).unique_tokens for steps in (1, 2, 9)] == [store.num_tokens] * 3


def test_the_special_tokens_of_a_store_are_found_piece_by_piece(with_specials, frame, index_in, monkeypatch):
    plan = plan_of(index_in, "full", UpdateSize(5, None, 5, 0))
    whole = corpus_reading(plan, 30, with_specials, frame)
    for size in (1, 40, 41):
        monkeypatch.setattr("nsp_ablation.samples.batches.corpus_reading._CHUNK_TOKENS", size)
        assert corpus_reading(plan, 30, with_specials, frame) == whole


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 199), st.integers(1, 200)), min_size=1, max_size=6))
def test_every_bit_of_a_span_is_set_and_no_other(pieces):
    spans = np.array([[start, min(200, start + length)] for start, length in pieces])
    words, expected = np.zeros(4, np.uint64), np.zeros(256, bool)
    _mark(words, *map(readonly, (spans, np.arange(len(spans) + 1), np.zeros(0, np.int64))), True)
    for start, end in spans:
        expected[start:end] = True
    assert np.unpackbits(words.view(np.uint8), bitorder="little").tolist() == expected.astype(int).tolist()


def test_samples_that_were_not_read_are_not_marked(frame, store, index_in):
    index = index_in("full")
    words = np.zeros((store.num_tokens + 63) // 64, np.uint64)
    _mark(words, index.spans, index.offsets, readonly(np.array([1])), False)
    first, last = index.spans[index.offsets[1], 0], index.spans[index.offsets[2] - 1, 1]
    assert np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little")).tolist() == [*range(first, last)]
