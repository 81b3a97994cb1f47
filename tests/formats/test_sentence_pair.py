"""SENTENCE-PAIR: equal to the slow reference where the draws are given, lawful, and half random."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.samples.formats.registry import make_format

CORPORA = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=2, max_size=12)
ONE_HUGE_DOCUMENT = [[1 + i * 7 % 23 for i in range(1500)], [4]]
MANY_TINY_DOCUMENTS = [[1 + i % 3] for i in range(1500)]
CHOICES = [
    (pairs, lone_sentences, order)
    for pairs in ("overlapping", "disjoint")
    for lone_sentences in ("random", "skip")
    for order in ("nsp", "sop")
]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 60), st.sampled_from([1, 2]), st.sampled_from(CHOICES), st.integers(0, 9))
@example([[200, 3, 200], [150], [1]], 16, 1, ("overlapping", "skip", "nsp"), 1)
@example([[200, 3, 200], [150], [1]], 16, 2, ("overlapping", "skip", "sop"), 1)
def test_pairs_equal_the_reference(
    make_store, make_frame, rows, reference, lengths, max_length, pair_separators, choice, seed
):
    pairs, lone_sentences, order = choice
    store, frame = make_store(lengths), make_frame(max_length, pair_separators=pair_separators)
    expected = reference.sentence_pairs(
        reference.documents_of(store),
        max_length - 2 - pair_separators,
        pair_separators,
        reference.Draws(seed, "sentence_pair", 0),
        *choice,
    )
    if not expected:
        return
    index = make_format(FormatOptions("sentence_pair", pairs=pairs, lone_sentences=lone_sentences), order).index(
        store, frame, seed, 5
    )
    assert rows(index) == [row for row, _ in expected]
    labels = index.is_random_next if order == "nsp" else index.is_swapped
    assert labels.tolist() == [label for _, label in expected]


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("lengths", [ONE_HUGE_DOCUMENT, MANY_TINY_DOCUMENTS, [[3, 9]] * 800, [[3] * 1023, [3]] * 3])
def test_large_corpora_equal_the_reference_and_are_lawful(
    make_store, make_frame, rows, reference, laws, choice, lengths
):
    store, frame = make_store(lengths), make_frame(16)
    input_format = make_format(FormatOptions("sentence_pair", pairs=choice[0], lone_sentences=choice[1]), choice[2])
    draws = reference.Draws(1, "sentence_pair", 0)
    expected = reference.sentence_pairs(reference.documents_of(store), 13, 1, draws, *choice)
    if not expected:
        with pytest.raises(ValueError, match="finds no pair"):
            input_format.index(store, frame, 1, 0)
        return
    index = input_format.index(store, frame, 1, 0)
    assert rows(index) == [row for row, _ in expected]
    laws.check_sentence_pair(store, frame, index)


def test_overlapping_pairs_have_each_sentence_as_a_once(make_store, make_frame):
    store = make_store([[2, 3, 4], [5], [1, 6]])
    index = make_format(FormatOptions("sentence_pair"), "nsp").index(store, make_frame(32), 1, 0)
    assert index.spans[::2].tolist() == [[0, 2], [2, 5], [5, 9], [9, 14], [14, 15], [15, 21]]
    assert index.is_random_next[[2, 3, 5]].all(), "the last sentence of a document has no next one"


def test_disjoint_pairs_have_each_sentence_once_as_a_or_as_the_next(make_store, make_frame):
    store = make_store([[2, 3, 4, 1, 1, 7, 2]] * 50)
    index = make_format(FormatOptions("sentence_pair", pairs="disjoint"), "nsp").index(store, make_frame(32), 1, 0)
    used = np.concatenate([index.spans[::2], index.spans[1::2][~index.is_random_next]])
    used = used[np.argsort(used[:, 0])]
    assert np.concatenate([used[:, 0], [store.num_tokens]]).tolist() == store.sentence_offsets.tolist()


def test_half_of_the_pairs_that_have_a_choice_are_random(make_store, make_frame):
    store = make_store([[3] * 100] * 100)
    index = make_format(FormatOptions("sentence_pair"), "nsp").index(store, make_frame(32), 1, 0)
    free = index.is_random_next[np.arange(index.num_samples) % 100 != 99]
    assert binomtest(int(free.sum()), len(free)).pvalue > 1e-3


def test_random_sentences_are_uniform_over_documents_and_their_sentences(make_store, make_frame):
    store = make_store([[3] * 50] * 30)
    spans = []
    for seed in range(10):
        index = make_format(FormatOptions("sentence_pair"), "nsp").index(store, make_frame(32), seed, 0)
        spans.append(index.spans.reshape(-1, 2, 2)[index.is_random_next])
    a, b = np.concatenate(spans)[:, :, 0].T
    distances = (b // 150 - a // 150) % 30
    assert distances.min() > 0
    assert chisquare(np.bincount(distances)[1:]).pvalue > 1e-3
    assert chisquare(np.bincount(b % 150 // 3)).pvalue > 1e-3


def test_long_pairs_lose_tokens_at_either_end_of_the_longer_sentence(make_store, make_frame):
    store = make_store([[40, 10]] * 500)
    index = make_format(FormatOptions("sentence_pair", lone_sentences="skip"), "sop").index(store, make_frame(33), 1, 0)
    a = np.where(index.is_swapped[:, None], index.spans[1::2], index.spans[::2])
    b = np.where(index.is_swapped[:, None], index.spans[::2], index.spans[1::2])
    assert (b[:, 1] - b[:, 0] == 10).all()
    assert (a[:, 1] - a[:, 0] == 20).all()
    assert index.trimmed_tokens == 500 * 20
    assert binomtest(int((a[:, 0] % 50).sum()), index.trimmed_tokens).pvalue > 1e-3
