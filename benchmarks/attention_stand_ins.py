"""Stand-ins on CPU for torch's CUDA attention operators, so that the CUDA path runs without a GPU: slow, and exact.

They compute what the kernels are documented to compute, from the operators' own arguments, in the inputs' precision but
at least in fp32. FlashAttention-2 draws 8 bits for a weight as the kernel does; the draws come from torch's CPU
generator and are drawn again in the backward pass from a seed that the forward pass hands on.
"""

# L tokens of S sequences, A heads of size D, T tokens of one sequence

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

_LIBRARIES: list[Any] = []  # torch drops the kernels of a library that is garbage


def register() -> None:
    """Let the operators run on CPU, in this process, once."""
    if _LIBRARIES or torch._C._dispatch_has_kernel_for_dispatch_key("aten::_flash_attention_forward", "CPU"):
        return
    library = torch.library.Library("aten", "IMPL")
    library.impl("_flash_attention_forward", _flash_forward, "CPU")
    library.impl("_flash_attention_backward", _flash_backward, "CPU")
    library.impl("_efficient_attention_forward", _efficient_forward, "CPU")
    library.impl("_efficient_attention_backward", _efficient_backward, "CPU")
    _LIBRARIES.append(library)


def _flash_forward(query, key, value, offsets_q, offsets_k, longest_q, longest_k, dropout, causal, debug, **rest):
    _check(offsets_q, offsets_k, longest_q, query)
    assert not causal
    assert not debug
    seed = _draw_seed(dropout)
    output, sums_AL = _forward(query, key, value, offsets_q, dropout, seed, bits=8)
    return output, sums_AL, torch.stack([seed, seed]).to(torch.uint64), seed.to(torch.uint64), query.new_empty(0)


def _flash_backward(gradient, query, key, value, output, sums_AL, offsets, _, longest_q, longest_k, dropout, causal,
                    state, unused, **rest):  # fmt: skip
    seed = state.to(torch.int64)[0]
    return _backward(gradient, query, key, value, output, sums_AL, offsets, dropout, seed, bits=8)


def _efficient_forward(query, key, value, bias, offsets_q, offsets_k, longest_q, longest_k, dropout, mask,
                       keeps_sums=False, **rest):  # fmt: skip
    assert bias is None
    assert mask == 0
    _check(offsets_q, offsets_k, longest_q, query[0])
    if longest_k > query.shape[1]:
        raise RuntimeError("Invalid max_seqlen_k")
    seed = _draw_seed(dropout)
    output, sums_AL = _forward(query[0], key[0], value[0], offsets_q, dropout, seed, bits=24)
    # the kernel's sums are (S, A, positions rounded up to 32): a sequence's stand in its own row
    lengths = offsets_q.diff().tolist()
    sums = sums_AL.new_zeros(len(lengths), query.shape[2], -(-longest_q // 32) * 32 if keeps_sums else 0)
    for row, part in zip(sums, sums_AL.split(lengths, dim=1), strict=True):
        if keeps_sums:
            row[:, : part.shape[1]] = part
    return output[None], sums, seed, seed, longest_q, longest_k


def _efficient_backward(gradient, query, key, value, bias, output, offsets, _, longest_q, longest_k, sums, dropout,
                        seed, unused, mask, needs_bias_gradient, **rest):  # fmt: skip
    assert sums.shape[-1] > 0, "the forward pass kept no sums"
    rows = zip(sums, offsets.diff().tolist(), strict=True)
    sums_AL = torch.cat([row[:, :length] for row, length in rows], dim=1)
    parts = (part[0] for part in (gradient, query, key, value, output))
    found = _backward(*parts, sums_AL, offsets, dropout, seed, bits=24)
    return *(part[None] for part in found), query.new_empty(0)


def _check(offsets_q: Tensor, offsets_k: Tensor, longest: int, query_LAD: Tensor) -> None:
    """Hold a call to what the kernels ask for."""
    assert offsets_q.dtype == offsets_k.dtype == torch.int32
    assert torch.equal(offsets_q, offsets_k)
    assert query_LAD.stride(-1) == 1
    assert query_LAD.shape[-1] % 4 == 0
    assert int(offsets_q[0]) == 0
    assert int(offsets_q[-1]) == len(query_LAD)
    assert int(offsets_q.diff().max()) <= longest


def _draw_seed(dropout: float) -> Tensor:
    """Return a seed drawn from the default generator, which is left alone without dropout, as on a GPU."""
    return torch.randint(2**62, ()) if dropout > 0 else torch.zeros((), dtype=torch.int64)


def _sequences(offsets: Tensor, *parts_LAD: Tensor) -> Iterator[tuple[slice, list[Tensor]]]:
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        tokens = slice(start, end)
        yield tokens, [_wide(part[tokens].transpose(0, 1)) for part in parts_LAD]


def _wide(tensor: Tensor) -> Tensor:
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _kept(shape: torch.Size, dropout: float, draw: torch.Generator | None, bits: int, like: Tensor) -> Tensor | float:
    """Return the factors (A, T, T) of dropout: 0 or 1 / (1 - p), of a weight that is kept."""
    if draw is None:
        return 1.0
    drawn = torch.randint(2**bits, shape, generator=draw)
    return (drawn <= int((1 - dropout) * (2**bits - 1))).to(like.dtype) / (1 - dropout)


def _generator(dropout: float, seed: Tensor) -> torch.Generator | None:
    return torch.Generator().manual_seed(int(seed)) if dropout > 0 else None


def _forward(query, key, value, offsets, dropout: float, seed: Tensor, bits: int) -> tuple[Tensor, Tensor]:
    output, sums_AL = torch.empty(query.shape, dtype=query.dtype), _wide(query.new_empty(query.shape[1], len(query)))
    draw = _generator(dropout, seed)
    for tokens, (q, k, v) in _sequences(offsets, query, key, value):
        logits = q @ k.transpose(1, 2) / query.shape[-1] ** 0.5
        weights = torch.softmax(logits, -1) * _kept(logits.shape, dropout, draw, bits, logits)
        output[tokens] = (weights @ v).transpose(0, 1).to(query.dtype)
        sums_AL[:, tokens] = torch.logsumexp(logits, -1)
    return output, sums_AL


def _backward(gradient, query, key, value, output, sums_AL, offsets, dropout, seed, bits) -> tuple[Tensor, ...]:
    scale = query.shape[-1] ** 0.5
    d_query, d_key, d_value = (torch.empty(part.shape, dtype=part.dtype) for part in (query, key, value))
    draw = _generator(dropout, seed)
    for tokens, (g, q, k, v, o) in _sequences(offsets, gradient, query, key, value, output):
        weights = torch.exp(q @ k.transpose(1, 2) / scale - sums_AL[:, tokens, None])
        kept = _kept(weights.shape, dropout, draw, bits, weights)
        d_logits = weights * (kept * (g @ v.transpose(1, 2)) - (g * o).sum(-1, keepdim=True)) / scale
        d_value[tokens] = ((weights * kept).transpose(1, 2) @ g).transpose(0, 1).to(value.dtype)
        d_query[tokens] = (d_logits @ k).transpose(0, 1).to(query.dtype)
        d_key[tokens] = (d_logits.transpose(1, 2) @ q).transpose(0, 1).to(key.dtype)
    return d_query, d_key, d_value
