"""Sliding windows over a long context (Devlin et al. 2019, released run_squad.py)."""

import numpy as np


def sliding_windows(num_tokens: int, capacity: int, stride: int) -> list[tuple[int, int]]:
    """Return windows [start, end) of at most `capacity` tokens, `stride` apart, that cover all `num_tokens`."""
    assert 1 <= stride <= capacity, (stride, capacity)
    windows = [(0, min(capacity, num_tokens))]
    while windows[-1][1] < num_tokens:
        start = windows[-1][0] + stride
        windows.append((start, min(start + capacity, num_tokens)))
    return windows


def best_context_ranges(windows: list[tuple[int, int]], num_tokens: int) -> list[tuple[int, int]]:
    """Return for each window the tokens [start, end) that see more context in it than in any other window.

    A token's context in a window is the smaller of the tokens to its left and right there (BERT's "max context"). The
    ranges divide all tokens; an answer may start only in its own range, so no answer competes with itself.
    """
    tokens = np.arange(num_tokens)
    start, end = (np.array(border)[:, None] for border in zip(*windows, strict=True))
    context = np.minimum(tokens - start, end - 1 - tokens) + 0.01 * (end - start)
    context[(tokens < start) | (tokens >= end)] = -np.inf
    borders = np.searchsorted(context.argmax(axis=0), np.arange(len(windows) + 1))
    return [(int(borders[window]), int(borders[window + 1])) for window in range(len(windows))]
