"""Trimming a pair that is longer than its capacity, as BERT's `truncate_seq_pair` does."""

import numpy as np
from numba.extending import register_jitable

from nsp_ablation.samples.formats.kernels.draws import draw64

_COINS_PER_DRAW = 64
_SHIFT_63 = np.uint64(63)


@register_jitable
def trim_pair(start_a, end_a, start_b, end_b, capacity, key, first_counter):
    """Drop tokens one by one until A and B hold `capacity` tokens together (Devlin et al. 2019, released code).

    Each token leaves the longer segment (B where they are equal), from its front or its back with p = .5, so both
    stay contiguous. Coin i is bit 63 - i % 64 of draw `first_counter` + i // 64 of `key` (uint64); 1 means the front.
    Tokens are int64 positions in the store. Returns (start_a, end_a, start_b, end_b).
    """
    num_excess = (end_a - start_a) + (end_b - start_b) - capacity
    coins = np.uint64(0)
    for i in range(num_excess):
        if i % _COINS_PER_DRAW == 0:
            coins = draw64(key, first_counter + np.uint64(i // _COINS_PER_DRAW))
        front = np.int64(coins >> _SHIFT_63)
        coins += coins
        if end_a - start_a > end_b - start_b:
            start_a, end_a = start_a + front, end_a - 1 + front
        else:
            start_b, end_b = start_b + front, end_b - 1 + front
    return start_a, end_a, start_b, end_b
