"""Small models and hand-made micro-batches."""

from dataclasses import replace

import pytest
import torch

from nsp_ablation.learning.pretraining.pretraining_model import build_model
from nsp_ablation.options.model_options import ModelOptions
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.samples.batches.loader import MicroBatch
from nsp_ablation.samples.formats.frame import Frame

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def frame():
    """Ids 0 to 4 are special, as our byte-level BPE has them: <s>, <pad>, </s>, <unk>, <mask>."""
    return Frame(
        max_length=24,
        cls=0,
        sep=2,
        mask=4,
        pad=1,
        special_ids=(0, 1, 2, 3, 4),
        vocab_size=40,
        pair_separators=1,
        sentence_separator=False,
    )


@pytest.fixture(scope="session")
def model_options():
    """Two layers of 16 dimensions, initialized as BERT's but wider, so that wrong attention shows."""
    return ModelOptions(
        name="test",
        num_layers=2,
        hidden_size=16,
        num_heads=2,
        intermediate_size=32,
        dropout=0.0,
        attention_dropout=0.0,
        init_std=0.3,
    )


@pytest.fixture(scope="session")
def trainer_options():
    return TrainerOptions(name="cpu")


@pytest.fixture(scope="session")
def make_model(model_options, frame):
    """make_model(seed=1, predicts_pairs=True, **changes of the options) -> PretrainingModel."""

    def make(seed=1, predicts_pairs=True, confines_attention=False, token_counts=None, **changes):
        heads = {"predicts_pairs": predicts_pairs, "confines_attention": confines_attention}
        return build_model(replace(model_options, **changes), frame, **heads, seed=seed, token_counts=token_counts)

    return make


@pytest.fixture(scope="session")
def make_batch(frame):
    """make_batch(lengths, seed=0, step=0) -> MicroBatch of a whole update of pairs, drawn by the seed."""

    def make(lengths, seed=0, step=0):
        draw = torch.Generator().manual_seed(seed)
        num_tokens, num_sequences = sum(lengths), len(lengths)
        input_ids = torch.randint(5, frame.vocab_size, (num_tokens,), generator=draw)
        offsets = torch.tensor([0, *lengths]).cumsum(0)
        input_ids[offsets[:-1]] = frame.cls
        masked_positions = torch.randperm(num_tokens, generator=draw)[: num_tokens // 3].sort().values
        masked_labels = input_ids[masked_positions].clone()
        input_ids[masked_positions] = frame.mask
        return MicroBatch(
            input_ids=input_ids,
            token_type_ids=torch.randint(0, 2, (num_tokens,), generator=draw),
            position_ids=torch.cat([torch.arange(length) for length in lengths]),
            sequence_offsets=offsets,
            piece_offsets=offsets,
            max_sequence_length=max(lengths),
            masked_positions=masked_positions,
            masked_labels=masked_labels,
            pair_labels=torch.randint(0, 2, (num_sequences,), generator=draw),
            step=step,
            num_update_predictions=len(masked_labels),
            num_update_pairs=num_sequences,
            num_tokens=num_tokens,
        )

    return make


@pytest.fixture(scope="session")
def cut():
    """cut(update, borders) -> its micro-batches, of the sequences between neighbouring borders."""

    def part(update, first, last):
        offsets = update.sequence_offsets
        start, end = int(offsets[first]), int(offsets[last])
        masked = (update.masked_positions >= start) & (update.masked_positions < end)
        return replace(
            update,
            input_ids=update.input_ids[start:end],
            token_type_ids=update.token_type_ids[start:end],
            position_ids=update.position_ids[start:end],
            sequence_offsets=offsets[first : last + 1] - start,
            piece_offsets=offsets[first : last + 1] - start,
            masked_positions=update.masked_positions[masked] - start,
            masked_labels=update.masked_labels[masked],
            pair_labels=update.pair_labels[first:last],
            num_tokens=end - start,
        )

    return lambda update, borders: [part(update, *ends) for ends in zip(borders[:-1], borders[1:], strict=True)]
