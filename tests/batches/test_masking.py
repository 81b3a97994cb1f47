"""Laws of MLM masks (Liu et al. 2019, section 4.1; fidelity rows 12 and 13)."""

import dataclasses

import numpy as np
import pytest

from nsp_ablation.base.randomness import draw64, epoch_key, sample_key, stream
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings, never_masked

SPECIALS = {0, 1, 2, 3, 4}


def masked_positions(store, index, frame, masks, epoch, sample=0):
    return assemble_masked(store, index, frame, np.array([sample]), masks, epoch).masked_positions.tolist()


@pytest.fixture(scope="module")
def full(index_in):
    return index_in("full")


def mask_lengths(lengths, frame, masks, epoch=1):
    """Mask sequences of so many ordinary tokens (id 50) between two special ones."""
    offsets = np.concatenate([[0], np.cumsum(np.array(lengths) + 2)])
    special = np.zeros(offsets[-1], bool)
    special[offsets[:-1]] = special[offsets[1:] - 1] = True
    input_ids = np.where(special, 2, 50)
    return (
        input_ids,
        special,
        offsets,
        mask_kernel(
            input_ids,
            special,
            offsets,
            sample_key(masks.epoch_key(epoch), np.arange(len(lengths), dtype=np.uint64)),
            *mask_settings(frame, masks),
        ),
    )


def test_epochs_1_11_21_and_31_share_a_mask_under_ten_copies_and_2_to_10_do_not(store, frame, full, dynamic):
    masks = Masks(MaskingOptions("static", copies=10), seed=1)
    found = {epoch: masked_positions(store, full, frame, masks, epoch) for epoch in range(1, 41)}
    assert found[1] == found[11] == found[21] == found[31]
    assert all(found[epoch] == found[epoch + 10] for epoch in range(1, 31))
    assert len({tuple(found[epoch]) for epoch in range(1, 11)}) == 10


def test_epochs_count_from_1_and_copies_from_0(dynamic):
    masks = Masks(MaskingOptions("static", copies=10), seed=1)
    assert [masks.options.mask_epoch(epoch) for epoch in (1, 10, 11, 40)] == [0, 9, 0, 9]
    assert [dynamic.options.mask_epoch(epoch) for epoch in (1, 10, 11)] == [1, 10, 11]


def test_static_masks_of_one_copy_never_change_and_dynamic_ones_always_do(store, frame, full, dynamic):
    static = Masks(MaskingOptions("static", copies=1), seed=1)
    assert len({tuple(masked_positions(store, full, frame, static, epoch)) for epoch in range(1, 30)}) == 1
    assert len({tuple(masked_positions(store, full, frame, dynamic, epoch)) for epoch in range(1, 30)}) == 29


def test_seed_and_sample_change_the_mask(frame, dynamic):
    _, _, offsets, (_, positions, _) = mask_lengths([60] * 20, frame, dynamic)
    starts = offsets[np.searchsorted(offsets, positions, side="right") - 1]
    of_sample = [tuple((positions - starts)[starts == start]) for start in offsets[:-1]]
    assert len(set(of_sample)) == 20
    other = mask_lengths([60] * 20, frame, dataclasses.replace(dynamic, seed=2))[3][1]
    assert not np.array_equal(other, positions)


@pytest.mark.parametrize(
    ("num_ordinary", "num_masked"),
    [(1, 1), (3, 1), (9, 1), (10, 2), (16, 2), (17, 3), (30, 4), (50, 8), (100, 15), (5000, 750)],
)
def test_exact_masks_round_15_percent_half_to_even_and_never_fewer_than_one(frame, dynamic, num_ordinary, num_masked):
    for epoch in range(1, 20):
        _, _, _, (_, positions, _) = mask_lengths([num_ordinary], frame, dynamic, epoch)
        assert len(positions) == num_masked


def test_a_sequence_of_special_tokens_alone_has_no_targets(frame, dynamic):
    for count in ("exact", "bernoulli"):
        input_ids, _, _, (masked, positions, labels) = mask_lengths(
            [0], frame, Masks(MaskingOptions("dynamic", count=count), seed=1)
        )
        assert np.array_equal(masked, input_ids)
        assert len(positions) == len(labels) == 0


def test_bernoulli_masks_15_percent_within_five_standard_errors_and_varies(frame, dynamic):
    masks = Masks(MaskingOptions("dynamic", count="bernoulli"), seed=1)
    _, _, offsets, (_, positions, _) = mask_lengths([100] * 2000, frame, masks)
    counts = np.histogram(positions, offsets)[0]
    assert abs(counts.sum() - 30_000) < 5 * np.sqrt(200_000 * 0.15 * 0.85)
    assert abs(counts.var() - 100 * 0.15 * 0.85) < 3  # binomial variance of a sequence is 12.75
    few = np.histogram(mask_lengths([3] * 100, frame, masks)[3][1], np.arange(0, 501, 5))[0]
    assert few.min() == 0  # no minimum of one


def test_80_percent_become_mask_10_percent_random_10_percent_stay(frame, dynamic):
    input_ids, _, _, (masked, positions, labels) = mask_lengths([100] * 2000, frame, dynamic)
    new, num = masked[positions], len(positions)
    assert num == 2000 * 15
    assert (labels == 50).all()
    tolerance = 5 * np.sqrt(num * 0.1 * 0.9)
    num_ordinary = frame.vocab_size - len(SPECIALS)
    assert abs((new == frame.mask).sum() - 0.8 * num) < 5 * np.sqrt(num * 0.8 * 0.2)
    assert abs((new == 50).sum() - num * (0.1 + 0.1 / num_ordinary)) < tolerance
    assert abs(((new != 50) & (new != frame.mask)).sum() - num * 0.1 * (1 - 1 / num_ordinary)) < tolerance
    untouched = np.setdiff1d(np.arange(len(input_ids)), positions)
    assert np.array_equal(masked[untouched], input_ids[untouched])


def test_the_fractions_are_settings(frame, dynamic):
    always_mask = Masks(MaskingOptions("dynamic", mask_fraction=1.0, random_fraction=0.0), seed=1)
    _, _, _, (masked, positions, _) = mask_lengths([100] * 50, frame, always_mask)
    assert (masked[positions] == frame.mask).all()
    never = Masks(MaskingOptions("dynamic", mask_fraction=0.0, random_fraction=0.0, probability=0.5), seed=1)
    input_ids, _, _, (masked, positions, _) = mask_lengths([100] * 50, frame, never)
    assert np.array_equal(masked, input_ids)
    assert len(positions) == 50 * 50


def test_random_tokens_are_uniform_over_the_ordinary_vocabulary_and_never_special(frame, dynamic):
    masks = Masks(MaskingOptions("dynamic", mask_fraction=0.0, random_fraction=1.0), seed=1)
    _, _, _, (masked, positions, _) = mask_lengths([1000] * 300, frame, masks)
    counts = np.bincount(masked[positions], minlength=frame.vocab_size)
    assert counts[list(SPECIALS)].sum() == 0
    expected = 45_000 / 195
    chi_square = ((counts[5:] - expected) ** 2 / expected).sum()
    assert abs(chi_square - 194) < 5 * np.sqrt(2 * 194)


def test_special_tokens_are_never_targets_wherever_they_stand(frame, dynamic):
    input_ids = np.tile(np.array([0, 50, 51, 2, 52, 2]), 500)
    special = np.isin(input_ids, list(SPECIALS))
    masks = Masks(MaskingOptions("dynamic", probability=0.9), seed=1)
    keys = sample_key(masks.epoch_key(1), np.arange(500, dtype=np.uint64))
    _, positions, _ = mask_kernel(input_ids, special, np.arange(0, 3001, 6), keys, *mask_settings(frame, masks))
    assert len(positions) == 500 * 3
    assert not special[positions].any()


def test_every_position_is_chosen_equally_often(frame, dynamic):
    _, _, offsets, (_, positions, _) = mask_lengths([20] * 20_000, frame, dynamic)
    counts = np.bincount(positions % 22, minlength=22)[1:-1]
    expected = 20_000 * 3 / 20
    assert counts.sum() == 60_000
    assert abs(counts - expected).max() < 5 * np.sqrt(20_000 * 0.15 * 0.85)


def test_every_set_of_positions_is_equally_likely(frame, dynamic):
    masks = Masks(MaskingOptions("dynamic", probability=0.4), seed=1)
    _, _, offsets, (_, positions, _) = mask_lengths([5] * 20_000, frame, masks)
    pairs = (positions - offsets[np.searchsorted(offsets, positions, side="right") - 1]).reshape(-1, 2)
    _, counts = np.unique(pairs, axis=0, return_counts=True)
    assert len(counts) == 10
    assert ((counts - 2000) ** 2 / 2000).sum() < 9 + 5 * np.sqrt(2 * 9)


def reference_mask(input_ids, special, key, frame, masks):
    """The same in plain Python: Floyd's sample of round(.15 n) ordinary positions, each replaced by its own draws."""

    def bits(counter):
        return int(draw64(np.full(1, key), np.full(1, counter, np.uint64))[0])

    ordinary = [position for position in range(len(input_ids)) if not special[position]]
    taken = set()
    for last in range(len(ordinary) - max(1, round(masks.options.probability * len(ordinary))), len(ordinary)):
        pick = bits(last) * (last + 1) >> 64
        taken.add(last if pick in taken else pick)
    chosen = sorted(ordinary[place] for place in taken)
    vocabulary = [token for token in range(frame.vocab_size) if token not in SPECIALS]
    masked = list(input_ids)
    for position in chosen:
        action = bits(position + 2**32) / 2**64
        token = bits(position + 2**33) * len(vocabulary) >> 64
        if action < masks.options.mask_fraction:
            masked[position] = frame.mask
        elif action < masks.options.mask_fraction + masks.options.random_fraction:
            masked[position] = vocabulary[token]
    return masked, chosen


def test_the_kernel_agrees_with_plain_python(frame, dynamic):
    key_of_epoch = epoch_key(dynamic.seed, stream("masks"), 7)
    lengths = [1, 2, 5, 40, 63, 64, 65, 300]
    input_ids, special, offsets, (masked, positions, _) = mask_lengths(lengths, frame, dynamic, epoch=7)
    for sample, (start, end) in enumerate(zip(offsets[:-1], offsets[1:], strict=True)):
        key = sample_key(np.full(1, key_of_epoch), np.full(1, sample, np.uint64))[0]
        expected, chosen = reference_mask(input_ids[start:end].tolist(), special[start:end], key, frame, dynamic)
        assert masked[start:end].tolist() == expected
        assert (positions[(start <= positions) & (positions < end)] - start).tolist() == chosen


def test_a_mask_depends_on_its_sample_alone_and_not_on_the_batch(store, frame, full, dynamic):
    together = assemble_masked(store, full, frame, np.arange(full.num_samples), dynamic, 3)
    for sample in range(full.num_samples):
        alone = assemble_masked(store, full, frame, np.array([sample]), dynamic, 3)
        start, end = together.sequence_offsets[sample : sample + 2]
        assert np.array_equal(alone.masked_input_ids, together.masked_input_ids[start:end])
        assert np.array_equal(alone.labels, together.labels[start:end])


@pytest.mark.parametrize(
    ("name", "copies", "epochs", "expected"),
    [("dynamic", None, 40.0, 1.0), ("static", 10, 40.0, 4.0), ("static", 1, 40.0, 40.0), ("static", 10, 5.0, 1.0)],
)
def test_exposures_of_a_mask_are_the_papers(name, copies, epochs, expected):
    assert MaskingOptions(name, copies).exposures(epochs) == expected


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mask_fraction": 0.9, "random_fraction": 0.2}, "exceeds 1; lower"),
        ({"name": "static"}, "masking.copies=None"),
        ({"copies": 10}, "masking.copies=10"),
    ],
)
def test_masks_that_make_no_sense_are_refused(dynamic, changes, message):
    with pytest.raises(ValueError, match=message):
        Masks(MaskingOptions(**{"name": "dynamic"} | changes), seed=1)


def test_an_unknown_word_of_the_text_is_a_target_but_no_unknown_word_is_drawn(frame, dynamic):
    unknown = next(i for i in frame.special_ids if i not in (frame.cls, frame.sep, frame.mask, frame.pad))
    assert set(never_masked(frame)) == {frame.cls, frame.sep, frame.mask, frame.pad}
    assert unknown not in never_masked(frame)
    masks = Masks(MaskingOptions("dynamic", probability=0.9, mask_fraction=0.0, random_fraction=1.0), seed=1)
    _, _, _, (masked, positions, _) = mask_lengths([500] * 20, frame, masks)
    assert not np.isin(masked[positions], frame.special_ids).any()
