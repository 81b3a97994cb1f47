"""The parts of the GPU check that concern attention alone: values, dropout, determinism."""

# L tokens, A heads of size D

from typing import Any

import torch
from torch import Tensor

from nsp_ablation.learning.engine.attention import EFFICIENT, FLASH, LENGTH_GROUPS, attention_layout, flat_attention

WAYS = ((FLASH, torch.bfloat16, 1e-2), (EFFICIENT, torch.float32, 1e-4), (LENGTH_GROUPS, torch.float32, 1e-4))
_FLASH_SHARE = 26 / 256  # of weights that are dropped at .1: 8 bits


def attention(check: Any) -> None:
    """Outputs and gradients of each way beside float64 arithmetic."""
    heads, size = (12, 64) if check.on_gpu else (2, 16)
    kinds = {"full": [512, 505, 498, 512, 509], "mixed": [1, 2, 512, 17, 300, 64, 65, 128, 1]}
    if not check.on_gpu:
        kinds = {name: [-(-length // 16) for length in lengths] for name, lengths in kinds.items()}
    for name, lengths in kinds.items():
        packed, weights = _random(check, sum(lengths), 3 * heads * size), _random(check, sum(lengths), heads * size)
        for way, dtype, tolerance in WAYS:
            given = packed.to(dtype).requires_grad_()
            double = given.detach().double().requires_grad_()
            expected = torch.cat([_plain(part, heads) for part in double.split(lengths)])
            found = flat_attention(given, _layout(check, lengths, way), heads, 0.0)
            sides = [torch.autograd.grad((out * weights.to(out.dtype)).sum(), of)[0] for out, of in
                     ((found, given), (expected, double))]  # fmt: skip
            errors = [_error(found, expected), _error(*sides)]
            said = f"forward {errors[0]:.1e}, backward {errors[1]:.1e}"
            check.note("attention", f"{name}: {way}, {dtype}", said, f"< {tolerance}", max(errors) < tolerance)
            if check.on_gpu:
                layout = _layout(check, lengths, way)
                milliseconds = check.milliseconds(
                    lambda given=given, layout=layout: flat_attention(given, layout, heads, 0.1).sum().backward()
                )
                check.note("attention", f"{name}: {way}, forward and backward", f"{milliseconds:.2f} ms")


def dropout(check: Any) -> None:
    """Share dropped; the backward pass has the forward's mask; a seed draws the same again."""
    size, probability = 64, 0.1
    lengths = [size] * (600 if check.on_gpu else 40)
    eye = torch.eye(size, device=check.device).repeat(len(lengths), 1)
    packed = torch.cat([0.3 * _random(check, sum(lengths), 2 * size), eye], 1)
    for way, dtype, _ in WAYS:
        given, layout = packed.to(dtype).requires_grad_(), _layout(check, lengths, way)
        torch.manual_seed(3)
        dropped = flat_attention(given, layout, 1, probability)
        share, expected = float((dropped == 0).double().mean()), _FLASH_SHARE if way == FLASH else probability
        near = abs(share - expected) < (1e-3 if check.on_gpu else 5e-3)
        check.note("dropout", f"{way}: share", f"{share:.4f}", f"{expected:.4f}", near)
        weights = _random(check, *dropped.shape)
        (gradient,) = torch.autograd.grad((dropped.float() * weights).sum(), given)
        # the output is linear in V: <weights, f(V)> = <gradient, V>
        left = float((dropped.detach().double() * weights.double()).sum())
        right = float((gradient[:, 2 * size :].double() * given[:, 2 * size :].detach().double()).sum())
        equal = abs(left - right) / (abs(left) + 1) < 0.02
        check.note("dropout", f"{way}: backward has the mask", f"{left:.2f}, {right:.2f}", "equal", equal)
        torch.manual_seed(3)
        same = torch.equal(flat_attention(given, layout, 1, probability), dropped)
        check.note("dropout", f"{way}: drawn again by the seed", same, "True", same)


def determinism(check: Any) -> None:
    """Gradients of two equal calls, with and without torch's deterministic algorithms."""
    heads, size, lengths = (12, 64, [512] * 32) if check.on_gpu else (2, 16, [32] * 4)
    given = _random(check, sum(lengths), 3 * heads * size).bfloat16().requires_grad_()
    layout = _layout(check, lengths, FLASH)
    before = torch.are_deterministic_algorithms_enabled()
    try:
        for flag in (False, True):
            torch.use_deterministic_algorithms(flag)
            gradients = []
            for _ in range(2):
                torch.manual_seed(3)
                loss = flat_attention(given, layout, heads, 0.1).float().square().sum()
                gradients.append(torch.autograd.grad(loss, given)[0])
            difference = float((gradients[0] - gradients[1]).abs().max())
            is_held = flag or not check.on_gpu
            expected = "0" if is_held else "rounding (dQ by atomics)"
            ok = difference == 0 if is_held else None
            check.note("determinism", f"deterministic algorithms {flag}: difference", difference, expected, ok)
    finally:
        torch.use_deterministic_algorithms(before)


def _random(check: Any, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).to(check.device)


def _layout(check: Any, lengths: list[int], way: str) -> Any:
    return attention_layout(torch.tensor([0, *lengths]).cumsum(0), way).to(check.device)


def _plain(packed: Tensor, heads: int) -> Tensor:
    query, key, value = (part.transpose(0, 1) for part in packed.unflatten(1, (3, heads, -1)).unbind(1))
    weights = torch.softmax(query @ key.transpose(1, 2) / query.shape[-1] ** 0.5, -1)
    return (weights @ value).transpose(0, 1).flatten(1)


def _error(found: Tensor, expected: Tensor) -> float:
    found, expected = found.detach().double(), expected.detach().double()
    return float((found - expected).norm() / expected.norm())
