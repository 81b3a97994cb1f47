"""Attention over sequences laid end to end."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nsp_ablation.training.attention import attention_layout, flat_attention

torch.set_num_threads(1)


def _offsets(lengths):
    return torch.tensor([0, *lengths]).cumsum(0)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 512), min_size=1, max_size=40))
def test_each_token_has_one_slot_and_each_slot_of_a_token_is_open(lengths):
    layout = attention_layout(_offsets(lengths))
    num_slots = sum(group.num_sequences * group.padded_length for group in layout.groups)
    assert torch.equal(layout.gather[layout.scatter], torch.arange(sum(lengths)))
    assert torch.equal(torch.cat([layout.scatter, layout.padding]).sort().values, torch.arange(num_slots))
    is_open = [
        torch.ones(group.num_sequences * group.padded_length) if group.mask is None else group.mask.reshape(-1)
        for group in layout.groups
    ]
    assert torch.equal(torch.cat(is_open).nonzero().flatten(), layout.scatter.sort().values)
    assert sum(group.num_sequences for group in layout.groups) == len(lengths)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 512), min_size=1, max_size=60))
def test_padding_is_bounded_by_the_price_of_another_group(lengths):
    for group in attention_layout(_offsets(lengths)).groups:
        pairs = group.num_sequences * group.padded_length**2
        real = pairs if group.mask is None else int((group.mask.sum(dim=-1) ** 2).sum())
        assert pairs - real <= max(32_768, pairs / 8)


def test_sequences_of_one_length_form_one_group_without_a_mask():
    (group,) = attention_layout(_offsets([6, 6, 6])).groups
    assert (group.num_sequences, group.padded_length, group.mask) == (3, 6, None)


def test_long_and_short_sequences_part():
    lengths = [512, 20, 512, 25]
    assert [(g.num_sequences, g.padded_length) for g in attention_layout(_offsets(lengths)).groups] == [
        (2, 512),
        (2, 25),
    ]


@pytest.mark.parametrize("lengths", [[3, 300, 5, 299, 1], [7], [2, 2]])
def test_a_token_attends_to_its_own_sequence_alone(lengths):
    draw = torch.Generator().manual_seed(0)
    packed = torch.randn(sum(lengths), 24, generator=draw, dtype=torch.float64, requires_grad=True)
    found = flat_attention(packed, attention_layout(_offsets(lengths)), num_heads=2, dropout=0.0)
    expected = torch.cat([_alone(sequence) for sequence in packed.split(lengths)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn(found.shape, generator=draw, dtype=torch.float64)
    gradients = [torch.autograd.grad((output * weights).sum(), packed)[0] for output in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def _alone(packed):
    """Attention of 2 heads of 4 dimensions within one sequence (L, 24)."""
    query, key, value = (part.view(-1, 2, 4).transpose(0, 1) for part in packed.split(8, dim=1))
    return F.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(-1, 8)


def test_attention_dropout_drops_weights_and_keeps_their_mean():
    lengths, dropout = [40] * 100, 0.25
    ones = torch.ones(sum(lengths), 24)  # a kept weight counts 1 / (40 * (1 - dropout)) for each head
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dropped = flat_attention(ones, attention_layout(_offsets(lengths)), num_heads=2, dropout=dropout)
    sums = dropped.view(-1, 2, 4)[..., 0]
    expected_variance = dropout / (1 - dropout) / 40
    assert abs(sums.mean().item() - 1) < 5 * (expected_variance / sums.numel()) ** 0.5
    assert abs(sums.var().item() / expected_variance - 1) < 0.1


def test_no_sequences_attend_to_nothing():
    empty = torch.zeros(0, 24, requires_grad=True)
    found = flat_attention(empty, attention_layout(torch.tensor([0])), num_heads=2, dropout=0.0)
    assert found.shape == (0, 8)
    found.sum().backward()
