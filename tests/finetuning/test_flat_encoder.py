"""Encoders over flat inputs beside `transformers`' own padded forward pass, without dropout."""

import pytest
import torch
from transformers import AutoConfig, AutoModel

from nsp_ablation.learning.engine.attention import LENGTH_GROUPS
from nsp_ablation.learning.engine.flat_encoder import FlatEncoder, FlatInputs, map_tensors
from nsp_ablation.learning.engine.quiet import quiet_transformers

CPU, LENGTHS, PAD = torch.device("cpu"), [7, 24, 3, 24, 1, 23, 2, 2], 1
SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "max_position_embeddings": 40,
    "pad_token_id": PAD,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
FLAT = [
    ("bert", {}),
    ("bert", {"type_vocab_size": 1, "hidden_act": "relu", "layer_norm_eps": 1e-3}),
    ("roberta", {"type_vocab_size": 2}),
    ("roberta", {"type_vocab_size": 1}),
    ("roberta-prelayernorm", {"type_vocab_size": 2}),
    ("xlm-roberta", {"type_vocab_size": 1}),
    ("camembert", {}),
]
PADDED = [
    ("mpnet", {}),
    ("electra", {"embedding_size": 8}),
    ("albert", {"embedding_size": 8}),
    ("data2vec-text", {"type_vocab_size": 1}),
    (
        "distilbert",
        {"dim": 16, "n_layers": 2, "n_heads": 2, "hidden_dim": 24, "dropout": 0.0, "attention_dropout": 0.0},
    ),
    ("bert", {"is_decoder": True}),
]


@pytest.fixture(scope="module")
def make():
    """make("bert", **changes): a random encoder of `transformers` in float64, every weight away from 0."""

    def random_encoder(model_type: str, **changes):
        with quiet_transformers(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = AutoModel.from_config(AutoConfig.for_model(model_type, **{**SIZES, **changes}))
            for parameter in model.parameters():
                parameter.data.normal_(0, 0.3)
        return model.double().train()

    return random_encoder


def flat_inputs(lengths, types: bool) -> FlatInputs:
    draw = torch.Generator().manual_seed(1)
    positions = torch.cat([torch.arange(length) for length in (*lengths, 0)])
    offsets = torch.tensor([0, *lengths]).cumsum(0)
    type_ids = torch.randint(0, 2, positions.shape, generator=draw) if types else None
    return FlatInputs(torch.randint(5, 60, positions.shape, generator=draw), type_ids, positions, offsets)


def padded(flat: torch.Tensor, lengths, fill: int) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(flat.split(lengths), batch_first=True, padding_value=fill)


def theirs(hf, inputs: FlatInputs, lengths):
    """Return the hidden states of all tokens, and the pooled first ones, as `transformers` pads and runs them."""
    given = {
        "input_ids": padded(inputs.input_ids, lengths, PAD),
        "attention_mask": padded(torch.ones_like(inputs.input_ids), lengths, 0),
    }
    if inputs.token_type_ids is not None:
        given["token_type_ids"] = padded(inputs.token_type_ids, lengths, 0)
    encoded = hf(**given)
    hidden = torch.cat([row[:length] for row, length in zip(encoded.last_hidden_state, lengths, strict=True)])
    return hidden, getattr(encoded, "pooler_output", None)


def ours(hf, inputs: FlatInputs, lengths):
    encoder = FlatEncoder(hf, PAD)
    return encoder(inputs, encoder.layout_of(inputs.sequence_offsets, max(lengths), LENGTH_GROUPS))


def gradients(hf, hidden, pooled):
    """Return every weight's gradient of a weighted sum of the outputs."""
    draw = torch.Generator().manual_seed(5)
    outputs = [output for output in (hidden, pooled) if output is not None]
    hf.zero_grad()
    sum((o * torch.randn(o.shape, generator=draw, dtype=o.dtype)).sum() for o in outputs).backward()
    return {name: weight.grad.clone() for name, weight in hf.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize(("model_type", "changes"), [*FLAT, *PADDED])
def test_hidden_states_and_gradients_are_those_of_the_padded_forward_pass(make, model_type, changes):
    hf, types = make(model_type, **changes), changes.get("type_vocab_size") == 2 or model_type == "bert"
    inputs = flat_inputs(LENGTHS, types and changes.get("type_vocab_size") != 1)
    expected = theirs(hf, inputs, LENGTHS)
    expected_gradients = gradients(hf, *expected)
    found = ours(hf, inputs, LENGTHS)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    assert len(expected_gradients) > 20
    torch.testing.assert_close(gradients(hf, *found), expected_gradients, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("model_type", "changes"), [*FLAT, *PADDED])
def test_which_encoders_are_padded_and_what_their_attention_is_called(make, model_type, changes):
    encoder = FlatEncoder(make(model_type, **changes), PAD)
    name = encoder.backend(CPU, "32-true", dropout=True)
    if (model_type, changes) in PADDED:
        assert encoder.architecture is None
        assert name == f"padded, transformers' own ({model_type}, {encoder.hf.config._attn_implementation})"
    else:
        assert encoder.architecture is not None
        assert name == LENGTH_GROUPS


def test_the_flat_pass_of_an_encoder_that_pads_would_be_caught(make):
    """One that reads from left to right has our architecture's name and another forward pass."""
    hf, inputs = make("bert", is_decoder=True), flat_inputs(LENGTHS, True)
    expected, _ = ours(hf, inputs, LENGTHS)
    hf.config.is_decoder = False
    found, _ = ours(hf, inputs, LENGTHS)
    assert (found - expected).abs().max() > 0.01


@pytest.mark.parametrize(("model_type", "changes"), [FLAT[1], FLAT[4], PADDED[0]])
def test_no_sequence_gives_no_hidden_state_and_no_error(make, model_type, changes):
    hidden, pooled = ours(make(model_type, **changes), flat_inputs([], False), [0])
    assert (hidden.shape, pooled.shape) == ((0, 16), (0, 16))


@pytest.mark.parametrize(("model_type", "changes"), [FLAT[0], FLAT[4], PADDED[1], PADDED[3]])
def test_checkpointed_layers_have_the_same_gradients_dropout_included(make, model_type, changes):
    hf = make(model_type, **changes, hidden_dropout_prob=0.3, attention_probs_dropout_prob=0.3)
    inputs, found = flat_inputs(LENGTHS, False), []
    for checkpoints_layers in (False, True):
        encoder = FlatEncoder(hf, PAD)
        encoder.obey(compiles=False, checkpoints_layers=checkpoints_layers)
        layout = encoder.layout_of(inputs.sequence_offsets, 24, LENGTH_GROUPS)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            found.append(gradients(hf, *encoder(inputs, layout)))
    assert all(torch.equal(found[0][name], found[1][name]) for name in found[0])
    assert len(found[0]) > 20


def test_what_an_encoder_in_its_own_forward_pass_cannot_do_is_refused_with_a_remedy(make):
    encoder = FlatEncoder(make("mpnet"), PAD)
    with pytest.raises(ValueError, match=r"trainer\.compile=true: the encoder is a mpnet.* set trainer\.compile=false"):
        encoder.obey(compiles=True, checkpoints_layers=False)
    with pytest.raises(ValueError, match=r"gradient_checkpointing=true: .*set trainer\.gradient_checkpointing=false"):
        encoder.obey(compiles=False, checkpoints_layers=True)
    encoder.obey(compiles=False, checkpoints_layers=False)


def test_tensors_are_changed_at_any_depth_and_nothing_else():
    inputs = flat_inputs([2, 3], False)
    changed = map_tensors({"inputs": (inputs, "text", 3)}, lambda tensor: tensor + 1)["inputs"]
    assert torch.equal(changed[0].input_ids, inputs.input_ids + 1)
    assert torch.equal(changed[0].sequence_offsets, inputs.sequence_offsets + 1)
    assert changed[0].token_type_ids is None
    assert changed[1:] == ("text", 3)
