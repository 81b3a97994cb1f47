"""Laws of the counter-based randomness."""

import numba
import numpy as np
import pytest

from nsp_ablation.base.randomness import draw64, epoch_key, mix64, permutation, sample_key, stream


def test_a_million_keys_give_a_million_streams():
    num_each = 100
    firsts = []
    samples = np.arange(num_each, dtype=np.uint64)
    for seed in range(num_each):
        for epoch in range(num_each):
            keys = sample_key(epoch_key(seed, stream("masks"), epoch), samples)
            firsts.append(draw64(keys, np.uint64(0)))
    assert len(np.unique(np.concatenate(firsts))) == num_each**3


def test_samples_of_one_epoch_never_share_a_key():
    keys = sample_key(epoch_key(0, stream("masks"), 1), np.arange(1_000_000, dtype=np.uint64))
    assert len(np.unique(keys)) == 1_000_000


def test_every_coordinate_counts():
    base = epoch_key(3, stream("masks"), 5)
    assert (
        len(
            {base, epoch_key(5, stream("masks"), 3), epoch_key(3, stream("order"), 5), epoch_key(4, stream("masks"), 5)}
        )
        == 4
    )


def test_bits_are_fair_within_five_standard_errors():
    words = draw64(np.full(20_000, epoch_key(0, stream("x"), 0)), np.arange(20_000, dtype=np.uint64))
    shares = [np.mean((words >> np.uint64(bit)) & np.uint64(1)) for bit in range(64)]
    assert np.abs(np.array(shares) - 0.5).max() < 5 * 0.5 / np.sqrt(20_000)


def test_numba_gives_the_same_bits():
    compiled_mix = numba.njit(mix64)
    values = np.arange(1000, dtype=np.uint64) * np.uint64(0x123456789ABCDEF)
    assert all(compiled_mix(value) == expected for value, expected in zip(values, mix64(values), strict=True))


def test_the_stream_is_that_of_the_first_release():
    assert int(stream("masks")) == int.from_bytes(__import__("hashlib").sha256(b"masks").digest()[:8], "little")
    assert int(mix64(np.array([1], dtype=np.uint64))[0]) == 0x5692161D100B05E5


def test_permutation_holds_each_sample_once_and_changes_with_the_epoch():
    first, second = permutation(1, stream("order"), 1, 1000), permutation(1, stream("order"), 2, 1000)
    assert sorted(first) == list(range(1000))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, permutation(1, stream("order"), 1, 1000))


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="seed=-1"):
        epoch_key(-1, stream("masks"), 0)
