"""N-grams that texts share with a corpus: exact, whatever the pieces in which the corpus is read."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.samples.formats.kernels import shared_ngrams as kernels
from nsp_ablation.samples.formats.kernels.shared_ngrams import shared_ngrams

TOKENS = st.integers(0, 2)


def flat(texts):
    """Texts end to end, and where each begins and ends."""
    return np.concatenate([np.zeros(0, np.int64), *map(np.array, texts)]), np.cumsum([0, *map(len, texts)])


def pieces_of(documents, size):
    ids, offsets = flat(documents)
    return (ids[start : start + size].astype(np.uint16) for start in range(0, len(ids), size)), offsets[:-1]


def expected(texts, documents, n):
    """By sets of tuples."""
    known = {tuple(text[end - n : end]) for text in documents for end in range(n, len(text) + 1)}
    is_ngram = [end >= n for text in texts for end in range(1, len(text) + 1)]
    shared = [end >= n and tuple(text[end - n : end]) in known for text in texts for end in range(1, len(text) + 1)]
    return is_ngram, shared


@settings(max_examples=80, deadline=None)
@given(
    texts=st.lists(st.lists(TOKENS, max_size=12), max_size=4),
    documents=st.lists(st.lists(TOKENS, min_size=1, max_size=15), min_size=1, max_size=5),
    size=st.integers(1, 9),
    n=st.integers(2, 4),
)
def test_shared_ngrams_are_those_of_the_sets_and_cross_no_document(texts, documents, size, n):
    found = shared_ngrams(*flat(texts), *pieces_of(documents, size), n)
    assert tuple(array.tolist() for array in found) == expected(texts, documents, n)


@pytest.mark.parametrize("factor", [0, 1])
def test_ids_decide_where_all_hashes_are_equal(monkeypatch, factor):
    """Run in plain Python with a hash that tells nothing (0), or only the sum of the ids (1)."""
    monkeypatch.setattr(kernels, "_FACTOR", np.uint64(factor))
    monkeypatch.setattr(kernels, "_MIX", np.uint64(factor))
    for name in ("_insert", "_scan"):
        monkeypatch.setattr(kernels, name, getattr(kernels, name).py_func)
    texts, documents = [[1, 2, 3, 4], [4, 3, 2, 1, 2, 3]], [[9, 1, 2, 3], [3, 2, 1]]
    with np.errstate(over="ignore"):
        found = shared_ngrams(*flat(texts), *pieces_of(documents, 4), 3)
    assert tuple(array.tolist() for array in found) == expected(texts, documents, 3)
    assert [array.sum() for array in found] == [6, 3]


def test_one_gram_of_thirteen_is_found_among_many():
    draw = np.random.Generator(np.random.Philox(1))
    corpus = draw.integers(0, 30_000, 100_000).astype(np.uint16)
    text = draw.integers(0, 30_000, 300)
    text[100:113] = corpus[5_000:5_013]
    text[200:212] = corpus[6_000:6_012]  # twelve are no 13-gram
    is_ngram, is_shared = shared_ngrams(text, np.array([0, 300]), iter([corpus]), np.array([0, 4_000]), 13)
    assert is_ngram.sum() == 288
    assert np.flatnonzero(is_shared).tolist() == [112]
