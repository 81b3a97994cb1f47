"""Random choices of the micro-world: plain Python values drawn from counter-based bits."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from nsp_ablation.base.randomness import draw64, epoch_key, permutation, sample_key, stream

Item = TypeVar("Item")

_BLOCK = 256  # bits are made 256 numbers at a time: numpy's cost per call is that of about 30 draws in Python
_SAMPLES = 64  # whose first blocks are made together, as most need one block


class Draws:
    """A source of choices that is a pure function of (seed, name, sample)."""

    def __init__(self, seed: int, name: str, sample: int) -> None:
        chunk, row = divmod(sample, _SAMPLES)
        keys, first_blocks = _first_blocks(seed, name, chunk)
        self._key = keys[row : row + 1]
        self._num_blocks = 1
        self._bits: list[int] = first_blocks[row].tolist()

    def integer(self, stop: int) -> int:
        """Return an integer of [0, stop); its bias is below stop / 2**32."""
        if not self._bits:
            self._bits = _block(self._key, self._num_blocks).tolist()
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


@lru_cache(maxsize=2)
def _first_blocks(seed: int, name: str, chunk: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the keys (_SAMPLES,) and the first blocks of bits (_SAMPLES, _BLOCK) of samples that follow each other."""
    samples = np.arange(chunk * _SAMPLES, (chunk + 1) * _SAMPLES, dtype=np.uint64)
    keys = sample_key(np.full(1, epoch_key(seed, stream(f"microworld/{name}"), 0)), samples)
    return keys, _block(keys[:, None], 0)


def _block(key: np.ndarray, number: int) -> np.ndarray:
    counters = np.arange(number * _BLOCK, (number + 1) * _BLOCK, dtype=np.uint64)
    return draw64(key, counters) >> np.uint64(32)


def balanced(choices: Sequence[Item], num_samples: int, seed: int, name: str) -> list[Item]:
    """Return (num_samples,) choices in random order, each as often as every other (to within one)."""
    order = permutation(seed, stream(f"microworld/{name}/balance"), 0, num_samples)
    return [choices[place % len(choices)] for place in order.tolist()]
