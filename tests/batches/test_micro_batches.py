"""How an update is cut in micro-batches, and how they are padded to one number of tokens."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.micro_batches import (
    largest_update,
    micro_batch_tokens,
    num_micro_batches,
    padded_tokens,
)
from nsp_ablation.samples.batches.plan import BatchPlan, balanced_cut
from nsp_ablation.samples.batches.update_size import UpdateSize


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 512), min_size=1, max_size=120),
    max_tokens=st.integers(1024, 6000),
    num_ranks=st.integers(1, 3),
    at_least=st.integers(1, 4),
)
def test_no_micro_batch_exceeds_the_limit_nor_what_it_is_padded_to(lengths, max_tokens, num_ranks, at_least):
    total = sum(lengths)
    number = num_micro_batches(total, 512, max_tokens=max_tokens, num_ranks=num_ranks, at_least=at_least)
    assert number >= at_least
    borders = balanced_cut(np.array(lengths), number * num_ranks)
    parts = [sum(lengths[start:end]) for start, end in zip(borders[:-1], borders[1:], strict=True)]
    assert max(parts) <= max_tokens
    padded = micro_batch_tokens(total, 512, number * num_ranks)
    assert max(parts) <= padded
    assert max(parts) + 2 <= padded_tokens(padded) <= padded + 64
    assert padded_tokens(padded) % 64 == 0
    assert padded % 64 == 0


def test_without_a_limit_there_are_as_many_as_asked_for():
    assert num_micro_batches(10**6, 512, max_tokens=None, num_ranks=1, at_least=3) == 3


@pytest.mark.parametrize(
    ("sequences", "ranks", "number"), [(256, 1, 4), (2048, 1, 32), (8192, 1, 128), (8192, 32, 4), (256, 8, 1)]
)
def test_batches_of_the_paper_fit_a_gpu_in_whole_shares(sequences, ranks, number):
    """33,280 tokens (trainer=gpu) are 64 sequences of 512 and one over."""
    found = num_micro_batches(sequences * 512, 512, max_tokens=33_280, num_ranks=ranks, at_least=1)
    assert found == number
    if number > 1:
        assert micro_batch_tokens(sequences * 512, 512, number * ranks) == 33_280


def test_a_limit_that_a_sequence_fills_is_refused():
    with pytest.raises(ValueError, match="trainer.max_tokens=512 .* twice max_length"):
        num_micro_batches(5000, 512, max_tokens=512, num_ranks=1, at_least=1)


def test_the_largest_update_bounds_those_of_a_plan(index_in):
    for name in ("segment_pair", "sentence_pair", "full", "doc"):
        index = index_in(name)
        lengths = index.lengths()
        for size in (UpdateSize(6, None, 6, 0), UpdateSize(None, 151.5, 0, 151.5)):
            plan = BatchPlan(lambda epoch, index=index: index, size, 1)
            found = [int(lengths[plan.update(step)[0]].sum()) for step in range(100)]
            assert max(found) <= largest_update(size, lengths) <= 2 * max(found)


@pytest.fixture
def batches(store, frame, index_in, dynamic):
    """batches(name, pad_to): the micro-batches of three updates, two of each."""

    def read(name, pad_to):
        plan = BatchPlan(lambda epoch: index_in(name), UpdateSize(6, None, 6, 0), 1)
        parts = {"first_step": 0, "max_steps": 3, "accumulation": 2, "num_workers": 0}
        return list(micro_batch_loader(plan, store, frame, dynamic, **parts, pad_to=pad_to))

    return read


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full", "doc"])
def test_padding_is_sequences_of_its_own_after_the_real_ones(batches, frame, name):
    for plain, padded in zip(batches(name, None), batches(name, 128), strict=True):
        length, number = len(plain.input_ids), len(plain.sequence_offsets)
        assert len(padded.input_ids) == len(padded.token_type_ids) == len(padded.position_ids) == 128
        for field in ("input_ids", "token_type_ids", "position_ids"):
            assert torch.equal(getattr(padded, field)[:length], getattr(plain, field))
        assert torch.equal(padded.sequence_offsets[:number], plain.sequence_offsets)
        assert padded.sequence_offsets[-1] == 128
        assert padded.sequence_offsets.diff().min() > 0
        assert padded.sequence_offsets.diff().max() <= padded.max_sequence_length == frame.max_length
        starts, ends = padded.sequence_offsets[:-1], padded.sequence_offsets[1:]
        assert all(padded.position_ids[s:e].tolist() == list(range(e - s)) for s, e in zip(starts, ends, strict=True))
        for field in ("masked_positions", "masked_labels"):
            assert torch.equal(getattr(padded, field)[:-2], getattr(plain, field))
        assert padded.masked_positions[-2:].tolist() == [length, length + 1]
        assert padded.masked_labels[-2:].tolist() == [-100, -100]
        counts = ("num_tokens", "num_update_predictions", "num_update_pairs", "step")
        assert [getattr(padded, field) for field in counts] == [getattr(plain, field) for field in counts]
        if plain.pair_labels is not None:
            assert torch.equal(padded.pair_labels[: number - 1], plain.pair_labels)
            assert padded.pair_labels[number - 1 :].eq(-100).all()
            assert len(padded.pair_labels) == len(padded.sequence_offsets) - 1


@pytest.mark.parametrize("length", [0, 1, 97, 98, 99, 100])
def test_padding_is_two_tokens_at_least_each_of_a_sequence_of_its_own(batches, length):
    """So that no padded micro-batch has 0 or 1 sequences, pairs or masked positions."""
    plain = batches("sentence_pair", None)[0]
    tokens = torch.zeros(length, dtype=torch.int64)
    none = torch.zeros(0, dtype=torch.int64)
    offsets = torch.tensor([0, length] if length else [0])
    one = replace(
        plain,
        **dict.fromkeys(("input_ids", "token_type_ids", "position_ids"), tokens),
        **dict.fromkeys(("sequence_offsets", "piece_offsets"), offsets),
        **dict.fromkeys(("masked_positions", "masked_labels"), none),
        pair_labels=torch.ones(len(offsets) - 1, dtype=torch.int64),
    )
    padded = one.padded(100, 40)
    total = 100 if length <= 98 else 200
    borders = [border for border in (length + 1, length + 41, length + 81, length + 121) if border < total]
    assert padded.sequence_offsets.tolist() == padded.piece_offsets.tolist() == [*offsets.tolist(), *borders, total]
    assert len(padded.input_ids) == total
    assert padded.masked_positions.tolist() == [length, length + 1]
    assert len(padded.pair_labels) == len(padded.sequence_offsets) - 1 >= 2
