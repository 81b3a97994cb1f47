"""What a probe is given: the same held-out inputs and masks for every arm, the micro-world's values, its own model."""

import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import pytest

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import InputError
from nsp_ablation.learning.engine.attention import LENGTH_GROUPS
from nsp_ablation.learning.engine.encoder_directory import load_masked_lm, read_layout
from nsp_ablation.learning.probes.heldout_mlm import _masked_documents
from nsp_ablation.learning.probes.probe_inputs import probe_of
from nsp_ablation.options.corpus_options import TokenizerOptions
from nsp_ablation.options.task_options import TaskOptions
from nsp_ablation.pipeline import evaluation
from nsp_ablation.pipeline.encoders import UntrainedEncoder, trained_encoder
from nsp_ablation.pipeline.evaluation import evaluate
from nsp_ablation.pipeline.probe_data import probe_inputs
from nsp_ablation.pipeline.task_data import TaskData
from nsp_ablation.text.corpus.document import is_tuning, least_heldout_fraction, text_digest
from nsp_ablation.text.microworld.world import SLOT_OF
from nsp_ablation.text.tokenization.tokenizer import load_tokenizer, train_tokenizer

HELDOUT = TaskOptions("heldout_mlm", "heldout_mlm", metric="perplexity", heldout_tokens=300)
RECALL = TaskOptions("in_context_recall", "recall", metric="accuracy", num_frequent=0)


@pytest.fixture
def given(compose, tmp_path):
    """given(*settings) -> what the probe of held-out perplexity is given, and the masks it then makes."""

    def inputs(*settings):
        config = compose(*settings)
        stores = trained_encoder(config).stores
        return probe_inputs(config, stores, TaskData(tmp_path, HELDOUT, False), stores.vocabulary.make())

    return inputs


def test_every_arm_and_seed_predicts_the_same_tokens_under_the_same_mask(given, feed_of):
    arms = (
        ("format=full", "seed=1"),
        ("format=sentence_pair", "seed=2", "masking.probability=0.3"),
        ("format=doc", "seed=3"),
    )
    inputs = [given(*arm) for arm in arms]
    stores, masks = zip(*(_masked_documents(each, HELDOUT) for each in inputs), strict=True)
    for each, store, masked in zip(inputs, stores, masks, strict=True):
        assert each.heldout.fingerprint == feed_of("format=full").heldout.fingerprint
        assert (each.target_words, each.target_ids) == (None, None)
        assert store.fingerprint == stores[0].fingerprint
        assert masked.ids.tolist() == masks[0].ids.tolist()
        assert masked.positions.tolist() == masks[0].positions.tolist()
    assert len(masks[0].positions) > 30
    other = _masked_documents(given("format=full", "corpus.seed=2"), HELDOUT)[1]
    assert other.positions.tolist() != masks[0].positions.tolist()


def test_probes_read_the_half_that_is_asked_for(given):
    parts = {
        part: given("format=full", f"corpus.heldout_part={part}").heldout for part in ("reporting", "tuning", "all")
    }
    counts = {part: store.num_documents for part, store in parts.items()}
    assert counts["reporting"] + counts["tuning"] == counts["all"] > 10
    assert min(counts.values()) > 3
    both = parts["reporting"].ids.tolist() + parts["tuning"].ids.tolist()
    assert both == parts["all"].ids.tolist()


def test_a_half_without_documents_is_told_and_all_of_those_held_out_are_its_remedy(given, feed_of, small_corpus):
    rows = map(json.loads, (small_corpus / "corpus.jsonl").read_text().splitlines())
    digests = sorted((text_digest(row["text"]) for row in rows), key=least_heldout_fraction)
    part, other = ("reporting", "tuning") if is_tuning(digests[0]) else ("tuning", "reporting")
    fraction = f"corpus.heldout_fraction={least_heldout_fraction(digests[0]) + 1e-6:.7f}"
    with pytest.raises(InputError, match="set corpus.heldout_part=all, or raise corpus.heldout_fraction") as error:
        given("format=full", fraction, f"corpus.heldout_part={part}")
    assert f"corpus.heldout_part={part}: none of the 1 documents held out is in this half" in str(error.value)
    feed = feed_of("format=full", fraction, f"corpus.heldout_part={part}")
    assert (feed.heldout, feed.heldout_index) == (None, None)
    assert feed.omitted["heldout_loss"].startswith(f"corpus.heldout_part={part}: none of the 1 ")
    for remedy in ("all", other):
        assert given("format=full", fraction, f"corpus.heldout_part={remedy}").heldout.num_documents == 1
        assert feed_of("format=full", fraction, f"corpus.heldout_part={remedy}").omitted == {}


@pytest.mark.parametrize("name", ["bbpe", "wordpiece"])
def test_the_micro_worlds_values_of_one_token_are_what_recall_asks_for(compose, tmp_path, name):
    values = [value for value in SLOT_OF if value != "Leeds"]
    texts = [" ".join(values)] * 9
    train_tokenizer(TokenizerOptions(name, vocab_size=438 if name == "bbpe" else 220), iter(texts), tmp_path / name)
    tokenizer = load_tokenizer(tmp_path / name)
    corpus = SimpleNamespace(is_generated=True)
    task = TaskData(tmp_path, replace(RECALL, kind="minimal_pairs", metric="accuracy"), False)
    inputs = probe_inputs(compose("format=full"), SimpleNamespace(corpus=corpus), task, tmp_path / name)
    assert {*inputs.target_words} == {*SLOT_OF}
    words = {tokenizer.decode([token]).strip() for token in inputs.target_ids}
    expected = {value for value in SLOT_OF if len(tokenizer.encode(value, add_special_tokens=False).ids) == 1}
    assert words == expected
    assert {"Oslo", "Leeds"} - words == {"Leeds"}


@pytest.fixture(scope="module")
def untrained(compose):
    """An encoder with dropout in its configuration, as it starts."""
    config = compose("format=full", "model.dropout=0.5", "model.attention_dropout=0.5")
    trained = trained_encoder(config)
    return UntrainedEncoder(trained.root, config, trained.stores)


def test_a_probe_sees_the_encoder_without_dropout_and_says_by_which_attention(untrained, tmp_path):
    config, task = untrained.config, TaskData(tmp_path, HELDOUT, False)
    outcome, _, backend, omitted = evaluate(config, untrained, task, None, tmp_path)
    directory = str(untrained.make())
    layout = read_layout(directory, config.max_length, "as_pretrained")
    inputs = probe_inputs(config, untrained.stores, task, untrained.directory, layout)
    expected = probe_of(HELDOUT).measure(load_masked_lm(directory).eval(), inputs, HELDOUT)
    assert outcome.scores.tolist() == expected.scores.tolist()
    assert (backend, omitted) == (LENGTH_GROUPS, {})


@pytest.mark.parametrize("label", ["nsp", "sop"])
def test_a_linear_probe_needs_no_mlm_head(untrained, tmp_path, monkeypatch, label):
    def refuse(directory):
        raise InputError(f"encoder={directory} has no MLM head")

    monkeypatch.setattr(evaluation, "load_masked_lm", refuse)
    options = TaskOptions("probe", "pair_order", metric="accuracy", pair_label=label)
    config, task = untrained.config, TaskData(tmp_path, options, False)
    outcome = evaluate(config, untrained, task, None, tmp_path)[0]
    layout = read_layout(str(untrained.make()), config.max_length, "as_pretrained")
    inputs = probe_inputs(config, untrained.stores, task, untrained.directory, layout)
    assert len(outcome.scores) == probe_of(options).num_examples(inputs, options) > 10
    assert 0 < outcome.metrics["accuracy"] < 1
    with pytest.raises(InputError, match="has no MLM head"):
        evaluate(config, untrained, TaskData(tmp_path, HELDOUT, False), None, tmp_path)


def test_the_backend_of_pre_training_stands_beside_that_of_what_followed(untrained, tmp_path):
    task, shown = TaskData(tmp_path, HELDOUT, False), []
    for recorded in ({"attention_backend": "another"}, {}):
        copied = tmp_path / str(len(recorded))
        shutil.copytree(untrained.make(), copied)
        write_json(copied / "pretraining.json", read_json(copied / "pretraining.json") | recorded)
        encoder = SimpleNamespace(arm="trained", make=lambda copied=copied: copied, stores=untrained.stores, hear=print)
        shown.append(evaluate(untrained.config, encoder, task, None, tmp_path)[2])
    assert shown == [
        f"pre-training: another; after it: {LENGTH_GROUPS}",
        f"pre-training: not recorded; after it: {LENGTH_GROUPS}",
    ]


def test_an_encoder_of_fewer_positions_is_read_to_its_own_length_and_short_inputs_to_a_share_of_the_configurations(
    untrained, tmp_path
):
    layout = replace(read_layout(str(untrained.make()), 64, "as_pretrained"), max_length=24)
    inputs = probe_inputs(
        untrained.config, untrained.stores, TaskData(tmp_path, HELDOUT, False), untrained.make(), layout
    )
    assert (inputs.frame.max_length, inputs.max_length, inputs.layout) == (24, 64, layout)
    shares = (replace(RECALL, short_share=share) for share in (0.25, 0.5))
    assert [inputs.in_range_length(task) for task in shares] == [16, 24]
