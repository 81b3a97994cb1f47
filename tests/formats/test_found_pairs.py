"""Pairs are kept in the order in which they were found, and ask for the memory that they take."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats import pairs as pairs_module
from nsp_ablation.samples.formats.found_pairs import FoundPairs
from nsp_ablation.samples.formats.registry import make_format

# Rounds of ranges, each of (sentences, pairs found in them), at most one a sentence.
RANGES = st.integers(1, 9).flatmap(lambda size: st.tuples(st.just(size), st.integers(0, size)))
ROUNDS = st.lists(st.lists(RANGES, min_size=1, max_size=4), min_size=1, max_size=6)


@given(ROUNDS)
def test_pairs_are_all_that_was_written_in_its_order(rounds):
    found, number = FoundPairs(sum(size for ranges in rounds for size, _ in ranges)), 0
    for ranges in rounds:
        starts = np.cumsum([0, *(size for size, _ in ranges)])
        spans, labels = found.room(int(starts[-1]))
        assert (len(spans) // 2, len(labels)) >= (starts[-1], starts[-1])
        for start, (_, count) in zip(starts, ranges, strict=False):
            for pair in range(start, start + count):
                spans[2 * pair : 2 * pair + 2] = number
                labels[pair] = number % 3 == 0
                number += 1
        found.take(starts[:-1].tolist(), [count for _, count in ranges])
    assert found.spans.tolist() == [[pair, pair] for pair in range(number) for _ in range(2)]
    assert found.labels.tolist() == [pair % 3 == 0 for pair in range(number)]


def test_two_ranges_of_which_the_first_leaves_a_gap():
    found = FoundPairs(5)
    spans, labels = found.room(5)
    spans[:], labels[:] = np.arange(10)[:, None], [True, False, False, True, True]
    found.take([0, 3], [2, 1])
    assert found.spans[:, 0].tolist() == [0, 1, 2, 3, 6, 7]
    assert found.labels.tolist() == [True, False, True]


def test_an_index_asks_for_the_memory_of_its_pairs_and_not_of_a_pair_per_sentence(make_store, make_frame, monkeypatch):
    """33 bytes for each of 40,000 sentences would be 1.3 MB; there is a pair in ten."""
    store, frame = make_store([[1] * 20] * 2000), make_frame(24)
    segment_pair = make_format(FormatOptions("segment_pair"), "nsp")
    peaks = {}
    for num_sentences in (1 << 24, 1000):
        monkeypatch.setattr(pairs_module, "_ROUND_SENTENCES", num_sentences)
        tracemalloc.start()
        index = segment_pair.index(store, frame, 1, 0)
        peaks[num_sentences] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert index.num_samples < store.num_sentences / 6
    num_bytes = index.spans.nbytes + index.separators.nbytes + index.offsets.nbytes + index.is_random_next.nbytes
    assert peaks[1 << 24] > 1_300_000
    assert peaks[1000] == pytest.approx(1.2 * num_bytes, rel=0.2)
