"""Counter-based randomness: every draw is a pure function of (seed, stream, epoch, sample) and a counter.

The key is a chain of 64-bit bijections, so within one (seed, stream, epoch) two samples never share a key, and over
other epochs and seeds only as two random 64-bit numbers do. `mix64`, `key64` and `draw64` run on Python-level numpy
arrays and, compiled with `numba.njit`, on scalars inside kernels; both give the same bits.
"""

import hashlib

import numpy as np

_MULTIPLIER_1 = np.uint64(0xBF58476D1CE4E5B9)
_MULTIPLIER_2 = np.uint64(0x94D049BB133111EB)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SHIFT_30, _SHIFT_27, _SHIFT_31 = np.uint64(30), np.uint64(27), np.uint64(31)


def stream(name: str) -> np.uint64:
    """Return the number of a named stream ("masks", "order", ...), the same in every process and release."""
    return np.uint64(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little"))


def mix64(x):
    """Return the SplitMix64 finalizer of uint64 `x` (Steele et al. 2014): a bijection of 64 bits."""
    x = (x ^ (x >> _SHIFT_30)) * _MULTIPLIER_1
    x = (x ^ (x >> _SHIFT_27)) * _MULTIPLIER_2
    return x ^ (x >> _SHIFT_31)


def epoch_key(seed: int, stream_number: np.uint64, epoch: int) -> np.uint64:
    """Return the 64-bit key of one (seed, stream, epoch); `seed` and `epoch` are integers of up to 64 bits."""
    if seed < 0 or epoch < 0:
        raise ValueError(f"{seed=} and {epoch=} must not be negative")
    parts = np.array([seed, epoch], dtype=np.uint64)
    key = mix64(parts[:1] + _GOLDEN)
    key = mix64((key ^ stream_number) + _GOLDEN)
    return mix64((key ^ parts[1:]) + _GOLDEN)[0]


def sample_key(epoch_key_value, sample):
    """Return the uint64 key of `sample` (uint64 scalar in numba, array in numpy) under an `epoch_key`."""
    return mix64((epoch_key_value ^ sample) + _GOLDEN)


def draw64(key, counter):
    """Return the `counter`-th (uint64) 64 random bits of a sample's key."""
    return mix64(key + (counter + np.uint64(1)) * _GOLDEN)


def permutation(seed: int, stream_number: np.uint64, epoch: int, num_samples: int) -> np.ndarray:
    """Return a random order (num_samples,) int64 of all samples of an epoch."""
    samples = np.arange(num_samples, dtype=np.uint64)
    keys = sample_key(np.full(1, epoch_key(seed, stream_number, epoch)), samples)
    return np.argsort(keys, kind="stable").astype(np.int64)
