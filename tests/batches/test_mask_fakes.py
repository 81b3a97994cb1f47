"""The laws of masks refuse what only looks like a mask, each fake built on purpose."""

from dataclasses import replace

import numpy as np
import pytest

from nsp_ablation.base.randomness import sample_key
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.masking import Masks, mask_kernel, mask_settings


@pytest.fixture(scope="module")
def index(index_in):
    return index_in("segment_pair")


@pytest.fixture(scope="module")
def static(dynamic):
    return Masks(MaskingOptions("static", copies=10), seed=1)


@pytest.fixture(scope="module")
def masked(store, index, frame):
    """masked(masks, epoch=1) -> every sample under its mask."""
    return lambda masks, epoch=1: assemble_masked(store, index, frame, np.arange(index.num_samples), masks, epoch)


def check_masks(frame, flat, probability):
    """Targets are round(p n) of the n ordinary tokens, spread evenly, and nothing but targets changes."""
    is_target = flat.labels != -100
    assert not (is_target & flat.special).any(), "a special token is a target"
    assert np.array_equal(flat.labels[is_target], flat.input_ids[is_target]), "a label is not the token"
    changed = flat.masked_input_ids != flat.input_ids
    assert not (changed & ~is_target).any(), "a token changed that is no target"
    new = flat.masked_input_ids[changed]
    assert not np.isin(new[new != frame.mask], frame.special_ids).any(), "a special token was drawn"
    starts = flat.sequence_offsets[:-1]
    num_ordinary, num_targets = (np.add.reduceat(row.astype(int), starts) for row in (~flat.special, is_target))
    expected = np.maximum(1, np.round(probability * num_ordinary))
    assert np.array_equal(num_targets, expected), "another number of targets"
    share = num_targets / num_ordinary
    places = np.cumsum(~flat.special) - np.repeat(
        np.cumsum(num_ordinary) - num_ordinary, np.diff(flat.sequence_offsets)
    )
    relative = (places[is_target] - 0.5) / np.repeat(num_ordinary, num_targets)
    error = np.sqrt(((1 - share) / 12 * num_targets).sum()) / num_targets.sum()
    assert abs(relative.mean() - 0.5) < 5 * error, "targets lie nearer to one end"
    num_masks = (flat.masked_input_ids[is_target] == frame.mask).sum()
    assert abs(num_masks - 0.8 * is_target.sum()) < 5 * np.sqrt(0.16 * is_target.sum()), "not 80 percent are [MASK]"


def check_epochs(copies, masks_of_epoch):
    """`masks_of_epoch[e - 1]` are the targets of epoch e: static ones return after `copies` epochs, others never."""
    for later, mask in enumerate(masks_of_epoch):
        for earlier in range(later):
            returns = copies is not None and (later - earlier) % copies == 0
            assert np.array_equal(mask, masks_of_epoch[earlier]) == returns, f"epochs {earlier + 1} and {later + 1}"


def with_targets(flat, positions, frame):
    """Return `flat` with other targets, all [MASK]."""
    masked_input_ids = flat.input_ids.copy()
    masked_input_ids[positions] = frame.mask
    return replace(
        flat,
        masked_input_ids=masked_input_ids,
        masked_positions=positions,
        masked_labels=flat.input_ids[positions],
    )


def test_masks_themselves_pass(frame, masked, dynamic, static):
    for masks in (dynamic, static):
        for epoch in (1, 2):
            check_masks(frame, masked(masks, epoch), 0.15)
        check_epochs(masks.options.copies, [masked(masks, epoch).masked_positions for epoch in range(1, 23)])


def test_static_masks_that_differ_between_epochs_1_and_11_are_refused(masked, dynamic):
    with pytest.raises(AssertionError, match="epochs 1 and 11"):
        check_epochs(10, [masked(dynamic, epoch).masked_positions for epoch in range(1, 12)])


def test_static_masks_with_nine_copies_for_ten_are_refused(masked, static):
    nine = replace(static, options=MaskingOptions("static", copies=9))
    with pytest.raises(AssertionError, match="epochs 1 and 10"):
        check_epochs(10, [masked(nine, epoch).masked_positions for epoch in range(1, 12)])


def test_dynamic_masks_that_return_once_are_refused(masked, dynamic):
    masks = [masked(dynamic, epoch).masked_positions for epoch in range(1, 12)]
    masks[7] = masks[2]
    with pytest.raises(AssertionError, match="epochs 3 and 8"):
        check_epochs(None, masks)


def test_a_mask_that_leaks_one_separator_is_refused(frame, masked, dynamic):
    flat = masked(dynamic)
    positions = np.sort(np.append(flat.masked_positions[1:], flat.sequence_offsets[1] - 1))
    with pytest.raises(AssertionError, match="a special token is a target"):
        check_masks(frame, with_targets(flat, positions, frame), 0.15)


def test_a_special_token_drawn_once_is_refused(frame, masked, dynamic):
    flat = masked(dynamic)
    flat.masked_input_ids[flat.masked_positions[5]] = frame.sep
    with pytest.raises(AssertionError, match="a special token was drawn"):
        check_masks(frame, flat, 0.15)


def test_targets_chosen_among_all_tokens_and_then_dropped_if_special_are_refused(frame, masked, dynamic):
    flat = masked(dynamic)
    keys = sample_key(dynamic.epoch_key(1), np.arange(len(flat.sequence_offsets) - 1, dtype=np.uint64))
    unaware = np.zeros_like(flat.special)
    _, positions, _ = mask_kernel(flat.input_ids, unaware, flat.sequence_offsets, keys, *mask_settings(frame, dynamic))
    with pytest.raises(AssertionError, match="another number of targets"):
        check_masks(frame, with_targets(flat, positions[~flat.special[positions]], frame), 0.15)


def test_targets_at_the_front_of_each_sample_are_refused(frame, masked, dynamic):
    flat = masked(dynamic)
    numbers = np.diff(np.searchsorted(flat.masked_positions, flat.sequence_offsets))
    ordinary = [
        np.flatnonzero(~flat.special[a:b]) + a
        for a, b in zip(flat.sequence_offsets[:-1], flat.sequence_offsets[1:], strict=True)
    ]
    front = np.concatenate([places[:number] for places, number in zip(ordinary, numbers, strict=True)])
    with pytest.raises(AssertionError, match="targets lie nearer to one end"):
        check_masks(frame, with_targets(flat, front, frame), 0.15)


def test_targets_that_all_become_mask_are_refused(frame, masked, dynamic):
    with pytest.raises(AssertionError, match="not 80 percent"):
        check_masks(
            frame,
            masked(replace(dynamic, options=MaskingOptions("dynamic", mask_fraction=1.0, random_fraction=0.0))),
            0.15,
        )


def test_a_token_that_changes_without_being_a_target_is_refused(frame, masked, dynamic):
    flat = masked(dynamic)
    with pytest.raises(AssertionError, match="a token changed that is no target"):
        check_masks(
            frame, replace(flat, masked_positions=flat.masked_positions[1:], masked_labels=flat.masked_labels[1:]), 0.15
        )
