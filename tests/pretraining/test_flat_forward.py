"""The flat forward pass against `transformers`, one sequence at a time."""

from dataclasses import replace

import pytest
import torch

from nsp_ablation.options.model_options import ARCHITECTURES

LENGTHS = [7, 24, 3, 24, 1, 23, 2, 2]


def _sequences(batch):
    return zip(batch.sequence_offsets[:-1].tolist(), batch.sequence_offsets[1:].tolist(), strict=True)


def _one_at_a_time(model, batch):
    """Logits of `transformers`' own forward pass over each sequence, with the positions that it gives itself."""
    hf, masked, pairs = model.hf, [], []
    for start, end in _sequences(batch):
        inputs = {
            "input_ids": batch.input_ids[None, start:end],
            "token_type_ids": batch.token_type_ids[None, start:end],
        }
        own = batch.masked_positions[(batch.masked_positions >= start) & (batch.masked_positions < end)] - start
        if hf.config.model_type == "bert":
            outputs = hf(**inputs)
            masked.append(outputs.prediction_logits[0, own])
            pairs.append(outputs.seq_relationship_logits[0])
        else:
            masked.append(hf(**inputs).logits[0, own])
            pairs.append(model.architecture.pair_classifier(hf)(hf.base_model(**inputs).pooler_output)[0])
    return torch.cat(masked), torch.stack(pairs)


def _gradients(model, masked_logits, pair_logits):
    draw = torch.Generator().manual_seed(5)
    weights = [torch.randn(logits.shape, generator=draw, dtype=logits.dtype) for logits in (masked_logits, pair_logits)]
    model.zero_grad()
    ((masked_logits * weights[0]).sum() + (pair_logits * weights[1]).sum()).backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_flat_forward_and_gradients_equal_one_sequence_at_a_time(make_model, make_batch, architecture):
    model, batch = make_model(architecture=architecture).double().train(), make_batch(LENGTHS)
    expected = _one_at_a_time(model, batch)
    expected_gradients = _gradients(model, *expected)
    found = model(batch)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    found_gradients = _gradients(model, *found)
    assert all(gradient.abs().max() > 0 for gradient in found_gradients.values())
    torch.testing.assert_close(found_gradients, expected_gradients, rtol=1e-8, atol=1e-8)


def test_packing_by_position_ids_alone_would_be_caught(make_model, make_batch):
    model, batch = make_model().double().eval(), make_batch(LENGTHS)
    expected, _ = _one_at_a_time(model, batch)
    packed = model.hf.bert(
        input_ids=batch.input_ids[None],
        token_type_ids=batch.token_type_ids[None],
        position_ids=batch.position_ids[None],
    ).last_hidden_state[0]
    found = model.architecture.mlm_head(model.hf)(packed[batch.masked_positions])
    assert (found - expected).abs().max() > 0.01


def test_a_model_of_one_token_type_reads_pairs(make_model, make_batch):
    model, batch = make_model(type_vocab_size=1).double(), make_batch([4, 5])
    assert batch.token_type_ids.max() == 1
    single = make_batch([4, 5])
    single.token_type_ids.zero_()
    torch.testing.assert_close(model(batch), model(single), rtol=0, atol=0)


def test_without_a_loss_on_pairs_their_head_does_not_train(make_model, make_batch):
    model, batch = make_model(predicts_pairs=False), make_batch([4, 5])
    masked_logits, pair_logits = model(batch)
    assert pair_logits is None
    masked_logits.sum().backward()
    untrained = {name for name, parameter in model.named_parameters() if parameter.grad is None}
    assert untrained == {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert untrained == {
        "hf.bert.pooler.dense.weight",
        "hf.bert.pooler.dense.bias",
        "hf.cls.seq_relationship.weight",
        "hf.cls.seq_relationship.bias",
    }


def test_confined_attention_sees_a_document_as_if_it_stood_alone_at_its_place(make_model, make_batch):
    """Two documents in each sequence: the attention borders are theirs, the positions go on counting."""
    batch = make_batch([9, 14])
    batch = replace(batch, piece_offsets=torch.tensor([0, 4, 9, 12, 23]), pair_labels=None)
    pieces = replace(batch, sequence_offsets=batch.piece_offsets)
    confined = make_model(predicts_pairs=False, confines_attention=True).double().eval()
    open_model = make_model(predicts_pairs=False).double().eval()
    found, expected = confined(batch)[0], open_model(pieces)[0]
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert (found - open_model(batch)[0]).abs().max() > 1e-3
