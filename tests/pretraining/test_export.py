"""The exported directory, loaded by `transformers`."""

import json
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
    AutoTokenizer,
    BertForNextSentencePrediction,
)

from nsp_ablation.base.artifact import read_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.quiet import quiet_transformers
from nsp_ablation.learning.pretraining.pretraining_model import export_encoder
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.model_options import ARCHITECTURES
from nsp_ablation.text.tokenization.tokenizer import train_tokenizer

FACTS = {"condition": {"format": "full"}, "seed": 1, "pretraining": {"updates": 5}}


@pytest.fixture(scope="module")
def tokenizer_directory(tmp_path_factory):
    directory = tmp_path_factory.mktemp("tokenizer")
    texts = (f"the number {n} follows {n - 1}." for n in range(50))
    train_tokenizer(TokenizerOptions("bbpe", 270), texts, directory)
    return directory


@pytest.fixture
def export(make_model, tokenizer_directory, tmp_path):
    def exported(architecture, **changes):
        model = make_model(architecture=architecture, **changes).eval()
        export_encoder(model, tokenizer_directory, tmp_path / "encoder", FACTS)
        return model, str(tmp_path / "encoder")

    return exported


def _load(auto_class, directory):
    with quiet_transformers():
        loaded, info = auto_class.from_pretrained(directory, output_loading_info=True)
    assert not info["missing_keys"]
    return loaded.eval()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_exported_logits_are_the_models(export, make_batch, architecture):
    model, directory = export(architecture)
    batch = make_batch([9])
    inputs = {"input_ids": batch.input_ids[None], "token_type_ids": batch.token_type_ids[None]}
    with torch.no_grad():
        masked_logits, pair_logits = model(batch)
        if architecture == "bert":
            outputs = _load(AutoModelForPreTraining, directory)(**inputs)
            assert type(_load(AutoModelForPreTraining, directory)).__name__ == "BertForPreTraining"
            found = outputs.prediction_logits
            torch.testing.assert_close(outputs.seq_relationship_logits, pair_logits)
        else:
            found = _load(AutoModelForMaskedLM, directory)(**inputs).logits
        torch.testing.assert_close(found[0, batch.masked_positions], masked_logits)
        encoder = _load(AutoModel, directory)
        torch.testing.assert_close(encoder.state_dict(), model.hf.base_model.state_dict(), rtol=0, atol=0)
        found, expected = encoder(**inputs), model.hf.base_model(**inputs)
        torch.testing.assert_close(found.last_hidden_state, expected.last_hidden_state, rtol=0, atol=0)
        torch.testing.assert_close(found.pooler_output, expected.pooler_output)  # some BLAS sum by alignment


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_mlm_export_loads_without_missing_weights(export, architecture):
    _, directory = export(architecture, predicts_pairs=False)
    _load(AutoModel, directory)
    _load(AutoModelForMaskedLM, directory)
    name = {"bert": "BertForPreTraining", "roberta": "RobertaForMaskedLM"}.get(architecture)
    config = read_json(Path(directory) / "config.json")
    assert config["architectures"] == [name or "RobertaPreLayerNormForMaskedLM"]
    positions = config["max_position_embeddings"]
    assert (positions, config["pad_token_id"]) == (24 if architecture == "bert" else 26, 1)
    assert (config["bos_token_id"], config["eos_token_id"]) == (0, 2)


def test_tokenizer_and_facts_lie_beside_the_weights(export, tokenizer_directory):
    _, directory = export("roberta")
    text = "the number 17"
    ours, trained = AutoTokenizer.from_pretrained(directory), AutoTokenizer.from_pretrained(tokenizer_directory)
    assert ours(text).input_ids == trained(text).input_ids
    with open(f"{directory}/pretraining.json") as file:
        assert json.load(file) == FACTS


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_init_from_goes_on_with_an_export(export, make_model, architecture):
    model, directory = export(architecture, seed=1)
    other = make_model(seed=2, architecture=architecture, init_from=directory)
    torch.testing.assert_close(other.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_init_from_keeps_drawn_heads_that_the_directory_lacks(export, make_model):
    model, directory = export("roberta", seed=1, predicts_pairs=False)
    other = make_model(seed=2, architecture="roberta", init_from=directory)
    drawn = make_model(seed=2, architecture="roberta")
    assert torch.equal(other.hf.roberta.pooler.dense.weight, model.hf.roberta.pooler.dense.weight)
    assert torch.equal(other.hf.seq_relationship.weight, drawn.hf.seq_relationship.weight)


def test_init_from_another_size_is_refused(export, make_model, tmp_path):
    _, directory = export("bert")
    with pytest.raises(ValueError, match="model.init_from=.*encoder does not fit this model"):
        make_model(hidden_size=32, init_from=directory)
    with pytest.raises(ValueError, match="model.init_from=.*nowhere"):
        make_model(init_from=str(tmp_path / "nowhere"))


def test_init_from_another_number_of_heads_is_refused_though_every_shape_fits(export, make_model):
    _, directory = export("bert")
    with pytest.raises(InputError, match="model.init_from=.*has num_attention_heads=2, this model 4; set model.num_h"):
        make_model(num_heads=4, init_from=directory)
    make_model(num_heads=2, init_from=directory)


@pytest.mark.parametrize(("name", "value"), [("hidden_act", "relu"), ("layer_norm_eps", 1e-5), ("is_decoder", True)])
def test_init_from_another_forward_pass_is_refused(export, make_model, name, value):
    _, directory = export("bert")
    path = Path(directory) / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    with pytest.raises(InputError, match=f"model.init_from=.*has {name}={value}, this model .*; use another encoder"):
        make_model(init_from=directory)


def test_bert_for_next_sentence_prediction_gives_the_pair_logits_of_pretraining(export, make_batch):
    model, directory = export("bert")
    batch = make_batch([9])
    inputs = {"input_ids": batch.input_ids[None], "token_type_ids": batch.token_type_ids[None]}
    with torch.no_grad():
        _, pair_logits = model(batch)
        found = _load(BertForNextSentencePrediction, directory)(**inputs).logits
    torch.testing.assert_close(found, pair_logits)
