"""Samples as a data set of torch: an item is a function of its number, and batches are padded without a trace."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.dataset import EpochSamples, PaddedBatch, PlannedUpdates
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

FRAME = Frame(24, 2, 3, 4, 0, 1, (0, 1, 2, 3, 4), 60, False)
SENTENCES = [[5 + (7 * i + j) % 50 for j in range(1 + (5 * i) % 9)] for i in range(90)]
STORE = TokenStore.from_documents([SENTENCES[i : i + 2 + i % 4] for i in range(0, 85, 5)], vocab_size=60)


def index_of(name, order="nsp", seed=1, resample=False):
    """An epoch's samples; drawn anew in each with `resample`."""
    shape = make_format(FormatOptions(name, resample=resample), order)
    kept = {}

    def opened(epoch):
        drawn = epoch if resample else 0
        if drawn not in kept:
            kept[drawn] = shape.index(STORE, FRAME, seed, drawn)
        return kept[drawn]

    return opened


def samples(name="segment_pair", pair_label="next_sentence_label", masking=None, num_epochs=3, **rest):
    masks = Masks(MaskingOptions("dynamic") if masking is None else masking, 5)
    return EpochSamples(STORE, index_of(name, **rest), FRAME, masks, pair_label, num_epochs)


@pytest.mark.parametrize("resample", [False, True])
def test_item_i_is_a_sample_of_an_epoch_under_that_epoch_s_mask(resample):
    found, number = samples(resample=resample), 0
    for epoch in (1, 2, 3):
        index = found.index_of(epoch)
        for sample in range(index.num_samples):
            expected = assemble_masked(STORE, index, FRAME, np.array([sample]), found.masks, epoch)
            item = found[number]
            assert item["input_ids"].tolist() == expected.masked_input_ids.tolist()
            assert item["labels"].tolist() == expected.labels.tolist()
            assert item["token_type_ids"].tolist() == expected.token_type_ids.tolist()
            assert item["next_sentence_label"] == index.is_random_next[sample]
            number += 1
    assert number == len(found)


def masked(item):
    return item["labels"].ne(-100).nonzero()[:, 0].tolist()


def test_masks_change_from_epoch_to_epoch_if_they_are_dynamic_and_repeat_after_their_copies_if_not():
    dynamic, static = samples(), samples(masking=MaskingOptions("static", copies=2))
    size = len(dynamic) // 3
    assert sum(masked(dynamic[i]) != masked(dynamic[i + size]) for i in range(size)) > size / 2
    assert all(masked(static[i]) == masked(static[i + 2 * size]) for i in range(size))
    assert sum(masked(static[i]) != masked(static[i + size]) for i in range(size)) > size / 2


def test_many_items_at_once_are_the_items_one_by_one_in_any_order():
    found = samples()
    numbers = np.random.default_rng(0).permutation(len(found))[:40].tolist() + [0, len(found) - 1, -1]
    for number, item in zip(numbers, found.__getitems__(numbers), strict=True):
        alone = found[number]
        assert alone.keys() == item.keys()
        assert all(torch.equal(alone[name], item[name]) for name in alone)
    assert torch.equal(found[-1]["input_ids"], found[len(found) - 1]["input_ids"])


@pytest.mark.parametrize("number", [-1000, 1000])
def test_there_is_no_item_outside(number):
    found = samples(num_epochs=1)
    with pytest.raises(IndexError, match=str(number)):
        found[number]
    updates = PlannedUpdates(BatchPlan(index_of("full"), UpdateSize(4, None, 4, 0), 1), STORE, FRAME, None, None, 5)
    with pytest.raises(IndexError, match=str(number)):
        updates[number]
    assert len(list(found)) == len(found)  # iteration ends


def test_labels_of_pairs_have_the_names_of_transformers_and_are_left_out_without_their_loss():
    assert "next_sentence_label" not in samples(pair_label=None)[0]
    swapped = samples(pair_label="sentence_order_label", order="sop", num_epochs=1)
    assert [int(item["sentence_order_label"]) for item in swapped] == swapped.index_of(1).is_swapped.tolist()
    assert set(swapped.index_of(1).is_swapped.tolist()) == {False, True}


@pytest.mark.parametrize("multiple", [1, 8])
def test_padding_has_its_id_no_attention_and_no_label(multiple):
    items = [{"input_ids": torch.tensor(ids), "token_type_ids": torch.tensor(ids) % 2, "labels": torch.tensor(ids)}
             for ids in ([5, 6, 7], [8], [9, 5])]  # fmt: skip
    batch = PaddedBatch(pad_id=1, multiple=multiple)([items[0], items[1:]])
    length = 3 if multiple == 1 else 8
    rows = {"input_ids": ([5, 6, 7], [8], [9, 5]), "attention_mask": ([1, 1, 1], [1], [1, 1])}
    rows |= {"token_type_ids": ([1, 0, 1], [0], [1, 1]), "labels": ([5, 6, 7], [8], [9, 5])}
    padding = {"input_ids": 1, "attention_mask": 0, "token_type_ids": 0, "labels": -100}
    assert batch.keys() == rows.keys()
    for name, expected in rows.items():
        assert batch[name].dtype == torch.int64
        assert batch[name].tolist() == [row + [padding[name]] * (length - len(row)) for row in expected]


def test_loaders_with_workers_and_shuffled_give_the_items_padded():
    found = samples()
    read = DataLoader(found, batch_size=7, shuffle=True, num_workers=2, collate_fn=PaddedBatch(FRAME.pad, 8))
    rows = [
        (tuple(ids[mask.bool()].tolist()), tuple(labels[mask.bool()].tolist()))
        for batch in read
        for ids, mask, labels in zip(batch["input_ids"], batch["attention_mask"], batch["labels"], strict=True)
    ]
    assert len(rows) == len(found)
    assert sorted(rows) == sorted((tuple(i["input_ids"].tolist()), tuple(i["labels"].tolist())) for i in found)
