"""Random choices of the micro-world: plain Python values drawn from counter-based bits."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from nsp_ablation.base.randomness import draw64, epoch_key, permutation, sample_key, stream

Item = TypeVar("Item")

_BLOCK = 256  # bits are made 256 numbers at a time: numpy's cost per call is that of about 30 draws in Python


class Draws:
    """A source of choices that is a pure function of (seed, name, sample)."""

    def __init__(self, seed: int, name: str, sample: int) -> None:
        self._key = sample_key(epoch_key(seed, stream(f"microworld/{name}"), 0), np.array([sample], dtype=np.uint64))
        self._num_blocks = 0
        self._bits: list[int] = []

    def integer(self, stop: int) -> int:
        """Return an integer of [0, stop); its bias is below stop / 2**32."""
        if not self._bits:
            first = self._num_blocks * _BLOCK
            counters = np.arange(first, first + _BLOCK, dtype=np.uint64)
            self._bits = (draw64(self._key, counters) >> np.uint64(32)).tolist()
            self._num_blocks += 1
        return (self._bits.pop() * stop) >> 32

    def chance(self, probability: float) -> bool:
        """Return True with `probability`."""
        return self.integer(1 << 32) < probability * (1 << 32)

    def choice(self, items: Sequence[Item]) -> Item:
        """Return one of `items`."""
        return items[self.integer(len(items))]

    def sample(self, items: Sequence[Item], size: int) -> list[Item]:
        """Return `size` different items in random order (the first steps of Fisher and Yates' shuffle)."""
        rest = list(items)
        for place in range(size):
            other = place + self.integer(len(rest) - place)
            rest[place], rest[other] = rest[other], rest[place]
        return rest[:size]


def balanced(choices: Sequence[Item], num_samples: int, seed: int, name: str) -> list[Item]:
    """Return (num_samples,) choices in random order, each as often as every other (to within one)."""
    order = permutation(seed, stream(f"microworld/{name}/balance"), 0, num_samples)
    return [choices[place % len(choices)] for place in order.tolist()]
