"""`nsp_balance=exact`: half of the pairs are random, and no choice tells of its neighbours."""

import numpy as np
import pytest
from scipy.stats import binomtest

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format

EXACT = make_format(FormatOptions("segment_pair", nsp_balance="exact"), "nsp")
BERT = make_format(FormatOptions("segment_pair"), "nsp")


def mixed_lengths(num_documents, seed):
    """Documents of 1 to 30 sentences of 1 to 40 tokens."""
    generator = np.random.Generator(np.random.PCG64(seed))
    return [generator.integers(1, 41, generator.integers(1, 31)).tolist() for _ in range(num_documents)]


@pytest.mark.parametrize("max_length", [32, 64, 128])
@pytest.mark.parametrize("seed", range(4))
def test_half_of_all_pairs_are_random_where_berts_are_more(make_store, make_frame, laws, max_length, seed):
    store, frame = make_store(mixed_lengths(300, seed)), make_frame(max_length)
    index = EXACT.index(store, frame, seed, 0)
    laws.check_segment_pair(store, frame, index)
    assert abs(2 * index.is_random_next.sum() - index.num_samples) <= 1
    assert BERT.index(store, frame, seed, 0).is_random_next.mean() > 0.52


def test_choices_of_neighbours_are_independent(make_store, make_frame):
    store = make_store([[10] * 1000] * 40)
    labels = EXACT.index(store, make_frame(103), 2, 0).is_random_next
    equal = labels[1:] == labels[:-1]
    assert len(equal) > 4000
    assert binomtest(int(equal.sum()), len(equal)).pvalue > 1e-3


def test_random_pairs_are_spread_evenly_over_the_corpus(make_store, make_frame, laws):
    store = make_store(mixed_lengths(2000, 0))
    index = EXACT.index(store, make_frame(64), 2, 0)
    halves = np.array_split(index.is_random_next, 2)
    assert all(binomtest(int(half.sum()), len(half)).pvalue > 1e-3 for half in halves)


def test_a_balance_that_cannot_be_met_is_refused(make_store, make_frame):
    store = make_store([[5], [5], [5], [5, 5]])
    with pytest.raises(ValueError, match=r"format\.nsp_balance=exact cannot be met.*lone_sentences=skip"):
        EXACT.index(store, make_frame(16), 1, 0)
    index = make_format(FormatOptions("segment_pair", nsp_balance="exact", lone_sentences="skip"), "nsp").index(
        store, make_frame(16), 1, 0
    )
    assert index.is_random_next.sum() <= index.num_samples
