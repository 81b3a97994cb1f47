"""The model card of an export: metadata that the hub reads, whatever its text, and what it must warn of."""

from dataclasses import replace

import pytest
from huggingface_hub import ModelCard

from nsp_ablation.reporting.render.model_card import CardedModel, model_card

MODEL = CardedModel(
    name="my-encoder",
    architecture="bert",
    hidden_size=8,
    arm={"format": "doc", "copies": None, "seed": 1},
    format_title="DOC-SENTENCES",
    format_description="Whole sentences.",
    masking="dynamic",
    predicts="mlm",
    pair_class="BertForNextSentencePrediction",
    max_length=96,
    in_range_tokens=90,
    corpus="`corpus=text`",
    datasets=[],
    language="en",
    lowercase=False,
    license="cc-by-4.0",
    is_generated=False,
    card_lines=[("documents", "12 | 13")],
    training={"updates": 12345, "held-out NSP accuracy": None},
    base_model=None,
    version="0.1.0",
    command="python run.py stage=export",
)


def metadata(**changes):
    return ModelCard(model_card(replace(MODEL, **changes))).data.to_dict()


@pytest.mark.parametrize(
    ("license", "expected"),
    [
        ("mit", ("mit", None)),
        (None, ("unknown", None)),
        ('Wikipedia: CC BY-SA; books: "all rights" ---\n# x', ("other", "as-stated-below")),
        ("CC-BY-4.0", ("other", "as-stated-below")),  # the hub refuses a spelling that it does not have
    ],
)
def test_the_licence_of_the_text_is_one_that_the_hub_has_or_other_and_stands_in_words(license, expected):
    found = metadata(license=license)
    assert (found["license"], found.get("license_name")) == expected
    assert (license or "not stated (`corpus.license`)") in model_card(replace(MODEL, license=license))


def test_metadata_names_what_the_hub_files_a_model_by():
    found = metadata(datasets=["wikimedia/wikipedia"], base_model="roberta-base", language="de")
    assert found["datasets"] == ["wikimedia/wikipedia"]
    assert (found["base_model"], found["language"], found["library_name"]) == ("roberta-base", "de", "transformers")
    assert found["tags"] == ["nsp-ablation", "bert", "doc-sentences", "mlm"]
    assert "datasets" not in metadata()


@pytest.mark.parametrize(
    ("predicts", "pair_class", "says", "never"),
    [
        ("mlm", "BertForNextSentencePrediction", "no trained head on pairs", "import AutoTokenizer, Bert"),
        ("mlm_nsp", "BertForNextSentencePrediction", "import AutoTokenizer, BertForNext", "no trained head on pairs"),
        ("mlm_nsp", None, "has no class that loads it", "import AutoTokenizer, "),
        ("mlm_sop", "BertForNextSentencePrediction", 'class 1 is "swapped"', "import AutoTokenizer, Bert"),
    ],
)
def test_only_a_trained_head_on_pairs_is_offered(predicts, pair_class, says, never):
    text = model_card(replace(MODEL, predicts=predicts, pair_class=pair_class))
    assert says in text
    assert never not in text


def test_limits_name_a_generated_corpus_and_positions_that_were_hardly_trained():
    text = model_card(replace(MODEL, is_generated=True, in_range_tokens=31))
    assert "longer than 31 tokens" in text
    assert "The text is generated" in text
    assert "The text is generated" not in model_card(MODEL)


def test_tables_stay_tables():
    lines = model_card(MODEL).splitlines()
    assert "| documents | 12 \\| 13 |" in lines
    assert "| updates | 12,345 |" in lines
    assert not [line for line in lines if "NSP accuracy" in line or "copies" in line]
    assert "title   = {{RoBERTa}: A Robustly Optimized {BERT} Pretraining Approach}," in "\n".join(lines)
