"""`format.random_next=0`: B always follows A, and what nothing follows is left out and counted."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.samples.formats.registry import make_format

CORPORA = st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=12), min_size=1, max_size=12)
PAIRS = [name for name, facts in FORMATS.items() if facts.is_pair]


def contiguous(name, **options):
    return make_format(FormatOptions(name, random_next=0, **options), "nsp")


@pytest.fixture(scope="module")
def expected(reference):
    """expected(store, T, name, seed, ...): (row, label) of every pair: those of SOP, none of them swapped."""

    class InOrder(reference.Draws):
        def is_swapped(self, sentence):
            return False

    def build(store, max_length, name, seed, *options):
        documents = reference.documents_of(store)
        builder = {"segment_pair": reference.segment_pairs, "sentence_pair": reference.sentence_pairs}[name]
        return builder(documents, max_length - 3, 1, InOrder(seed, name, 0), *options, order="sop")

    return build


@settings(max_examples=100, deadline=None, derandomize=True)
@given(CORPORA, st.integers(8, 60), st.sampled_from(["random", "skip"]), st.integers(0, 9))
@example([[1 + i * 7 % 23 for i in range(300)], [4]], 64, "random", 1)
@example([[200, 3, 200], [150], [1]], 16, "skip", 1)
def test_pairs_equal_the_reference(make_store, make_frame, rows, expected, lengths, max_length, lone_sentences, seed):
    store, frame = make_store(lengths), make_frame(max_length)
    for name, options in (("segment_pair", ()), ("sentence_pair", ("overlapping",)), ("sentence_pair", ("disjoint",))):
        found = expected(store, max_length, name, seed, *options, lone_sentences)
        chosen = {"lone_sentences": lone_sentences} | ({"pairs": options[0]} if options else {})
        if not found:
            with pytest.raises(ValueError, match="finds no pair"):
                contiguous(name, **chosen).index(store, frame, seed, 0)
            continue
        index = contiguous(name, **chosen).index(store, frame, seed, 0)
        assert rows(index) == [row for row, _ in found]
        assert not index.is_random_next.any()
        assert index.is_swapped is None


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_are_lawful_and_one_document_is_enough(make_store, make_frame, laws, name):
    store, frame = make_store([[1 + i % 9 for i in range(200)]]), make_frame(32)
    index = contiguous(name).index(store, frame, 1, 0)
    {"segment_pair": laws.check_segment_pair, "sentence_pair": laws.check_sentence_pair}[name](store, frame, index)


@pytest.mark.parametrize("name", PAIRS)
def test_the_law_refuses_a_builder_that_still_draws(make_store, make_frame, laws, name):
    store, frame = make_store([[1 + i % 9 for i in range(50)]] * 4), make_frame(32)
    index = make_format(FormatOptions(name), "nsp").index(store, frame, 1, 0)
    index.is_random_next = index.is_random_next & False
    with pytest.raises(AssertionError, match="a label is wrong"):
        {"segment_pair": laws.check_segment_pair, "sentence_pair": laws.check_sentence_pair}[name](store, frame, index)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=20), st.integers(8, 60), st.booleans())
def test_segments_hold_every_token_that_is_not_trimmed_or_counted_as_left_out(
    make_store, make_frame, sizes, max_length, swaps
):
    store = make_store([[2, 2], *([7] * size for size in sizes)])
    built = make_format(FormatOptions("segment_pair", random_next=0.5 if swaps else 0), "sop" if swaps else "nsp")
    index = built.index(store, make_frame(max_length), 1, 0)
    held = int((index.spans[:, 1] - index.spans[:, 0]).sum())
    assert held + index.trimmed_tokens + 7 * index.left_out_sentences == store.num_tokens


def test_sentences_of_no_pair_are_counted_by_hand(make_store, make_frame):
    store = make_store([[3], [3, 3, 3], [3, 3], [3]])
    for order in ("nsp", "sop"):
        for pairs, left_out in (("overlapping", 2), ("disjoint", 3)):  # lone ones; and the third of three
            built = make_format(FormatOptions("sentence_pair", random_next=0, pairs=pairs), order)
            assert built.index(store, make_frame(32), 1, 0).left_out_sentences == left_out
    for lone_sentences, left_out in (("random", 0), ("skip", 2)):
        for name in PAIRS:
            built = make_format(FormatOptions(name, lone_sentences=lone_sentences), "nsp")
            assert built.index(store, make_frame(32), 1, 0).left_out_sentences == left_out
