"""Subtle fakes: right but once in a thousand blocks, or lawful sample by sample and drawn unfairly. All are refused."""

import random

import numpy as np
import pytest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex

SEGMENT = make_format(FormatOptions("segment_pair"), "nsp")
T, SENTENCE, CHUNK = 103, 10, 10  # ten sentences of ten tokens fill a pair


def packed(store, room, num_whole):
    """Pack one document, but end every (`num_whole` + 1)-th block one sentence early."""
    offsets, borders, start = store.sentence_offsets, [], 0
    while start < store.num_sentences:
        end = start + 1
        while end < store.num_sentences and offsets[end + 1] - offsets[start] <= room:
            end += 1
        end -= end - start > 1 and len(borders) % (num_whole + 1) == num_whole
        borders.append(int(offsets[end]))
        start = end
    spans = np.stack([[0, *borders[:-1]], borders], axis=1)
    return SampleIndex(spans, np.ones(len(spans), np.uint8), np.arange(len(spans) + 1), False, None, None, 0, 0, "fake")


@pytest.mark.parametrize("name", ["full", "doc"])
def test_a_block_that_ends_one_sentence_early_once_in_a_thousand_is_refused(make_store, make_frame, laws, name):
    store, frame = make_store([[1 + i * 7 % 23 for i in range(8000)]]), make_frame(64)
    check = {"full": laws.check_full, "doc": laws.check_doc}[name]
    honest, fake = packed(store, frame.capacity, 10**9), packed(store, frame.capacity, 999)
    check(store, frame, honest)
    assert 0 <= fake.num_samples - honest.num_samples <= 2
    with pytest.raises(AssertionError, match="a block ends too early"):
        check(store, frame, fake)


def test_doc_that_crosses_a_border_once_is_refused(make_store, make_frame, laws):
    store, frame = make_store([[5, 6, 7 + i % 9] for i in range(1000)]), make_frame(64)
    index = make_format(FormatOptions("doc"), "nsp").index(store, frame, 1, 0)
    assert index.num_samples == 1000
    index.offsets = np.delete(index.offsets, 500)  # two short documents in one block, which fits
    with pytest.raises(AssertionError, match="a block crosses documents"):
        laws.check_doc(store, frame, index)


def test_full_that_stops_at_a_border_once_is_refused(make_store, make_frame, laws):
    store, frame = make_store([[5, 6, 7 + i % 9] for i in range(1000)]), make_frame(64)
    index = make_format(FormatOptions("full"), "nsp").index(store, frame, 1, 0)
    ends_document = np.isin(index.spans[:, 1], store.sentence_offsets[store.document_offsets])
    inside = np.setdiff1d(np.flatnonzero(ends_document)[:-1] + 1, index.offsets)
    index.offsets = np.sort(np.append(index.offsets, inside[len(inside) // 2]))
    with pytest.raises(AssertionError, match="a block ends too early"):
        laws.check_full(store, frame, index)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_a_token_lost_or_a_sentence_broken_once_is_refused(make_store, make_frame, laws, name):
    store, frame = make_store([[5, 6, 7 + i % 9] * 20 for i in range(50)]), make_frame(64)
    check = {"full": laws.check_full, "doc": laws.check_doc}[name]
    input_format = make_format(FormatOptions(name), "nsp")
    lost, broken = (input_format.index(store, frame, 1, 0) for _ in range(2))
    lost.spans, broken.spans = lost.spans.copy(), broken.spans.copy()
    lost.spans[40, 1] -= 1
    with pytest.raises(AssertionError, match="a token is lost or used twice"):
        check(store, frame, lost)
    place = next(i for i in range(40, 200) if broken.spans[i, 1] == broken.spans[i + 1, 0] and i + 1 in broken.offsets)
    broken.spans[place, 1] -= 1
    broken.spans[place + 1, 0] -= 1
    with pytest.raises(AssertionError, match="a sentence is broken|is longer than T|crosses documents"):
        check(store, frame, broken)


# Pairs: the original builder with one choice replaced


@pytest.fixture
def even(make_store):
    return make_store([[SENTENCE] * 400] * 30)


@pytest.fixture
def build(reference, originals, index_of_pairs):
    """build(store, draw) -> the pairs of BERT's builder, document by document."""

    def pairs(store, draw):
        documents = reference.documents_of(store)
        parts = [originals.bert_pairs_of_document(documents, n, T, 0.0, draw) for n in range(len(documents))]
        return index_of_pairs([pair for part in parts for pair in part])

    return pairs


def full_chunks(index):
    """Return the following pairs (N, 2, 2) that are full, and so come from whole chunks."""
    return index.spans.reshape(-1, 2, 2)[~index.is_random_next & (index.lengths() == T)]


def test_the_original_builder_passes_every_law_that_the_fakes_break(even, make_frame, laws, build, make_store):
    index = build(even, random.Random(0))
    laws.check_segment_pair(even, make_frame(T), index)
    laws.check_split_points(full_chunks(index), CHUNK, SENTENCE)
    laws.check_random_documents(even, index)
    laws.check_trim_sides(build(make_store([[33] * 100] * 20), random.Random(0)), 33)


def test_ours_passes_them_too(even, make_frame, laws):
    index = SEGMENT.index(even, make_frame(T), 1, 0)
    laws.check_split_points(full_chunks(index), CHUNK, SENTENCE)
    laws.check_random_documents(even, index)


class SplitsEarly(random.Random):
    """Splits after the first sentence: BERT's builder draws from 1 on for the split alone."""

    def randint(self, low, high):
        return low if low == 1 else super().randint(low, high)


def test_a_split_that_is_always_after_the_first_sentence_is_refused(even, make_frame, laws, build):
    index = build(even, SplitsEarly(0))
    laws.check_segment_pair(even, make_frame(T), index)  # each pair is one that BERT might make
    with pytest.raises(AssertionError, match="split points are not uniform"):
        laws.check_split_points(full_chunks(index), CHUNK, SENTENCE)


def test_a_random_b_that_is_always_of_the_next_document_is_refused(
    even, make_frame, laws, build, originals, monkeypatch
):
    monkeypatch.setattr(originals, "draw_document", lambda number, own, draw: (own + 1) % number)
    index = build(even, random.Random(0))
    laws.check_segment_pair(even, make_frame(T), index)
    with pytest.raises(AssertionError, match="random documents are not uniform"):
        laws.check_random_documents(even, index)


def test_trimming_that_is_always_at_the_back_is_refused(make_store, make_frame, laws, build, originals, monkeypatch):
    def trim_back(a, b, room, draw):
        a, b = list(a), list(b)
        while len(a) + len(b) > room:
            (a if len(a) > len(b) else b).pop()
        return a, b

    monkeypatch.setattr(originals, "trim", trim_back)
    store = make_store([[33] * 100] * 20)
    index = build(store, random.Random(0))
    index.trimmed_tokens = store.num_tokens  # the original does not count them
    laws.check_segment_pair(store, make_frame(T), index)
    with pytest.raises(AssertionError, match="not trimmed at both ends alike"):
        laws.check_trim_sides(index, 33)


def keep(index, kept):
    """Return the index of some pairs (N,) bool of another."""
    spans = index.spans.reshape(-1, 2, 2)[kept].reshape(-1, 2)
    offsets = np.arange(0, len(spans) + 1, 2)
    ones = np.ones(len(spans), np.uint8)
    return SampleIndex(spans, ones, offsets, True, index.is_random_next[kept], None, index.trimmed_tokens, 0, "fake")


def test_half_random_pairs_by_dropping_the_surplus_is_refused(make_store, make_frame, laws):
    store = make_store([[10] * 40] * 200)
    index = SEGMENT.index(store, make_frame(T), 1, 0)
    surplus = 2 * int(index.is_random_next.sum()) - index.num_samples
    assert surplus > 20
    kept = np.ones(index.num_samples, bool)
    kept[np.flatnonzero(index.is_random_next)[:surplus]] = False
    fake = keep(index, kept)
    assert fake.is_random_next.mean() == 0.5
    laws.check_segment_pair(store, make_frame(T), index)
    with pytest.raises(AssertionError, match="a sentence is lost"):
        laws.check_segment_pair(store, make_frame(T), fake)


def test_sentences_that_are_not_put_back_are_refused(even, make_frame, laws):
    index = SEGMENT.index(even, make_frame(T), 1, 0)
    fake = keep(index, ~np.roll(index.is_random_next, 1))  # without the pairs that take up what a random one left
    with pytest.raises(AssertionError, match="a sentence is lost"):
        laws.check_segment_pair(even, make_frame(T), fake)
