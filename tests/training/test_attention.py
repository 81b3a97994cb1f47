"""Attention over sequences laid end to end, by each backend that a CPU can run."""

import itertools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from nsp_ablation.learning.engine import attention_fused
from nsp_ablation.learning.engine.attention import (
    JAGGED,
    LENGTH_GROUPS,
    VARLEN,
    attention_layout,
    choose_backend,
    flat_attention,
)

torch.set_num_threads(1)

# Torch says that nested tensors are a prototype where its slow way for CPU makes some of the older kind.
pytestmark = pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
BACKENDS = (LENGTH_GROUPS, JAGGED)


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


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("lengths", [[3, 300, 5, 299, 1], [7], [2, 2]])
def test_a_token_attends_to_its_own_sequence_alone(lengths, backend):
    draw = torch.Generator().manual_seed(0)
    packed = torch.randn(sum(lengths), 24, generator=draw, dtype=torch.float64, requires_grad=True)
    found = flat_attention(packed, attention_layout(_offsets(lengths), backend), num_heads=2, dropout=0.0)
    expected = torch.cat([_alone(sequence) for sequence in packed.split(lengths)])
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    weights = torch.randn(found.shape, generator=draw, dtype=torch.float64)
    gradients = [torch.autograd.grad((output * weights).sum(), packed)[0] for output in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)


def _alone(packed):
    """Attention of 2 heads of 4 dimensions within one sequence (L, 24)."""
    query, key, value = (part.view(-1, 2, 4).transpose(0, 1) for part in packed.split(8, dim=1))
    return F.scaled_dot_product_attention(query, key, value).transpose(0, 1).reshape(-1, 8)


@pytest.mark.parametrize("backend", BACKENDS)
def test_attention_without_borders_would_be_caught(backend):
    packed = torch.randn(10, 24, generator=torch.Generator().manual_seed(0))
    expected = torch.cat([_alone(sequence) for sequence in packed.split([4, 6])])
    found = flat_attention(packed, attention_layout(_offsets([10]), backend), num_heads=2, dropout=0.0)
    assert (found - expected).abs().max() > 0.1


@pytest.mark.parametrize("backend", BACKENDS)
def test_dropped_weights_have_the_configured_share_and_the_others_keep_the_mean(backend):
    """Values that are the rows of a unit matrix give back the attention weights themselves."""
    lengths, dropout = [8, 5] * 400, 0.25
    draw = torch.Generator().manual_seed(0)
    query_key = torch.randn(2, 13, 8, generator=draw).repeat(1, 400, 1)
    values = torch.cat([torch.eye(8)[:length] for length in lengths])
    packed, layout = torch.cat([*query_key, values], dim=1), attention_layout(_offsets(lengths), backend)
    weights = flat_attention(packed, layout, num_heads=1, dropout=0.0).view(400, 13, 8)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        dropped = flat_attention(packed, layout, num_heads=1, dropout=dropout).view(400, 13, 8)
    is_weight = weights > 0
    assert is_weight.sum() == 400 * (8 * 8 + 5 * 5)
    share = (dropped[is_weight] == 0).double().mean().item()
    assert abs(share - dropout) < 5 * (dropout * (1 - dropout) / is_weight.sum().item()) ** 0.5
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], weights[kept] / (1 - dropout))
    standard_error = weights[0] * (dropout / (1 - dropout) / 400) ** 0.5
    assert ((dropped.mean(dim=0) - weights[0]).abs() <= 5 * standard_error).all()


@pytest.mark.parametrize("backend", [*BACKENDS, VARLEN])
def test_no_sequences_attend_to_nothing(backend):
    empty = torch.zeros(0, 24, requires_grad=True)
    found = flat_attention(empty, attention_layout(torch.tensor([0]), backend), num_heads=2, dropout=0.0)
    assert found.shape == (0, 8)
    found.sum().backward()


def test_varlen_attention_gets_what_its_documentation_asks_for(monkeypatch):
    """`varlen_attn` runs on CUDA alone: a stand-in checks its documented contract and computes what it says."""
    lengths, calls = [3, 8, 5], []

    def stand_in(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k):
        assert query.shape == key.shape == value.shape == (16, 2, 4)
        assert cu_seq_q.dtype == cu_seq_k.dtype == torch.int32
        assert cu_seq_q.tolist() == cu_seq_k.tolist() == [0, 3, 11, 16]
        assert max_q == max_k == 12
        calls.append(query)
        parts = zip(*(part.split(lengths) for part in (query, key, value)), strict=True)
        return torch.cat([_alone(torch.cat([p.flatten(1) for p in part], dim=1)).view(-1, 2, 4) for part in parts])

    monkeypatch.setattr("torch.nn.attention.varlen.varlen_attn", stand_in)
    packed = torch.randn(16, 24, generator=torch.Generator().manual_seed(0), requires_grad=True)
    layout = attention_layout(_offsets(lengths), VARLEN, longest=12)
    found = flat_attention(packed, layout, num_heads=2, dropout=0.0)
    expected = torch.cat([_alone(sequence) for sequence in packed.split(lengths)])
    torch.testing.assert_close(found, expected)
    assert len(calls) == 1
    gradients = [torch.autograd.grad(output.square().sum(), packed)[0] for output in (found, expected)]
    torch.testing.assert_close(*gradients)
    with pytest.raises(AssertionError, match="no dropout"):
        flat_attention(packed, layout, num_heads=2, dropout=0.1)


CAPABILITIES = ((7, 0), (7, 5), (8, 0), (8, 9), (9, 0))
PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed")


def test_no_backend_without_dropout_is_chosen_where_dropout_is_configured():
    choices = set()
    for capability, precision, head_size, dropout in itertools.product(
        CAPABILITIES, PRECISIONS, (32, 64, 65, 128, 256), (0.0, 0.1)
    ):
        backend = choose_backend("cuda", capability, precision, head_size, dropout)
        assert dropout == 0 or backend != VARLEN
        choices.add((backend, dropout > 0))
    assert choices == {(LENGTH_GROUPS, False), (LENGTH_GROUPS, True), (JAGGED, False), (JAGGED, True), (VARLEN, False)}


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_cpu_attends_in_length_groups(dropout):
    assert {choose_backend("cpu", None, precision, 64, dropout) for precision in PRECISIONS} == {LENGTH_GROUPS}


@pytest.mark.parametrize(
    ("capability", "precision", "head_size", "dropout", "backend"),
    [
        ((8, 0), "bf16-mixed", 64, 0.0, VARLEN),
        ((9, 0), "bf16-mixed", 64, 0.1, JAGGED),
        ((7, 0), "16-mixed", 64, 0.0, JAGGED),  # FlashAttention-2 needs Ampere
        ((7, 0), "bf16-mixed", 64, 0.1, LENGTH_GROUPS),  # and so does bf16
        ((8, 0), "32-true", 64, 0.1, JAGGED),
        ((8, 0), "64-true", 64, 0.1, LENGTH_GROUPS),
        ((8, 0), "bf16-mixed", 20, 0.1, LENGTH_GROUPS),
    ],
)
def test_the_backend_of_a_gpu(capability, precision, head_size, dropout, backend):
    assert choose_backend("cuda", capability, precision, head_size, dropout) == backend


def test_without_varlen_in_this_torch_jagged_takes_its_place(monkeypatch):
    monkeypatch.setattr("nsp_ablation.learning.engine.attention.has_varlen", lambda: False)
    assert choose_backend("cuda", (9, 0), "bf16-mixed", 64, 0.0) == JAGGED
    assert attention_fused.has_varlen()


@pytest.mark.parametrize(
    ("backend", "dropout", "operators"),
    [
        (VARLEN, 0.0, {"_varlen_attn", "_varlen_attn_backward"}),
        (JAGGED, 0.1, {"_flash_attention_forward", "_flash_attention_backward"}),
    ],
)
def test_fused_backends_reach_torchs_kernels_forward_and_backward(backend, dropout, operators):
    """On the meta device, where torch checks arguments and shapes of its CUDA kernels and computes nothing; counting
    FLOPs makes jagged SDPA choose the kernel of a GPU there."""
    layout = attention_layout(_offsets([3, 8, 5]), backend, longest=12).to("meta")
    packed = torch.empty(16, 3 * 128, device="meta", dtype=torch.bfloat16, requires_grad=True)
    names = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            names.add(function.overloadpacket.__name__)
            return function(*args, **(kwargs or {}))

    with FlopCounterMode(display=False), Watch():
        output = flat_attention(packed, layout, num_heads=2, dropout=dropout)
        output.sum().backward()
    assert (output.shape, output.dtype) == ((16, 128), torch.bfloat16)
    assert (packed.grad.shape, packed.grad.dtype) == ((16, 384), torch.bfloat16)
    assert operators <= names
