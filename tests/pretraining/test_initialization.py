"""How weights start."""

import numpy as np
import pytest
import torch

from nsp_ablation.options.model_options import ARCHITECTURES

FIRST_POSITIONS = [("bert", 1e-12, 0), ("roberta", 1e-5, 2), ("roberta_prelayernorm", 1e-5, 2)]


@pytest.mark.parametrize(("architecture", "epsilon", "first"), FIRST_POSITIONS)
def test_the_encoder_is_of_the_options(make_model, frame, architecture, epsilon, first):
    """Every number differs from the others, so that none can stand for another; BERT's and RoBERTa's LayerNorm."""
    sizes = {"num_layers": 3, "hidden_size": 20, "num_heads": 5, "intermediate_size": 28, "type_vocab_size": 1}
    config = make_model(architecture=architecture, **sizes, dropout=0.3, attention_dropout=0.2, init_std=0.4).hf.config
    found = config.num_hidden_layers, config.hidden_size, config.num_attention_heads, config.intermediate_size
    assert (*found, config.type_vocab_size) == tuple(sizes.values())
    assert (config.hidden_dropout_prob, config.attention_probs_dropout_prob, config.initializer_range) == (
        0.3,
        0.2,
        0.4,
    )
    assert (config.vocab_size, config.max_position_embeddings) == (frame.vocab_size, frame.max_length + first)
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (frame.pad, frame.cls, frame.sep)
    assert (config.layer_norm_eps, config.hidden_act) == (epsilon, "gelu")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_seed_gives_the_same_weights_whatever_the_objective(make_model, architecture):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = make_model(seed=0, predicts_pairs=True, architecture=architecture).state_dict()
        torch.manual_seed(4)
        second = make_model(seed=0, predicts_pairs=False, architecture=architecture).state_dict()
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    other = make_model(seed=1, architecture=architecture).state_dict()
    matrices = [name for name in first if first[name].ndim == 2]
    assert not any(torch.equal(first[name], other[name]) for name in matrices)


def test_a_layer_more_leaves_the_others_as_they_were(make_model):
    short, long = (make_model(num_layers=number).state_dict() for number in (1, 2))
    torch.testing.assert_close({name: long[name] for name in short}, short, rtol=0, atol=0)


def test_the_global_generator_is_left_alone(make_model):
    before = torch.random.get_rng_state()
    make_model(lookup_init=True)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_weights_start_as_in_bert(make_model):
    model = make_model(init_std=0.02, hidden_size=64, intermediate_size=256)
    for name, parameter in model.named_parameters():
        if parameter.ndim == 2:
            values = parameter[torch.arange(len(parameter)) != 1] if "word_embeddings" in name else parameter
            assert abs(values.std().item() - 0.02) < 5 * 0.02 / (2 * values.numel()) ** 0.5, name
            assert abs(values.mean().item()) < 5 * 0.02 / values.numel() ** 0.5, name
        else:
            assert torch.all(parameter == (1.0 if name.endswith("LayerNorm.weight") else 0.0)), name
    assert torch.all(model.hf.bert.embeddings.word_embeddings.weight[1] == 0)  # padding


@pytest.mark.parametrize(("architecture", "first"), [("bert", 0), ("roberta", 2)])
def test_positions_start_as_sinusoids(make_model, architecture, first):
    changes = {"sinusoid_init_base": 100.0, "sinusoid_init_scale": 2.0, "init_std": 0.1}
    model = make_model(architecture=architecture, **changes)
    weight = model.hf.base_model.embeddings.position_embeddings.weight
    assert weight.shape == (24 + first, 16)
    # position 3, frequencies 1 and 100^(-2/16)
    expected = 0.2 * np.array([np.sin(3), np.cos(3), np.sin(3 * 100 ** (-1 / 8)), np.cos(3 * 100 ** (-1 / 8))])
    np.testing.assert_allclose(weight[first + 3, :4].detach(), expected, rtol=1e-6)


def test_the_last_layer_starts_as_a_lookup(make_model):
    model = make_model(lookup_init=True)
    first, last = (layer.attention for layer in model.hf.bert.encoder.layer)
    assert torch.equal(last.self.query.weight, last.self.key.weight)
    product = last.output.dense.weight @ last.self.value.weight
    torch.testing.assert_close(product, 0.5 * torch.eye(16), rtol=0, atol=1e-6)
    assert not torch.equal(first.self.query.weight, first.self.key.weight)


def test_first_heads_start_as_attention_to_the_neighbours(make_model):
    model = make_model(
        neighbour_init=True, sinusoid_init_base=100.0, sinusoid_init_scale=2.0, hidden_size=32, num_heads=4
    )
    plain = make_model(sinusoid_init_base=100.0, sinusoid_init_scale=2.0, hidden_size=32, num_heads=4)
    positions = model.hf.bert.embeddings.position_embeddings.weight
    attention = model.hf.bert.encoder.layer[0].attention.self
    query, key = (layer(positions).view(24, 4, 8).transpose(0, 1) for layer in (attention.query, attention.key))
    attended = (query @ key.transpose(1, 2)).argmax(dim=-1)[:, 2:-1] - torch.arange(2, 23)
    for head, neighbour in enumerate((-1, 1, -2)):
        assert torch.all(attended[head] == neighbour)
    other = plain.hf.bert.encoder.layer[0].attention.self
    assert torch.equal(attention.query.weight[24:], other.query.weight[24:])  # a fourth head starts as any


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("types", [1, 2])
def test_first_heads_attend_to_the_neighbours_of_any_tokens(make_model, architecture, types):
    """Of tokens and types as they are drawn, and not of positions alone: else each head attends to its own token."""
    sizes = {"architecture": architecture, "hidden_size": 96, "num_heads": 3, "init_std": 0.1, "type_vocab_size": types}
    model = make_model(neighbour_init=True, sinusoid_init_base=100.0, sinusoid_init_scale=2.0, **sizes).hf.base_model
    model.config._attn_implementation = "eager"
    ids = torch.randint(6, 40, (8, 24), generator=torch.Generator().manual_seed(1))
    kinds = (torch.arange(24).expand(8, 24) >= 12).long() * (types - 1)
    with torch.no_grad():
        attended = model.eval()(ids, token_type_ids=kinds, output_attentions=True).attentions[0]
    for head, shift in enumerate((-1, 1, -2)):
        assert torch.diagonal(attended[:, head], shift, 1, 2).mean() > 0.7, shift


SINUSOIDS = {"sinusoid_init_base": 100.0, "sinusoid_init_scale": 2.0}
VALUES = {"attention.self.value.weight", "attention.output.dense.weight"}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("num_heads", "num_neighbours"), [(1, 1), (2, 2), (4, 3)])
def test_neighbour_heads_pass_on_projections_of_what_they_attend_to(
    make_model, architecture, num_heads, num_neighbours
):
    sizes = {"architecture": architecture, "hidden_size": 32, "num_heads": num_heads, "neighbour_init": True}
    plain = make_model(**sizes, **SINUSOIDS).hf.base_model
    started = make_model(**sizes, **SINUSOIDS, neighbour_value_gain=0.25).hf.base_model
    layer, size = started.encoder.layer[0].attention, 32 // num_heads
    heads = [slice(head * size, (head + 1) * size) for head in range(num_heads)]
    values, outputs = layer.self.value.weight, layer.output.dense.weight
    passed_on = [4 * outputs[:, rows] @ values[rows] for rows in heads[:num_neighbours]]
    for number, projection in enumerate(passed_on):
        torch.testing.assert_close(projection, projection.T, rtol=0, atol=1e-6)
        for other, matrix in enumerate(passed_on):
            expected = projection if other == number else torch.zeros(32, 32)
            torch.testing.assert_close(projection @ matrix, expected, rtol=0, atol=1e-6)
        assert projection.trace().item() == pytest.approx(size, abs=1e-4)  # the rank of a projection
    if num_neighbours == num_heads:
        torch.testing.assert_close(sum(passed_on), torch.eye(32), rtol=0, atol=1e-6)
    first = plain.encoder.layer[0].attention
    for rows in heads[num_neighbours:]:  # a fourth head passes on what any does
        assert torch.equal(values[rows], first.self.value.weight[rows])
        assert torch.equal(outputs[:, rows], first.output.dense.weight[:, rows])
    before, after = plain.state_dict(), started.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed == {f"encoder.layer.0.{name}" for name in VALUES}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_head_on_pairs_has_a_standard_deviation_of_its_own(make_model, architecture):
    sizes = {"architecture": architecture, "hidden_size": 64, "init_std": 0.1}
    plain, narrow = (make_model(**sizes, pair_head_init_std=std).hf.state_dict() for std in (None, 0.02))
    changed = {name for name in plain if not torch.equal(plain[name], narrow[name])}
    assert {name.removeprefix("cls.").split(".", 1)[-1] for name in changed} == {"pooler.dense.weight", "weight"}
    assert len(changed) == 2
    for name in changed:
        values = narrow[name]
        assert abs(values.std().item() - 0.02) < 5 * 0.02 / (2 * values.numel()) ** 0.5, name
        torch.testing.assert_close(values, plain[name] / 5, rtol=1e-6, atol=0)  # the same draw
    same = make_model(**sizes, pair_head_init_std=0.1).hf.state_dict()
    torch.testing.assert_close(same, plain, rtol=0, atol=0)


def test_neighbours_need_sinusoids(make_model):
    with pytest.raises(ValueError, match="model.neighbour_init=true needs .* model.sinusoid_init_base"):
        make_model(neighbour_init=True)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_output_bias_starts_at_the_log_unigram_frequencies(make_model, make_batch, architecture):
    counts = np.zeros(40, np.int64)
    counts[7], counts[9] = 59, 99
    model = make_model(architecture=architecture, unigram_output_bias=True, token_counts=counts)
    bias = model.architecture.mlm_head(model.hf).bias
    np.testing.assert_allclose(bias[[7, 9, 5]].detach(), np.log([60 / 198, 100 / 198, 1 / 198]), rtol=1e-6)
    masked_logits, _ = model(make_batch([5, 6]))
    masked_logits.sum().backward()
    assert bias.grad is not None
    assert model.architecture.mlm_head(model.hf).decoder.bias is bias  # tied, so that it acts and trains


def test_heads_must_divide_the_hidden_size(make_model):
    with pytest.raises(ValueError, match="model.hidden_size=16: expected a multiple of model.num_heads=3"):
        make_model(num_heads=3)
