"""Whole-word masks: a word is a target entirely or not at all, for both kinds of tokenizer."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.base.randomness import draw64, sample_key
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer, word_starts

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
BEGINS, CONTINUES = 50, 51


@pytest.fixture(scope="module")
def words(frame) -> Masks:
    """Even ids begin a word, odd ones go on with it."""
    return Masks(MaskingOptions("dynamic", unit="whole_word"), 1, np.arange(frame.vocab_size) % 2 == 0)


def words_of(input_ids, special, starts):
    """Return the positions of each word, in the plainest way."""
    found = []
    for position, token in enumerate(input_ids):
        if special[position]:
            continue
        if position and not special[position - 1] and not starts[token]:
            found[-1].append(position)
        else:
            found.append([position])
    return found


def reference(input_ids, special, starts, key, probability):
    """BERT's rule: words in the order of their draws, each passed over that would be too many."""
    whole = words_of(input_ids, special, starts)
    num_wanted = max(1, round(probability * sum(not flag for flag in special)))
    draws = [int(draw64(np.full(1, key), np.full(1, word[0], np.uint64))[0]) for word in whole]
    in_order = [word for _, word in sorted(zip(draws, whole, strict=True))]
    chosen = []
    for word in in_order:
        if len(chosen) + len(word) <= num_wanted:
            chosen += word
    return sorted(chosen or in_order[0])


@settings(max_examples=150, deadline=None, derandomize=True)
@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_the_kernel_agrees_with_plain_python(frame, words, lengths, seed):
    input_ids = np.array([0, *(BEGINS + (i > 0) for length in lengths for i in range(length)), 2])
    special = np.isin(input_ids, [0, 2])
    masks = dataclasses.replace(words, seed=seed)
    keys = sample_key(masks.epoch_key(1), np.zeros(1, np.uint64))
    _, positions, labels = mask_kernel(
        input_ids, special, np.array([0, len(input_ids)]), keys, *mask_settings(frame, masks)
    )
    assert positions.tolist() == reference(input_ids.tolist(), special.tolist(), masks.word_starts, keys[0], 0.15)
    assert labels.tolist() == input_ids[positions].tolist()


@pytest.mark.parametrize("count", ["exact", "bernoulli"])
@pytest.mark.parametrize("name", FORMATS)
def test_each_word_is_chosen_entirely_or_not_at_all(store, frame, index_in, words, name, count):
    index = index_in(name)
    flat = assemble_masked(
        store,
        index,
        frame,
        np.arange(index.num_samples),
        dataclasses.replace(words, options=MaskingOptions("dynamic", unit="whole_word", count=count)),
        1,
    )
    chosen = flat.labels != -100
    num_long = 0
    for start, end in zip(flat.sequence_offsets[:-1], flat.sequence_offsets[1:], strict=True):
        whole = words_of(flat.input_ids[start:end], flat.special[start:end], words.word_starts)
        num_long += sum(len(word) > 1 and chosen[start + word[0]] for word in whole)
        assert all(len(set(chosen[start:end][word])) == 1 for word in whole)
        num_ordinary = sum(map(len, whole))
        if count == "exact" and min(map(len, whole)) <= max(1, round(0.15 * num_ordinary)):
            assert 1 <= chosen[start:end].sum() <= max(1, round(0.15 * num_ordinary))
    assert num_long > 5


def test_single_tokens_cut_words_where_whole_words_do_not(store, frame, index_in, words, dynamic):
    index = index_in("full")
    flat = assemble_masked(store, index, frame, np.arange(index.num_samples), dynamic, 1)
    chosen, num_cut = flat.labels != -100, 0
    for start, end in zip(flat.sequence_offsets[:-1], flat.sequence_offsets[1:], strict=True):
        for word in words_of(flat.input_ids[start:end], flat.special[start:end], words.word_starts):
            num_cut += len(set(chosen[start:end][word])) == 2
    assert num_cut > 20


def test_bernoulli_chooses_15_percent_of_the_words_of_any_length(frame, words):
    masks = dataclasses.replace(words, options=MaskingOptions("dynamic", unit="whole_word", count="bernoulli"))
    input_ids = np.tile(np.array([0, 50, 50, 51, 50, 51, 51, 2]), 5000)
    special = np.isin(input_ids, [0, 2])
    _, positions, _ = mask_kernel(
        input_ids,
        special,
        np.arange(0, 40_001, 8),
        sample_key(masks.epoch_key(1), np.arange(5000, dtype=np.uint64)),
        *mask_settings(frame, masks),
    )
    counts = np.bincount(positions % 8, minlength=8)
    assert (counts[2], counts[4], counts[4]) == (counts[3], counts[5], counts[6])
    assert abs(counts[[1, 2, 4]] - 750).max() < 5 * np.sqrt(5000 * 0.15 * 0.85)


def test_exact_masks_draw_every_word_of_equal_length_equally_often(frame, words):
    input_ids = np.tile(np.array([0, *[50, 51] * 10, 2]), 5000)
    special = np.isin(input_ids, [0, 2])
    keys = sample_key(words.epoch_key(1), np.arange(5000, dtype=np.uint64))
    _, positions, _ = mask_kernel(
        input_ids, special, np.arange(0, 22 * 5000 + 1, 22), keys, *mask_settings(frame, words)
    )
    counts = np.bincount(positions % 22, minlength=22)[1:-1:2]
    assert counts.sum() == 5000  # round(.15 * 20) = 3 tokens hold one word of two
    assert abs(counts - 500).max() < 5 * np.sqrt(5000 * 0.1 * 0.9)


def test_a_word_longer_than_the_count_is_passed_over_unless_nothing_else_is_there(frame, words):
    long_word = np.array([0, 50, *[51] * 9, 2])
    keys = sample_key(words.epoch_key(1), np.zeros(1, np.uint64))
    _, positions, _ = mask_kernel(
        long_word, np.isin(long_word, [0, 2]), np.array([0, 12]), keys, *mask_settings(frame, words)
    )
    assert positions.tolist() == list(range(1, 11))
    beside_short = np.array([0, 50, *[51] * 9, 50, 2])
    for sample in range(20):
        keys = sample_key(words.epoch_key(1), np.array([sample], np.uint64))
        ends = np.array([0, 13])
        _, positions, _ = mask_kernel(
            beside_short, np.isin(beside_short, [0, 2]), ends, keys, *mask_settings(frame, words)
        )
        assert positions.tolist() == [11]


@pytest.mark.parametrize("kind", ["bbpe", "wordpiece"])
def test_words_of_both_tokenizers_are_those_between_spaces_or_punctuation(tmp_path, kind):
    text = "unhappily, the dogs walked"
    words = ["the dog walk un happy unhappily walked dogs ,"] * 3
    train_tokenizer(TokenizerOptions(kind, 268 if kind == "bbpe" else 46), iter(words), tmp_path)
    tokenizer, starts = load_tokenizer(tmp_path), word_starts(tmp_path)
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    whole = words_of(ids, [False] * len(ids), starts)
    assert len(ids) > len(whole)
    found = [tokenizer.decode([ids[position] for position in word]).strip().replace(" ##", "") for word in whole]
    if kind == "bbpe":
        assert found == ["unhappily,", "the", "dogs", "walked"]
    else:
        assert [len(word) > 0 for word in whole] == [True] * len(whole)
        assert len(whole) == 5  # the comma is a word of its own
