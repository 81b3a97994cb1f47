"""What makes training fast or small changes no result: backends, static shapes, compiling, checkpointed layers."""

import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.attention import EFFICIENT, FLASH, LENGTH_GROUPS, attention_layout
from nsp_ablation.learning.pretraining.objective import sum_losses, update_share
from nsp_ablation.options.format_options import FormatOptions
from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.options.model_options import ARCHITECTURES
from nsp_ablation.samples.batches.loader import micro_batch_loader
from nsp_ablation.samples.batches.masking import Masks
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.text.store.token_store import TokenStore

pytestmark = pytest.mark.usefixtures("attention_stand_ins")
FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
LENGTHS = [7, 24, 3, 24, 1, 23, 2, 2]


@pytest.fixture(scope="module")
def format_batch(frame):
    """format_batch(name): an update of eight samples of a format, from documents of one to nine short sentences."""
    documents = [
        [[5 + (7 * d + 3 * s + t) % 35 for t in range(1 + (d + 2 * s) % 9)] for s in range(1 + d % 9)]
        for d in range(20)
    ]
    store = TokenStore.from_documents(documents, frame.vocab_size)

    def read(name):
        index = make_format(FormatOptions(name), "nsp").index(store, frame, 1, 0)
        plan = BatchPlan(lambda epoch: index, UpdateSize(8, None, 8, 0), 1)
        masks = Masks(MaskingOptions("dynamic"), seed=1)
        parts = {"first_step": 0, "max_steps": 1, "accumulation": 1, "num_workers": 0}
        (batch,) = micro_batch_loader(plan, store, frame, masks, **parts)
        return batch

    return read


def _one_at_a_time(model, batch):
    """Losses' inputs by `transformers`' own forward pass over each sequence alone."""
    hf, base, masked, pairs = model.hf, model.hf.base_model, [], []
    for start, end in zip(batch.sequence_offsets[:-1].tolist(), batch.sequence_offsets[1:].tolist(), strict=True):
        inputs = {
            "input_ids": batch.input_ids[None, start:end],
            "token_type_ids": batch.token_type_ids[None, start:end],
        }
        own = batch.masked_positions[(batch.masked_positions >= start) & (batch.masked_positions < end)] - start
        outputs = base(**inputs)
        masked.append(model.architecture.mlm_head(hf)(outputs.last_hidden_state[0, own]))
        pairs.append(model.architecture.pair_classifier(hf)(outputs.pooler_output)[0])
    return torch.cat(masked), torch.stack(pairs) if model.predicts_pairs else None


def _gradients(model, loss):
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


@pytest.mark.parametrize("backend", [LENGTH_GROUPS, FLASH, EFFICIENT])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_trains_as_transformers_does_one_sequence_at_a_time(
    make_model, format_batch, name, architecture, backend
):
    batch = format_batch(name)
    assert len(set(batch.sequence_offsets.diff().tolist())) > 1
    model = make_model(architecture=architecture, predicts_pairs=batch.pair_labels is not None).double().train()
    expected_sums = sum_losses(*_one_at_a_time(model, batch), batch.masked_labels, batch.pair_labels)
    expected = update_share(expected_sums, batch).total
    expected_gradients = _gradients(model, expected)
    found = update_share(model.loss_sums(batch, attention_layout(batch.sequence_offsets, backend)), batch).total
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=0)
    torch.testing.assert_close(_gradients(model, found), expected_gradients, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("backend", [LENGTH_GROUPS, FLASH, EFFICIENT])
@pytest.mark.parametrize("name", ["segment_pair", "full"])
def test_padding_to_a_fixed_number_of_tokens_changes_nothing(make_model, format_batch, frame, name, backend):
    plain = format_batch(name)
    padded = plain.padded(256, frame.max_length)
    assert len(padded.input_ids) == 256 > len(plain.input_ids)
    model = make_model(predicts_pairs=plain.pair_labels is not None).double().train()
    losses = [
        update_share(model.loss_sums(batch, attention_layout(batch.sequence_offsets, backend)), batch).total
        for batch in (plain, padded)
    ]
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-12, atol=0)
    gradients = [_gradients(model, loss) for loss in losses]
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_checkpointed_layers_give_the_same_gradients_and_keep_less(make_model, make_batch, architecture):
    batch, results = make_batch(LENGTHS), []
    model = make_model(architecture=architecture, dropout=0.2, attention_dropout=0.2, num_layers=4).train()
    for checkpoints_layers in (False, True):
        model.checkpoints_layers = checkpoints_layers
        kept = 0

        def keep(tensor):
            nonlocal kept
            kept += tensor.numel()
            return tensor

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
                loss = update_share(model.loss_sums(batch), batch).total
            results.append((loss.detach(), _gradients(model, loss), kept))
    torch.testing.assert_close(results[1][:2], results[0][:2], rtol=0, atol=0)
    assert results[1][2] < 0.5 * results[0][2]


def test_without_gradients_nothing_is_checkpointed(make_model, make_batch):
    model, batch = make_model().eval(), make_batch(LENGTHS)
    expected = model(batch)
    model.checkpoints_layers = True
    with torch.inference_mode():
        torch.testing.assert_close(model(batch), expected, rtol=0, atol=0)


def test_dropout_keeps_the_mean_of_the_encoder(make_model, make_batch):
    """Of the attention alone, whose output is linear in the weights that are dropped: one pre-LN layer, read before
    anything that is not linear."""
    batch = make_batch([9, 4, 9, 2])
    model = make_model(num_layers=1, attention_dropout=0.3, architecture="roberta_prelayernorm").double()
    attended = []
    dense = model.hf.base_model.encoder.layer[0].attention.output.dense
    dense.register_forward_pre_hook(lambda module, inputs: attended.append(inputs[0].detach()))
    layout = attention_layout(batch.sequence_offsets)
    model.eval()(batch, layout)
    expected = attended.pop()
    model.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        draws = []
        for _ in range(400):
            model(batch, layout)
            draws.append(attended.pop())
    draws = torch.stack(draws)
    error = draws.std(dim=0) / len(draws) ** 0.5
    assert error.max() > 0
    z = ((draws.mean(dim=0) - expected) / error.clamp(min=1e-12))[error > 1e-9]
    assert z.abs().max() < 5.5
    assert np.isclose(z.square().mean().item(), 1.0, atol=0.35)
