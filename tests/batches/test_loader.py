"""What the model reads does not depend on who reads it: workers, ranks, accumulation, resume."""

import multiprocessing
import sys

import numpy as np
import pytest
import torch

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.assemble import assemble_masked
from nsp_ablation.samples.batches.loader import evaluation_batches, micro_batch_loader, pair_labels
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan, balanced_cut
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.inspection.contract import sample_rows

SEQUENCES, TOKENS = UpdateSize(6, None, 6, 0), UpdateSize(None, 140.5, 0, 140.5)


@pytest.fixture
def read(store, frame, index_in, dynamic):
    """Return a function that reads micro-batches of a format through a loader."""

    def run(name="full", size=SEQUENCES, first_step=0, max_steps=6, masks=dynamic, **settings):
        index = index_in(name)
        plan = BatchPlan(lambda epoch: index, size, 1)
        settings = {"accumulation": 1, "num_workers": 0} | settings
        return list(
            micro_batch_loader(plan, store, frame, masks, first_step=first_step, max_steps=max_steps, **settings)
        )

    return run


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there are no data workers")
def test_workers_are_forked_also_where_their_process_was_spawned(read, same):
    """As ranks and cells with a GPU of their own are: what workers read cannot be pickled."""
    before = multiprocessing.get_start_method()
    multiprocessing.set_start_method("spawn", force=True)
    try:
        shared = read(num_workers=1)
    finally:
        multiprocessing.set_start_method(before, force=True)
    assert all(same(a, b) for a, b in zip(read(), shared, strict=True))


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("num_workers", [1, 4])
def test_workers_change_nothing(read, same, num_workers):
    for name, size in (("segment_pair", SEQUENCES), ("doc", TOKENS)):
        alone = read(name, size, accumulation=2)
        shared = read(name, size, accumulation=2, num_workers=num_workers)
        assert len(alone) == len(shared) == 12
        assert all(same(a, b) for a, b in zip(alone, shared, strict=True))


@pytest.mark.parametrize("accumulation", [1, 3])
def test_a_run_resumed_at_step_k_reads_what_the_whole_run_reads(read, same, accumulation):
    whole = read("doc", TOKENS, accumulation=accumulation, max_steps=30)
    for first_step in (1, 17, 29, 30):
        resumed = read("doc", TOKENS, accumulation=accumulation, max_steps=30, first_step=first_step)
        assert len(resumed) == (30 - first_step) * accumulation
        assert all(same(a, b) for a, b in zip(whole[first_step * accumulation :], resumed, strict=True))


def sequences(batch):
    """Return a micro-batch's sequences as comparable tuples."""
    labels = torch.full_like(batch.input_ids, -100)
    labels[batch.masked_positions] = batch.masked_labels
    rows = zip(batch.input_ids.tolist(), batch.token_type_ids.tolist(), batch.position_ids.tolist(), labels.tolist(),
               strict=True)  # fmt: skip
    rows, offsets = list(rows), batch.sequence_offsets.tolist()
    pairs = [None] * (len(offsets) - 1) if batch.pair_labels is None else batch.pair_labels.tolist()
    return [(tuple(rows[a:b]), pair) for a, b, pair in zip(offsets[:-1], offsets[1:], pairs, strict=True)]


@pytest.mark.parametrize(("accumulation", "world_size"), [(1, 1), (3, 1), (1, 2), (2, 3), (4, 4)])
@pytest.mark.parametrize("count", ["exact", "bernoulli"])
def test_ranks_and_accumulation_cut_an_update_and_change_nothing_in_it(read, dynamic, accumulation, world_size, count):
    masks = Masks(MaskingOptions("dynamic", count=count), seed=1)
    whole = read("segment_pair", TOKENS, masks=masks)
    of_rank = [
        read("segment_pair", TOKENS, masks=masks, accumulation=accumulation, rank=rank, world_size=world_size)
        for rank in range(world_size)
    ]
    for step, update in enumerate(whole):
        parts = [
            of_rank[rank][step * accumulation + turn] for turn in range(accumulation) for rank in range(world_size)
        ]
        assert [sequence for part in parts for sequence in sequences(part)] == sequences(update)
        assert sum(part.num_tokens for part in parts) == update.num_tokens == len(update.input_ids)
        assert sum(len(part.masked_positions) for part in parts) == update.num_update_predictions
        assert sum(len(part.pair_labels) for part in parts) == update.num_update_pairs > 0
        assert {part.step for part in parts} == {step}
        assert {part.num_update_predictions for part in parts} == {len(update.masked_positions)}
        assert {part.num_update_pairs for part in parts} == {update.num_update_pairs}


def test_micro_batches_are_those_of_the_plan(read, index_in):
    index = index_in("doc")
    plan = BatchPlan(lambda epoch: index, TOKENS, 1)
    batches = iter(read("doc", TOKENS, accumulation=3, max_steps=20))
    for step in range(20):
        lengths = index.lengths()[plan.update(step)[0]]
        for part in np.split(lengths, balanced_cut(lengths, 3)[1:-1]):
            assert np.diff(next(batches).sequence_offsets).tolist() == part.tolist()


@pytest.mark.parametrize("masking", [("dynamic", None), ("static", 10)])
@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full", "doc"])
def test_training_consumes_exactly_what_inspection_shows(store, frame, index_in, dynamic, read, name, masking):
    masks = Masks(MaskingOptions(masking[0], copies=masking[1]), seed=1)
    index = index_in(name)
    plan = BatchPlan(lambda epoch: index, SEQUENCES, 1)
    num_steps = 2 * index.num_samples // 6 + 1
    for step, batch in enumerate(read(name, masks=masks, max_steps=num_steps)):
        shown = [
            next(sample_rows(store, index, frame, masks, int(epoch), np.array([sample])))
            for sample, epoch in zip(*plan.update(step), strict=True)
        ]
        expected = [
            (
                tuple(zip(row["masked_input_ids"], row["token_type_ids"], range(frame.max_length), row["labels"],
                          strict=False)),
                row["is_random_next"],
            )
            for row in shown
        ]  # fmt: skip
        assert sequences(batch) == expected


def test_resampled_epochs_are_read_from_their_own_index(store, frame, index_in, dynamic):
    indexes = [index_in("segment_pair", resample=True, epoch=copy) for copy in range(2)]
    plan = BatchPlan(lambda epoch: indexes[(epoch - 1) % 2], UpdateSize(50, None, 50, 0), 1)
    loader = micro_batch_loader(plan, store, frame, dynamic, first_step=0, max_steps=8, accumulation=1, num_workers=0)
    straddling = 0
    for step, batch in enumerate(loader):
        samples, epochs = plan.update(step)
        straddling += len(np.unique(epochs)) > 1
        expected = [
            assemble_masked(store, indexes[(epoch - 1) % 2], frame, np.array([sample]), dynamic, epoch).masked_input_ids
            for sample, epoch in zip(samples, epochs, strict=True)
        ]
        assert np.array_equal(np.concatenate(expected), batch.input_ids)
    assert straddling


def test_pair_labels_are_1_for_random_and_1_for_swapped(index_in):
    samples = np.array([5, 2, 9])
    nsp, sop = index_in("sentence_pair"), index_in("sentence_pair", order="sop")
    assert pair_labels(nsp, samples).tolist() == nsp.is_random_next[samples].astype(int).tolist()
    assert pair_labels(sop, samples).tolist() == sop.is_swapped[samples].astype(int).tolist()
    assert pair_labels(index_in("full"), samples) is None


def test_formats_without_pairs_have_no_pair_labels(read):
    assert all(batch.pair_labels is None and batch.num_update_pairs == 0 for batch in read("full"))


def test_a_micro_batch_is_empty_only_for_want_of_sequences(read):
    batches = read("full", UpdateSize(2, None, 2, 0), accumulation=3, max_steps=1)
    assert [batch.max_sequence_length > 0 for batch in batches] == [True, True, False]
    assert (batches[2].num_tokens, batches[2].sequence_offsets.tolist()) == (0, [0])
    assert batches[2].num_update_predictions == sum(len(batch.masked_positions) for batch in batches)


def test_tensors_are_int64_and_move_together(read):
    batch = read("segment_pair")[0]
    moved = batch.to("meta")
    tensors = {name for name, value in vars(batch).items() if isinstance(value, torch.Tensor)}
    assert len(tensors) == 8
    assert all(getattr(batch, name).dtype == torch.int64 for name in tensors)
    assert all(getattr(moved, name).is_meta for name in tensors)
    assert batch.max_sequence_length == int(batch.sequence_offsets.diff().max())
    assert moved.num_tokens == batch.num_tokens


@pytest.mark.parametrize("name", ["segment_pair", "full"])
def test_evaluation_reads_each_sample_once_in_corpus_order_under_the_mask_of_epoch_1(
    store, frame, index_in, dynamic, name
):
    index = index_in(name)
    batches = list(evaluation_batches(store, index, frame, dynamic, tokens_per_batch=100))
    whole = assemble_masked(store, index, frame, np.arange(index.num_samples), dynamic, 1)
    assert np.array_equal(torch.cat([batch.input_ids for batch in batches]), whole.masked_input_ids)
    assert np.array_equal(torch.cat([batch.masked_labels for batch in batches]), whole.masked_labels)
    assert all(batch.num_tokens <= 100 for batch in batches)
    assert [batch.step for batch in batches] == list(range(len(batches)))
    assert all(batch.num_update_predictions == len(batch.masked_positions) for batch in batches)
    assert all(batch.num_update_pairs == (0 if name == "full" else len(batch.pair_labels)) for batch in batches)
    ones = list(evaluation_batches(store, index, frame, dynamic, tokens_per_batch=1))
    assert len(ones) == index.num_samples


def test_pieces_are_cut_with_their_sequences(read, store, frame, index_in, dynamic):
    index = index_in("full")
    whole = assemble_masked(store, index, frame, np.arange(index.num_samples), dynamic, 1)
    pieces_of = {
        tuple(whole.input_ids[start:end]): tuple(
            whole.piece_offsets[(start <= whole.piece_offsets) & (whole.piece_offsets <= end)] - start
        )
        for start, end in zip(whole.sequence_offsets[:-1], whole.sequence_offsets[1:], strict=True)
    }
    for batch in read("full", accumulation=3):
        ids = batch.input_ids.clone()
        ids[batch.masked_positions] = batch.masked_labels
        found = set(batch.piece_offsets.tolist())
        expected = {
            int(start) + piece
            for start, end in zip(batch.sequence_offsets[:-1], batch.sequence_offsets[1:], strict=True)
            for piece in pieces_of[tuple(ids[start:end].tolist())]
        }
        assert found == expected
