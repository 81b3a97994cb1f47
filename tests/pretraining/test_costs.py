"""Parameters, FLOPs and memory against `transformers`' and torch's own counts."""

from dataclasses import replace

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForMaskedLM, BertForPreTraining, RobertaConfig, RobertaForMaskedLM

from nsp_ablation.learning.cost.training_cost import (
    EncoderSize,
    Work,
    encoder_size,
    forward_flops,
    memory_estimate,
    parameter_counts,
    training_flops,
)
from nsp_ablation.learning.pretraining.objective import update_share
from nsp_ablation.options.model_options import ARCHITECTURES

BASE = {"num_layers": 12, "hidden_size": 768, "num_heads": 12, "intermediate_size": 3072}
LARGE = {"num_layers": 24, "hidden_size": 1024, "num_heads": 16, "intermediate_size": 4096}
HF_LARGE = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "intermediate_size": 4096}


def _numel(model):
    return sum(parameter.numel() for parameter in model.parameters())


def counts_of(model_options, vocab_size, **changes):
    return parameter_counts(replace(model_options, **changes), vocab_size, max_length=512, pad_id=1)


@pytest.mark.parametrize(
    ("sizes", "hf_sizes", "millions"), [(BASE, {}, 110), (LARGE, HF_LARGE, 336)], ids=["base", "large"]
)
def test_bert_of_30k_words_has_the_published_number_of_parameters(model_options, sizes, hf_sizes, millions):
    counts = counts_of(model_options, 30522, **sizes)
    with torch.device("meta"):
        reference = BertForPreTraining(BertConfig(**hf_sizes))
    assert sum(counts.values()) == _numel(reference)
    assert sum(counts.values()) == pytest.approx(millions * 1e6, rel=0.01)


@pytest.mark.parametrize(
    ("sizes", "hf_sizes", "millions"), [(BASE, {}, 125), (LARGE, HF_LARGE, 355)], ids=["base", "large"]
)
def test_roberta_of_50k_byte_pairs_has_the_published_number_of_parameters(model_options, sizes, hf_sizes, millions):
    counts = counts_of(model_options, 50265, architecture="roberta", type_vocab_size=1, **sizes)
    with torch.device("meta"):
        reference = RobertaForMaskedLM(
            RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, **hf_sizes)
        )
    heads = counts["pooler"] + counts["classifier of pairs"]  # which that class lacks
    assert sum(counts.values()) - heads == _numel(reference)
    assert sum(counts.values()) == pytest.approx(millions * 1e6, rel=0.01)


@pytest.mark.parametrize("type_vocab_size", [1, 2])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_counted_parts_are_those_of_the_built_model(model_options, frame, make_model, architecture, type_vocab_size):
    changes = {"architecture": architecture, "type_vocab_size": type_vocab_size}
    model = make_model(**changes)
    hf, base = model.hf, model.hf.base_model
    counts = parameter_counts(replace(model_options, **changes), frame.vocab_size, frame.max_length, frame.pad)
    found = {
        "embeddings": _numel(base.embeddings),
        "layers": _numel(base.encoder) + (_numel(base.LayerNorm) if hasattr(base, "LayerNorm") else 0),
        "pooler": _numel(base.pooler),
        "MLM head": _numel(model.architecture.mlm_head(hf)) - base.embeddings.word_embeddings.weight.numel(),
        "classifier of pairs": _numel(model.architecture.pair_classifier(hf)),
    }
    assert counts == found
    assert sum(counts.values()) == _numel(hf)


@pytest.mark.parametrize("predicts_pairs", [True, False])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_flops_are_those_that_torch_counts(make_model, make_batch, architecture, predicts_pairs):
    lengths = [6, 6, 11, 11]  # two groups of one length each, so that no padded pair is multiplied
    model, batch = make_model(architecture=architecture, predicts_pairs=predicts_pairs), make_batch(lengths)
    work = Work(
        num_tokens=34,
        attended=sum(length**2 for length in lengths),
        num_predictions=len(batch.masked_positions),
        num_pairs=4 if predicts_pairs else 0,
    )
    size = EncoderSize.of(model.hf.config)
    assert size == EncoderSize(num_layers=2, hidden_size=16, intermediate_size=32, vocab_size=40)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss = update_share(model.loss_sums(batch, _ungrouped(batch)), batch).total
    assert counter.get_total_flops() == forward_flops(size, work)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        loss = update_share(model.loss_sums(batch, _ungrouped(batch)), batch).total
        loss.backward()
    assert counter.get_total_flops() == training_flops(size, work)


def _ungrouped(batch):
    """A layout whose groups hold sequences of one length: small ones are else padded to share a kernel."""
    from nsp_ablation.learning.engine import attention_groups

    free_pairs, attention_groups._FREE_PAIRS = attention_groups._FREE_PAIRS, 0
    try:
        layout = attention_groups.group_layout(batch.sequence_offsets)
    finally:
        attention_groups._FREE_PAIRS = free_pairs
    assert all(group.mask is None for group in layout.groups)
    return layout


@pytest.mark.parametrize("checkpoints_layers", [False, True])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_estimated_activations_are_what_autograd_keeps(
    model_options, frame, make_model, make_batch, architecture, checkpoints_layers
):
    changes = {"hidden_size": 64, "intermediate_size": 256, "num_layers": 6, "dropout": 0.1, "attention_dropout": 0.0}
    model, batch = make_model(architecture=architecture, predicts_pairs=False, **changes).train(), make_batch([24] * 20)
    model.checkpoints_layers = checkpoints_layers
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = update_share(model.loss_sums(batch), batch).total
    estimate = memory_estimate(
        *(0, encoder_size(replace(model_options, **changes), frame.vocab_size), 480, len(batch.masked_positions)),
        precision="32-true",
        has_dropout=True,
        checkpoints_layers=checkpoints_layers,
    )
    assert loss.requires_grad
    kept_bytes = sum(kept.values())
    rerun = 480 * (4 * (9 * 64 + 2 * 256) + 2 * 64) if checkpoints_layers else 0  # in the backward pass
    assert 0.85 < (kept_bytes + rerun) / estimate.activations < 1.2, (kept_bytes, estimate.activations)


def test_weights_gradients_and_moments_are_full_precision():
    size = EncoderSize(12, 768, 3072, 30522)
    memory = memory_estimate(
        110_000_000, size, 0, 0, precision="bf16-mixed", has_dropout=True, checkpoints_layers=False
    )
    assert (memory.weights, memory.gradients, memory.optimizer) == (440e6, 440e6, 880e6)
    assert memory.total == 1760e6


def test_checkpointed_layers_and_half_precision_take_less():
    size = EncoderSize(12, 768, 3072, 30522)

    def activations(precision, checkpoints_layers):
        return memory_estimate(
            *(0, size, 32768, 4900), precision=precision, has_dropout=True, checkpoints_layers=checkpoints_layers
        ).activations

    assert activations("bf16-mixed", False) < activations("32-true", False)
    assert activations("bf16-mixed", True) < 0.5 * activations("bf16-mixed", False)


def test_masked_lm_without_pairs_differs_by_its_pooler_alone(model_options):
    counts = counts_of(model_options, 30522, **BASE)
    with torch.device("meta"):
        reference = BertForMaskedLM(BertConfig())
    assert sum(counts.values()) - counts["pooler"] - counts["classifier of pairs"] == _numel(reference)
