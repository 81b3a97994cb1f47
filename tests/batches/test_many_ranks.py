"""1,024 ranks read what one reads: each plans the same updates by itself, and their parts are the whole update."""

import numpy as np
import pytest
import torch

from nsp_ablation.samples.batches.loader import MicroBatches
from nsp_ablation.samples.batches.plan import BatchPlan, balanced_cut
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.sample_index import SampleIndex

RANKS = 1024
TENSORS = ("input_ids", "token_type_ids", "position_ids", "masked_labels")


@pytest.fixture(scope="module")
def long_index():
    """10,000 samples of 430 to 512 tokens."""
    lengths = 430 + np.arange(10_000) * 7919 % 83
    ends = np.cumsum(lengths)
    spans, separators = np.stack([ends - lengths + 2, ends], axis=1), np.ones(len(lengths), np.uint8)
    return SampleIndex(spans, separators, np.arange(len(lengths) + 1), False, None, None, 0, 0, "long")


@pytest.mark.parametrize("size", [UpdateSize(8192, None, 8192, 0), UpdateSize(None, 3.8e6 + 0.25, 0, 3.8e6 + 0.25)])
def test_each_of_1024_ranks_plans_the_updates_of_one(long_index, size):
    """None has the plan of another, and each begins elsewhere, as ranks that resume do."""
    lengths = long_index.lengths()
    alone = BatchPlan(lambda epoch: long_index, size, 1)
    steps = (0, 2, 17, 163)
    expected = {step: alone.update(step) for step in steps}
    assert any(len(np.unique(epochs)) > 1 for _, epochs in expected.values()), (
        "an update that straddles epochs is there"
    )
    for rank in range(RANKS):
        step = steps[rank % len(steps)]
        samples, epochs = BatchPlan(lambda epoch: long_index, size, 1).update(step)
        assert np.array_equal(samples, expected[step][0])
        assert np.array_equal(epochs, expected[step][1])
    for samples, _ in expected.values():
        tokens = lengths[samples]
        borders = balanced_cut(tokens, RANKS)
        parts = np.add.reduceat(tokens, borders[:-1])
        assert parts.sum() == tokens.sum()
        assert abs(parts - parts.mean()).max() <= lengths.max(), "eight sequences a rank, one more or less"


@pytest.mark.parametrize("accumulation", [1, 2])
@pytest.mark.parametrize(
    ("name", "size"),
    [("full", UpdateSize(2048, None, 2048, 0)), ("sentence_pair", UpdateSize(None, 50_000.5, 0, 50_000.5))],
)
def test_the_parts_of_1024_ranks_are_the_update_of_one(store, frame, index_in, dynamic, name, size, accumulation):
    index, step = index_in(name), 3
    plan = BatchPlan(lambda epoch: index, size, 1)
    whole = MicroBatches(plan, store, frame, dynamic, 1, 0, 1, None)[step]
    parts, assembled = [], None
    for turn in range(accumulation):
        for rank in range(RANKS):
            of_rank = MicroBatches(plan, store, frame, dynamic, accumulation, rank, RANKS, None, assembled)
            parts.append(of_rank[step * accumulation + turn])
            assembled = of_rank._update  # which every rank would assemble alike, as the first law and its masks say
    for tensor in TENSORS:
        assert torch.equal(torch.cat([getattr(part, tensor) for part in parts]), getattr(whole, tensor))
    assert sum(len(part.sequence_offsets) - 1 for part in parts) == len(whole.sequence_offsets) - 1
    assert {part.num_update_predictions for part in parts} == {len(whole.masked_positions)}
    if whole.pair_labels is not None:
        assert torch.equal(torch.cat([part.pair_labels for part in parts]), whole.pair_labels)
    tokens = np.array([part.num_tokens for part in parts])
    assert abs(tokens - tokens.mean()).max() <= whole.max_sequence_length
