"""Each key of an open point changes what training is fed, through the very objects that training uses."""

import copy
import functools
import json

import numpy as np
import pytest
import torch
import yaml

from nsp_ablation.batches.assemble import assemble_masked
from nsp_ablation.batches.loader import micro_batch_loader
from nsp_ablation.config.checks import check
from nsp_ablation.corpus.document import is_heldout
from nsp_ablation.formats.sample_index import SampleIndex
from nsp_ablation.stages.documents import microworld_fingerprint
from nsp_ablation.stages.feed import Feed, make_feed
from nsp_ablation.stages.model import make_model
from nsp_ablation.stages.prepare import prepare
from nsp_ablation.stages.pretrain import _heldout_batches, encoder_key

FORMATS = ("segment_pair", "sentence_pair", "full", "doc")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """A corpus of 120 documents of 1 to 8 sentences, every fifth of one."""
    directory = tmp_path_factory.mktemp("keys")
    names, places = ("Anna", "Ben", "Clara", "David"), ("Rome", "Oslo", "Bonn")
    lines = []
    for number in range(120):
        sentences = [
            f"{names[(number + i) % 4]} lived {number + i} years in {places[i % 3]}{' with a cat' * (i % 4)}."
            for i in range(1 if number % 5 == 0 else 2 + number % 7)
        ]
        lines.append(json.dumps({"text": " ".join(sentences)}))
    (directory / "corpus.jsonl").write_text("\n".join(lines))
    return directory


@pytest.fixture(scope="module")
def compose(command_line, directory):
    """compose("format=doc", "seed=2") -> the checked configuration: a format, and settings changed one by one."""
    common = (
        *("scale=smoke", "corpus=jsonl", f"corpus.path={directory}/corpus.jsonl", "tokenizer.vocab_size=300"),
        *("max_length=64", "corpus.heldout_fraction=0.2", "stage=pretrain"),
        *(f"paths.artifacts={directory}/artifacts", f"paths.results={directory}/results"),
    )
    # Hydra takes a third of a second for each composition, so there is one a format
    words = ["-m", f"format={','.join(FORMATS)}", *map(command_line.quote_numbers, common)]
    cells = command_line.preflight(command_line.parse_arguments(words))
    composed = {cell.config.format.name: cell.config for cell in cells}

    def configuration(choice, *changes):
        config = copy.deepcopy(composed[choice.removeprefix("format=")])
        for change in changes:
            key, _, value = change.partition("=")
            *groups, name = key.split(".")
            place = functools.reduce(getattr, groups, config)
            assert hasattr(place, name), key
            setattr(place, name, yaml.safe_load(value))
        check(config)
        return config

    return configuration


@pytest.fixture(scope="module")
def feed_of(compose):
    """feed_of("format=doc", ...) -> what that configuration feeds the model; tokenizer and stores are built once."""

    def feed(*arguments) -> Feed:
        config = compose(*arguments)
        return make_feed(config, prepare(config))

    return feed


def content(index: SampleIndex):
    """Return all that an index says of its samples, as plain values."""
    labels = [None if label is None else label.tolist() for label in (index.is_random_next, index.is_swapped)]
    return [index.spans.tolist(), index.separators.tolist(), index.offsets.tolist(), *labels]


def test_budget(feed_of):
    sizes = {
        (name, budget): feed_of(f"format={name}", f"budget={budget}").size
        for name in FORMATS
        for budget in ("paper", "tokens", "sequences")
    }
    means = {name: feed_of(f"format={name}").index_of(1).lengths().mean() for name in ("segment_pair", "full")}
    in_tokens = {key: size.tokens for key, size in sizes.items() if size.tokens is not None}
    assert in_tokens == pytest.approx(
        {
            ("sentence_pair", "paper"): 4 * means["segment_pair"],
            ("doc", "paper"): 4 * means["full"],
            **{(name, "tokens"): 4 * means["full"] for name in FORMATS},
        }
    )
    assert all(size.sequences == 4 for key, size in sizes.items() if key not in in_tokens)


@pytest.mark.parametrize("name", ["full", "doc"])
def test_sentence_separator(feed_of, name):
    without, after_each = (feed_of(f"format={name}", f"format.sentence_separator={v}") for v in ("false", "true"))
    assert without.index_of(1).separators.sum() < after_each.index_of(1).separators.sum()
    assert len(after_each.index_of(1).spans) == after_each.store.num_sentences


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_pair_separator(feed_of, name):
    for value, number in (("single", 1), ("double", 2)):
        feed = feed_of(f"format={name}", f"format.pair_separator={value}")
        row = assemble_masked(feed.store, feed.index_of(1), feed.frame, np.arange(1), feed.spec, 1).input_ids
        assert (row == feed.frame.sep).sum() == number + 1
        assert set(feed.index_of(1).separators[::2]) == {number}


def test_nsp_balance(feed_of):
    shares = [
        feed_of("format=segment_pair", f"format.nsp_balance={value}", "format.lone_sentences=skip").index_of(1)
        for value in ("bert", "exact")
    ]
    berts, exact = (index.is_random_next for index in shares)
    assert berts.mean() > 0.52
    assert abs(2 * exact.sum() - len(exact)) <= 1


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair"])
def test_lone_sentences(feed_of, name):
    for value in ("random", "skip"):
        feed = feed_of(f"format={name}", f"format.lone_sentences={value}")
        first_a = feed.index_of(1).spans[::2, 0]
        lone = np.flatnonzero(np.diff(feed.store.document_offsets) == 1)
        starts = feed.store.sentence_offsets[feed.store.document_offsets[lone]]
        assert len(starts) > 10
        assert np.isin(starts, first_a).all() if value == "random" else not np.isin(starts, first_a).any()


def test_pairs(feed_of):
    overlapping, disjoint = (feed_of("format=sentence_pair", f"format.pairs={v}") for v in ("overlapping", "disjoint"))
    assert overlapping.index_of(1).num_samples == overlapping.store.num_sentences
    assert disjoint.index_of(1).num_samples < 0.95 * disjoint.store.num_sentences


def test_count(feed_of):
    for value, varies in (("exact", False), ("bernoulli", True)):
        feed = feed_of("format=full", f"masking.count={value}")
        index = feed.index_of(1)
        flat = assemble_masked(feed.store, index, feed.frame, np.arange(index.num_samples), feed.spec, 1)
        numbers = np.diff(np.searchsorted(flat.masked_positions, flat.sequence_offsets))
        ordinary = np.add.reduceat((~flat.special).astype(int), flat.sequence_offsets[:-1])
        assert (not np.array_equal(numbers, np.maximum(1, np.round(0.15 * ordinary)))) == varies


@pytest.mark.parametrize("name", ["segment_pair", "sentence_pair", "full"])
def test_resample(feed_of, name):
    fixed, drawn, in_copies = (
        feed_of(f"format={name}", *arguments)
        for arguments in (
            ["format.resample=false"],
            ["format.resample=true"],
            ["format.resample=true", "masking.name=static", "masking.copies=2"],
        )
    )
    assert fixed.index_of(1) is fixed.index_of(2)
    assert content(drawn.index_of(1)) != content(drawn.index_of(2)) != content(drawn.index_of(3))
    assert content(in_copies.index_of(1)) == content(in_copies.index_of(3)) != content(in_copies.index_of(2))


def test_type_vocab_size_and_the_same_parameters_in_every_arm(compose, feed_of):
    numbers = {}
    arms = [(name, "paper") for name in FORMATS] + [("segment_pair", "mlm"), ("segment_pair", "mlm_sop")]
    for types in (2, 1):
        for name, objective in arms:
            arguments = (f"format={name}", f"objective={objective}", f"model.type_vocab_size={types}")
            model = make_model(compose(*arguments), feed_of(*arguments))
            numbers[types, name, objective] = sum(parameter.numel() for parameter in model.parameters())
    counts = {types: {number for key, number in numbers.items() if key[0] == types} for types in (2, 1)}
    assert len(counts[2]) == len(counts[1]) == 1
    assert counts[2].pop() - counts[1].pop() == 64  # one more embedding of H = 64


def test_a_model_of_one_token_type_reads_pairs_of_two(compose, feed_of):
    arguments = ("format=segment_pair", "model.type_vocab_size=1")
    feed = feed_of(*arguments)
    loader = micro_batch_loader(
        *(feed.plan, feed.store, feed.frame, feed.spec),
        **{"first_step": 0, "max_steps": 1, "accumulation": 1, "num_workers": 0},
    )
    batch = next(iter(loader))
    assert batch.token_type_ids.max() == 1
    masked_logits, pair_logits = make_model(compose(*arguments), feed)(batch)
    assert torch.isfinite(masked_logits).all()
    assert torch.isfinite(pair_logits).all()


def test_the_pretraining_seed_draws_order_formats_masks_and_weights(compose, feed_of):
    arguments = [("format=segment_pair", f"seed={seed}") for seed in (1, 2)]
    first, second = (feed_of(*words) for words in arguments)
    assert content(first.index_of(1)) != content(second.index_of(1))
    assert first.spec.keys(np.arange(9), 1).tolist() != second.spec.keys(np.arange(9), 1).tolist()
    orders = [feed_of("format=doc", f"seed={seed}").plan.order(1).tolist() for seed in (1, 2)]
    assert orders[0] != orders[1]
    weights = [make_model(compose(*words), feed_of(*words)).state_dict() for words in arguments]
    matrices = [name for name, weight in weights[0].items() if weight.ndim == 2 and "position" not in name]
    assert not any(torch.equal(weights[0][name], weights[1][name]) for name in matrices)


def test_neither_seed_touches_tokenizer_splitting_held_out_documents_or_the_micro_world(compose, feed_of):
    seeds = [("seed=1", "finetuning.seeds=[1]"), ("seed=2", "finetuning.seeds=[1]"), ("seed=1", "finetuning.seeds=[2]")]
    configs = [compose("format=segment_pair", *words) for words in seeds]
    assert len({prepare(config) for config in configs}) == 1  # the places of tokenizer, store and held-out store
    assert prepare(configs[0]).heldout is not None
    feeds = [feed_of("format=segment_pair", *words) for words in seeds]
    assert len({feed.store.fingerprint for feed in feeds}) == len({feed.heldout.fingerprint for feed in feeds}) == 1
    assert len({microworld_fingerprint(config.corpus) for config in configs}) == 1
    keys = [encoder_key(config) for config in configs]
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]  # a fine-tuning seed asks for no other encoder


@pytest.mark.parametrize("name", ["segment_pair", "full"])
def test_an_arms_own_held_out_inputs_and_masks_are_the_same_for_every_seed(compose, feed_of, name):
    found = []
    for seed in (1, 2):
        arguments = (f"format={name}", f"seed={seed}")
        batches = list(_heldout_batches(compose(*arguments), feed_of(*arguments)))
        found.append([(batch.input_ids.tolist(), batch.masked_labels.tolist()) for batch in batches])
    assert found[0] == found[1]
    assert sum(len(labels) for _, labels in found[0]) > 20


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("format.lone_sentences=skip", "finds no pair"),
        ("objective=mlm_sop", "finds no pair"),
        ("format.nsp_balance=exact", "cannot be met"),
    ],
)
def test_held_out_documents_that_make_no_pairs_stop_no_training(directory, compose, feed_of, capsys, change, reason):
    lone = (f"Anna lived {number} years in Rome." for number in range(1000))
    longer = (f"Ben lived {number} years in Oslo. He had a cat. It was red." for number in range(100))
    texts = [next(text for text in lone if is_heldout(text, 0.02)) for _ in range(2)]
    texts += [text for text in longer if not is_heldout(text, 0.02)]
    (directory / "lone.jsonl").write_text("\n".join(json.dumps({"text": text}) for text in texts))
    feed = feed_of(
        *("format=segment_pair", f"corpus.path={directory}/lone.jsonl", "corpus.heldout_fraction=0.02", change),
        "tokenizer.vocab_size=280",
    )
    assert feed.heldout.num_documents == 2
    assert feed.heldout_index is None
    assert feed.index_of(1).num_samples > 90
    assert reason in capsys.readouterr().out
