"""A million (seed, epoch, sample) have a million streams of masks, where fairseq's key has few."""

import numpy as np
import pytest

from nsp_ablation.base.randomness import sample_key
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings

MILLION = 1_000_000
AXES = {
    "consecutive samples": lambda: [(1, 1, np.arange(MILLION))],
    "late samples": lambda: [(1, 1, np.arange(2**40, 2**40 + MILLION))],
    "samples far apart": lambda: [(1, 1, np.arange(MILLION) << 20)],
    "epochs and samples": lambda: [(1, epoch, np.arange(1000)) for epoch in range(1, 1001)],
    "seeds and samples": lambda: [(seed, 1, np.arange(1000)) for seed in range(1000)],
    "seeds, epochs and samples": lambda: [(s, e, np.arange(100)) for s in range(100) for e in range(1, 101)],
    "equal sums": lambda: [(seed, 1001 - seed, np.arange(1000)) for seed in range(1000)],
}


def fairseq_key(seed, epoch, samples):
    """Return fairseq's seeds of numpy's generator (data_utils.numpy_seed): a hash, reduced as a float."""
    return np.array([int(hash((seed, epoch, sample)) % 1e6) for sample in samples.tolist()])


def our_key(seed, epoch, samples):
    return sample_key(Masks(MaskingOptions("dynamic"), seed=seed).epoch_key(epoch), samples.astype(np.uint64))


def check_streams(key, axes):
    """A million keys are a million streams."""
    keys = np.concatenate([key(*place) for place in axes])
    assert len(keys) == MILLION
    num_streams = 1 + np.count_nonzero(np.diff(np.sort(keys)))
    assert num_streams == MILLION, f"{MILLION - num_streams} samples share a stream"


@pytest.mark.parametrize("axes", AXES.values(), ids=AXES)
def test_a_million_seeds_epochs_and_samples_have_a_million_streams(axes):
    check_streams(our_key, axes())


def test_fairseqs_key_collapses_to_some_34_thousand_streams_and_is_refused():
    keys = fairseq_key(1, 1, np.arange(MILLION))
    assert len(np.unique(keys)) < 50_000  # 34,415 in CPython since 3.8
    # a hash near 2**63 is a float in steps of 1,024, so that modulo 10**6 it is a multiple of 64: 15,625 values
    assert (keys % 64 == 0).mean() > 0.9
    with pytest.raises(AssertionError, match="share a stream"):
        check_streams(lambda *place: keys, AXES["consecutive samples"]())


def test_a_key_of_20_bits_or_of_a_sum_would_be_refused():
    with pytest.raises(AssertionError, match="share a stream"):
        check_streams(lambda *place: our_key(*place) & np.uint64(2**20 - 1), AXES["consecutive samples"]())
    with pytest.raises(AssertionError, match="share a stream"):
        check_streams(lambda seed, epoch, samples: seed + epoch + samples, AXES["epochs and samples"]())


def chosen(frame, seed, epoch, num_samples, length):
    """Return (num_samples, length) bool: the targets of samples of so many ordinary tokens."""
    masks = Masks(MaskingOptions("dynamic"), seed=seed)
    input_ids, special = np.full(num_samples * length, 50), np.zeros(num_samples * length, bool)
    offsets = np.arange(0, len(input_ids) + 1, length)
    _, positions, _ = mask_kernel(
        input_ids,
        special,
        offsets,
        sample_key(masks.epoch_key(epoch), np.arange(num_samples, dtype=np.uint64)),
        *mask_settings(frame, masks),
    )
    is_target = np.zeros(len(input_ids), bool)
    is_target[positions] = True
    return is_target.reshape(num_samples, length)


def test_masks_of_neighbours_overlap_as_those_of_strangers_and_none_are_equal(frame):
    num_samples, length, number = 20_000, 100, 15
    masks = chosen(frame, 1, 1, num_samples, length)
    assert len(np.unique(np.packbits(masks, axis=1), axis=0)) == num_samples
    neighbours = {
        "samples": (masks[1:], masks[:-1]),
        "epochs": (masks, chosen(frame, 1, 2, num_samples, length)),
        "seeds": (masks, chosen(frame, 2, 1, num_samples, length)),
    }
    # of 15 targets in 100, 15 * 15 / 100 are another's; the variance is hypergeometric
    variance = number * 0.15 * 0.85 * (length - number) / (length - 1)
    for name, (one, other) in neighbours.items():
        shared = (one & other).sum(axis=1)
        assert abs(shared.mean() - 2.25) < 5 * np.sqrt(variance / num_samples), name
        assert abs(shared.var() / variance - 1) < 0.1, name
