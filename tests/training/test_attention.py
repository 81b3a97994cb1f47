"""Attention over sequences laid end to end, by each backend that a CPU can run."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from nsp_ablation.learning.engine.attention import (
    EFFICIENT,
    FLASH,
    LENGTH_GROUPS,
    attention_layout,
    choose_backend,
    flat_attention,
)
from nsp_ablation.learning.engine.attention_fused import flash_dropout_share, missing_operators

torch.set_num_threads(1)

pytestmark = pytest.mark.usefixtures("attention_stand_ins")
BACKENDS = (LENGTH_GROUPS, FLASH, EFFICIENT)
OPERATORS = ("_flash_attention_forward", "_efficient_attention_forward")


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
    assert flash_dropout_share(dropout) == dropout  # 64 of 256
    assert abs(share - dropout) < 5 * (dropout * (1 - dropout) / is_weight.sum().item()) ** 0.5
    kept = dropped != 0
    torch.testing.assert_close(dropped[kept], weights[kept] / (1 - dropout))
    standard_error = weights[0] * (dropout / (1 - dropout) / 400) ** 0.5
    assert ((dropped.mean(dim=0) - weights[0]).abs() <= 5 * standard_error).all()


@pytest.mark.parametrize("backend", [FLASH, EFFICIENT])
def test_the_gradient_with_dropout_has_the_mask_of_the_forward_pass(backend):
    """The output is linear in V: <g, f(V)> = <df/dV g, V>, whatever is dropped; Q and K by differences."""
    lengths, draw = [9, 4, 17, 1], torch.Generator().manual_seed(0)
    packed = torch.randn(31, 24, generator=draw, dtype=torch.float64)
    layout, weights = attention_layout(_offsets(lengths), backend), torch.randn(31, 8, generator=draw)

    def loss(inputs):
        torch.manual_seed(3)
        return (flat_attention(inputs, layout, num_heads=2, dropout=0.3) * weights).sum()

    with torch.random.fork_rng(devices=[]):
        assert loss(packed) != (flat_attention(packed, layout, num_heads=2, dropout=0.0) * weights).sum()
        assert torch.autograd.gradcheck(loss, packed.requires_grad_(), fast_mode=True, check_undefined_grad=False)
        (gradient,) = torch.autograd.grad(loss(packed), packed)
        torch.testing.assert_close((gradient[:, 16:] * packed[:, 16:]).sum(), loss(packed))


@pytest.mark.parametrize("backend", BACKENDS)
def test_no_sequences_attend_to_nothing(backend):
    empty = torch.zeros(0, 24, requires_grad=True)
    found = flat_attention(empty, attention_layout(torch.tensor([0]), backend), num_heads=2, dropout=0.0)
    assert found.shape == (0, 8)
    found.sum().backward()


@pytest.mark.parametrize("longest", [8, 12, 4096])
@pytest.mark.parametrize("backend", [FLASH, EFFICIENT])
def test_a_bound_above_the_longest_sequence_changes_nothing(backend, longest):
    """Not even one above the number of tokens, which the memory-efficient kernel refuses."""
    lengths = [3, 8, 5]
    packed = torch.randn(16, 24, generator=torch.Generator().manual_seed(0))
    layout = attention_layout(_offsets(lengths), backend, longest=longest)
    expected = torch.cat([_alone(sequence) for sequence in packed.split(lengths)])
    torch.testing.assert_close(flat_attention(packed, layout, num_heads=2, dropout=0.0), expected)


def test_a_bound_below_the_longest_sequence_is_our_mistake():
    with pytest.raises(AssertionError, match=r"\(8, 7\)"):
        attention_layout(_offsets([3, 8, 5]), FLASH, longest=7)


PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed")


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_a_cpu_attends_in_length_groups(dropout):
    assert {choose_backend("cpu", None, precision, 64, dropout) for precision in PRECISIONS} == {LENGTH_GROUPS}


@pytest.mark.parametrize(
    ("capability", "precision", "head_size", "backend"),
    [
        ((8, 0), "bf16-mixed", 64, FLASH),
        ((9, 0), "16-mixed", 128, FLASH),
        ((7, 0), "16-mixed", 64, EFFICIENT),  # FlashAttention-2 needs Ampere
        ((7, 0), "bf16-mixed", 64, LENGTH_GROUPS),  # and so does bf16
        ((8, 0), "32-true", 64, EFFICIENT),
        ((7, 5), "32-true", 64, EFFICIENT),
        ((8, 0), "64-true", 64, LENGTH_GROUPS),
        ((8, 0), "bf16-mixed", 20, LENGTH_GROUPS),
        ((8, 0), "bf16-mixed", 136, LENGTH_GROUPS),
        ((8, 0), "32-true", 12, LENGTH_GROUPS),
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_the_backend_of_a_gpu(capability, precision, head_size, backend, dropout):
    assert choose_backend("cuda", capability, precision, head_size, dropout) == backend


@pytest.mark.parametrize(("dropout", "of_256"), [(0.1, 26), (0.05, 13), (0.2, 51), (0.5, 128), (0.01, 3), (0.0, 0)])
def test_flash_attention_drops_what_eight_bits_can_say(dropout, of_256):
    """Of 400 x 64 weights, drawn by the stand-in, which compares as the kernel does."""
    assert flash_dropout_share(dropout) == of_256 / 256
    packed = torch.cat([torch.zeros(400 * 8, 16), torch.eye(8).repeat(400, 1)], dim=1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = flat_attention(packed, attention_layout(_offsets([8] * 400), FLASH), num_heads=1, dropout=dropout)
    share = (found == 0).double().mean().item()
    assert abs(share - of_256 / 256) <= 5 * (of_256 / 256 * (1 - of_256 / 256) / found.numel()) ** 0.5


@pytest.mark.parametrize(("dropout", "backend"), [(0.05, FLASH), (0.3, FLASH), (0.01, EFFICIENT), (0.001, EFFICIENT)])
def test_a_dropout_that_eight_bits_miss_takes_the_kernel_that_draws_more(dropout, backend):
    assert choose_backend("cuda", (9, 0), "bf16-mixed", 64, dropout) == backend


@pytest.fixture
def other_torch(monkeypatch):
    """other_torch(operator, schema): a torch whose operator has this schema, or is not there (None)."""

    def change(name, schema):
        if schema is None:
            monkeypatch.setattr(torch.ops, "aten", _Without(torch.ops.aten, name))
        else:
            library = torch.library.Library("attention_of_another_torch", "FRAGMENT")
            other = f"{name}_{len(libraries)}"
            library.define(f"{other}({schema}) -> Tensor")
            libraries.append(library)
            found = getattr(torch.ops.attention_of_another_torch, other)
            monkeypatch.setattr(torch.ops, "aten", _Without(torch.ops.aten, name, found))
        missing_operators.cache_clear()

    libraries = []
    yield change
    monkeypatch.undo()
    missing_operators.cache_clear()


class _Without:
    """torch.ops.aten, but for one operator."""

    def __init__(self, aten, name, other=None):
        self.aten, self.name, self.other = aten, name, other

    def __getattr__(self, name):
        if name == self.name and self.other is None:
            raise AttributeError(name)
        return self.other if name == self.name else getattr(self.aten, name)


FLASH_SCHEMA = (
    "Tensor query, Tensor key, Tensor value, Tensor? cum_seq_q, Tensor? cum_seq_k, SymInt max_q, SymInt max_k, "
    "float dropout_p, bool is_causal, bool return_debug_mask"
)


@pytest.mark.parametrize(
    "schema",
    [
        None,
        FLASH_SCHEMA.replace("float dropout_p, ", ""),
        FLASH_SCHEMA.replace("bool is_causal, bool return_debug_mask", "bool return_debug_mask, bool is_causal"),
        FLASH_SCHEMA + ", *, int num_splits",
        "Tensor query, Tensor key, Tensor value",
    ],
)
def test_a_torch_that_calls_an_operator_otherwise_attends_in_length_groups_and_says_so(other_torch, schema):
    other_torch("_flash_attention_forward", schema)
    assert choose_backend("cuda", (9, 0), "bf16-mixed", 64, 0.1) == LENGTH_GROUPS
    said = missing_operators()
    assert "\n" not in said
    assert torch.__version__ in said
    assert "_flash_attention_forward" in said
    assert "_efficient" not in said


def test_a_torch_that_adds_an_argument_with_a_default_stays_on_its_kernel(other_torch):
    other_torch("_flash_attention_forward", FLASH_SCHEMA + ", *, int? num_splits=None")
    assert missing_operators() is None
    other_torch("_efficient_attention_forward", None)
    assert "_efficient_attention_forward" in missing_operators()


@pytest.mark.parametrize(
    ("name", "arguments", "returns"),
    [
        ("_flash_attention_forward", FLASH_SCHEMA, 5),
        (
            "_efficient_attention_forward",
            "Tensor query, Tensor key, Tensor value, Tensor? bias, Tensor? cu_seqlens_q, Tensor? cu_seqlens_k, "
            "SymInt? max_seqlen_q, SymInt? max_seqlen_k, float dropout_p, int custom_mask_type, "
            "bool compute_log_sumexp=False",
            6,
        ),
        (
            "_flash_attention_backward",
            "Tensor grad_out, Tensor query, Tensor key, Tensor value, Tensor out, Tensor logsumexp, Tensor cum_seq_q, "
            "Tensor cum_seq_k, SymInt max_q, SymInt max_k, float dropout_p, bool is_causal, Tensor rng_state, "
            "Tensor unused",
            3,
        ),
        (
            "_efficient_attention_backward",
            "Tensor grad_out_, Tensor query, Tensor key, Tensor value, Tensor? bias, Tensor out, Tensor? cu_seqlens_q, "
            "Tensor? cu_seqlens_k, SymInt max_seqlen_q, SymInt max_seqlen_k, Tensor logsumexp, float dropout_p, "
            "Tensor philox_seed, Tensor philox_offset, int custom_mask_type, bool bias_requires_grad",
            4,
        ),
    ],
)
def test_torchs_operators_take_what_is_passed(name, arguments, returns):
    """No public interface: a release that changes one is seen here, and what the stand-ins take with it."""
    schema = getattr(torch.ops.aten, name).default._schema
    positional, _, others = str(schema).removeprefix(f"aten::{name}(").partition(", *")
    assert positional == arguments
    assert others
    assert all(argument.has_default_value() for argument in schema.arguments if argument.kwarg_only)
    assert len(schema.returns) == returns


@pytest.mark.parametrize(
    ("backend", "dtype"), [(FLASH, torch.bfloat16), (EFFICIENT, torch.float32), (EFFICIENT, torch.float16)]
)
def test_fused_backends_reach_torchs_kernels_forward_and_backward(backend, dtype):
    """On the meta device, where torch checks arguments and shapes of its CUDA kernels and computes nothing."""
    layout = attention_layout(_offsets([3, 8, 5]), backend, longest=12).to("meta")
    packed = torch.empty(16, 3 * 128, device="meta", dtype=dtype, requires_grad=True)
    names = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            names.append(function.overloadpacket.__name__)
            return function(*args, **(kwargs or {}))

    with Watch():
        output = flat_attention(packed, layout, num_heads=2, dropout=0.1)
        output.sum().backward()
    assert (output.shape, output.dtype) == ((16, 128), dtype)
    assert (packed.grad.shape, packed.grad.dtype) == ((16, 384), dtype)
    forward = OPERATORS[backend == EFFICIENT]
    assert [name for name in names if "attention" in name] == [forward, forward.replace("forward", "backward")]
    assert not {"clone", "contiguous", "copy_"} & set(names[: names.index(forward)])  # views of Q, K and V suffice
