"""Fingerprints: each field of each option changes the keys of what depends on it, and of nothing else.

The table is written by hand, from what each setting does; it is not read from the options' kinds.
"""

import copy
import dataclasses
import json
import typing

import pytest

from nsp_ablation.config.identity import encoder_identity, results_identities
from nsp_ablation.config.schema import Config
from nsp_ablation.options.output_options import ComparisonOptions, ContrastOptions
from nsp_ablation.options.task_options import TASK_KINDS
from nsp_ablation.pipeline.chain import MAKERS
from nsp_ablation.pipeline.encoders import UntrainedEncoder, encoders_of, trained_encoder
from nsp_ablation.pipeline.results import results_of
from nsp_ablation.pipeline.task_data import tasks_of

# What a change reaches, downstream. `task` and `probe` are the records of the trained encoder on a task that is
# fine-tuned and on a probe, `other` those of the untrained encoder on the task.
NOTHING: frozenset[str] = frozenset()
RECORDS = frozenset({"task", "probe", "other"})
ENCODER = frozenset({"encoder", "task", "probe"})
FEED = ENCODER | {"feed"}
SEED = FEED | {"untrained", "other"}
SHARED = ENCODER | {"other"}  # science of both arms, but no part of how weights start
MODEL = SHARED | {"untrained"}
STORES = FEED | {"stores", "other"}
TOKENIZER = STORES | {"tokenizer", "untrained"}
CORPUS = TOKENIZER | {"corpus"}
TASK = frozenset({"baselines", "task", "other"})
PROBE = frozenset({"probe"})

BASES = {
    "full": ("format=full", "masking=static", "corpus=jsonl", "tokenizer=bbpe", "tasks=[sst2,in_context_recall]"),
    "segment": ("format=segment_pair", "corpus=text", "tokenizer=bbpe", "tasks=[squad2,context_gain]"),
    "sentence": ("format=sentence_pair", "corpus=jsonl", "tokenizer=wordpiece", "tasks=[race,heldout_mlm]"),
    "pairs": ("format=full", "corpus=jsonl", "tokenizer=bbpe", "tasks=[sst2,nsp_probe]"),
    "words": ("format=full", "corpus=jsonl", "tokenizer=bbpe", "tasks=[sst2,word_recall]"),
    "generated": ("format=doc", "corpus=microworld", "tokenizer=bbpe", "tasks=[mnli,in_context_recall]"),
    "hub": ("format=full", "corpus=wikipedia", "tokenizer=bbpe", "tasks=[stsb,in_context_recall]"),
    "cleaned": ("format=full", "corpus=jsonl", "corpus.near_duplicates=remove", "tasks=[sst2,in_context_recall]"),
    "taken": ("format=full", "corpus=jsonl", "tokenizer=pretrained", "tasks=[sst2,in_context_recall]"),
}
TABLE: dict[str, tuple[str, object, frozenset[str]]] = {
    "stage": ("full", "pretrain", NOTHING),
    "name": ("full", "x", NOTHING),
    "condition_name": ("full", "x", NOTHING),
    "scale_name": ("full", "x", NOTHING),
    "seed": ("full", 2, SEED),
    "objective": ("segment", "mlm_sop", FEED),
    "budget": ("full", "tokens", FEED),
    "max_length": ("full", 80, FEED | MODEL),
    "encoder": ("full", "random", NOTHING),
    "encoder_note": ("full", "x", NOTHING),
    "format.name": ("full", "doc", FEED),
    "format.sentence_separator": ("full", True, FEED),
    "format.pair_separator": ("segment", "double", FEED),
    "format.nsp_balance": ("segment", "exact", FEED),
    "format.lone_sentences": ("sentence", "skip", FEED),
    "format.pairs": ("sentence", "disjoint", FEED),
    "format.random_next": ("segment", 0.0, FEED),
    "format.attention": ("full", "document", FEED),
    "format.lengths": ("full", "doc", FEED),
    "format.resample": ("full", True, FEED),
    "masking.name": ("full", "dynamic", FEED),
    "masking.copies": ("full", 3, FEED),
    "masking.probability": ("full", 0.2, FEED),
    "masking.mask_fraction": ("full", 0.7, FEED),
    "masking.random_fraction": ("full", 0.2, FEED),
    "masking.count": ("full", "bernoulli", FEED),
    "masking.unit": ("full", "whole_word", FEED),
    "tokenizer.name": ("full", "wordpiece", TOKENIZER),
    "tokenizer.vocab_size": ("full", 301, TOKENIZER),
    "tokenizer.lowercase": ("sentence", False, TOKENIZER),
    "tokenizer.strip_accents": ("sentence", False, TOKENIZER),
    "tokenizer.max_alphabet": ("sentence", 2000, TOKENIZER),
    "tokenizer.max_word_characters": ("sentence", 100, TOKENIZER),
    "tokenizer.path": ("taken", "{directory}/other", TOKENIZER),
    "tokenizer.max_train_documents": ("full", 5, TOKENIZER),
    "model.name": ("full", "x", MODEL),
    "model.architecture": ("full", "roberta", MODEL),
    "model.num_layers": ("full", 2, MODEL),
    "model.hidden_size": ("full", 32, MODEL),
    "model.num_heads": ("full", 4, MODEL),
    "model.intermediate_size": ("full", 64, MODEL),
    "model.dropout": ("full", 0.2, MODEL),
    "model.attention_dropout": ("full", 0.2, MODEL),
    "model.type_vocab_size": ("full", 1, MODEL),
    "model.init_std": ("full", 0.03, MODEL),
    "model.pair_head_init_std": ("full", 0.02, MODEL),
    "model.sinusoid_init_base": ("full", 50.0, MODEL),
    "model.sinusoid_init_scale": ("full", 1.0, MODEL),
    "model.lookup_init": ("full", False, MODEL),
    "model.neighbour_init": ("full", True, MODEL),
    "model.neighbour_value_gain": ("full", 0.5, MODEL),
    "model.unigram_output_bias": ("full", True, MODEL),
    "model.init_from": ("full", "{directory}/weights", MODEL),
    "model.num_threads": ("full", 2, SHARED),
    "corpus.name": ("full", "x", SHARED),
    "corpus.reader": ("full", "text", CORPUS),
    "corpus.path": ("full", "{directory}/other.jsonl", CORPUS),
    "corpus.max_line_bytes": ("full", 9999, NOTHING),
    "corpus.text_key": ("full", "body", CORPUS),
    "corpus.document_key": ("full", "x", CORPUS),
    "corpus.work_key": ("full", "x", CORPUS),
    "corpus.work_parts": ("full", 2, CORPUS),
    "corpus.id_key": ("full", "x", NOTHING),
    "corpus.source_key": ("full", "x", NOTHING),
    "corpus.border_pattern": ("segment", "x", CORPUS),
    "corpus.document_border": ("segment", "file", CORPUS),
    "corpus.one_sentence_per_line": ("full", True, STORES),
    "corpus.language": ("full", "de", STORES),
    "corpus.split_quotations": ("full", False, STORES),
    "corpus.near_duplicates": ("full", "remove", STORES),
    "corpus.near_duplicate_words": ("cleaned", 6, STORES),
    "corpus.near_duplicate_buckets": ("cleaned", 6, STORES),
    "corpus.near_duplicate_hashes": ("cleaned", 6, STORES),
    "corpus.train_fraction": ("full", 0.5, STORES),
    "corpus.heldout_fraction": ("full", 0.1, TOKENIZER),
    "corpus.heldout_part": ("full", "tuning", SHARED),
    "corpus.seed": ("full", 2, SHARED),
    "corpus.num_documents": ("full", 7, CORPUS),
    "corpus.num_processes": ("full", 1, NOTHING),
    "corpus.license": ("full", "mit", NOTHING),
    "preparation.name": ("full", "datatrove_local", NOTHING),
    "preparation.num_tasks": ("full", 3, NOTHING),
    "preparation.num_workers": ("full", 3, NOTHING),
    "preparation.show_tasks": ("full", True, NOTHING),
    "preparation.dry_run_gigabytes": ("full", 160.0, NOTHING),
    "preparation.partition": ("full", "cpu", NOTHING),
    "preparation.time_limit_minutes": ("full", 9, NOTHING),
    "preparation.cpus_per_task": ("full", 2, NOTHING),
    "preparation.gigabytes_per_cpu": ("full", 9, NOTHING),
    "preparation.sbatch": ("full", {"account": "x"}, NOTHING),
    "corpus.vocab_sizes": ("full", {"bbpe": 9}, NOTHING),
    "corpus.hub.path": ("hub", "x/y", CORPUS),
    "corpus.hub.name": ("hub", "x", CORPUS),
    "corpus.hub.revision": ("hub", "x", CORPUS),
    "corpus.hub.split": ("hub", "x", CORPUS),
    "corpus.hub.text_key": ("hub", "x", CORPUS),
    "corpus.hub.document_key": ("hub", "x", CORPUS),
    "corpus.hub.sentence_rows": ("hub", True, CORPUS),
    "batch.sequences": ("full", 3, FEED),
    "batch.sequences_factor": ("full", 2.0, NOTHING),
    "pretraining.max_steps": ("full", 6, ENCODER),
    "pretraining.max_steps_factor": ("full", 2.0, NOTHING),
    "pretraining.learning_rate": ("full", 0.5, ENCODER),
    "pretraining.warmup_ratio": ("full", 0.5, ENCODER),
    "pretraining.beta1": ("full", 0.5, ENCODER),
    "pretraining.beta2": ("full", 0.5, ENCODER),
    "pretraining.epsilon": ("full", 0.5, ENCODER),
    "pretraining.weight_decay": ("full", 0.5, ENCODER),
    "pretraining.decay_all": ("full", True, ENCODER),
    "pretraining.gradient_clip": ("full", 0.5, ENCODER),
    "pretraining.pair_loss_weight": ("segment", 0.5, ENCODER),
    "pretraining.schedule_steps": ("full", 10_000, ENCODER),
    "pretraining.heldout_tokens": ("full", 7, ENCODER),
    "pretraining.evaluate_at": ("full", [1], NOTHING),
    "pretraining.export_at": ("full", [1], NOTHING),
    "pretraining.checkpoint_seconds": ("full", 1.0, NOTHING),
    "finetuning.name": ("full", "x", RECORDS),
    "finetuning.untrained_row": ("full", False, NOTHING),
    "finetuning.seeds": ("full", [2], frozenset({"task", "other"})),
    "finetuning.pooler": ("full", "pretrained", RECORDS),
    "finetuning.token_types": ("full", "bert", RECORDS),
    "finetuning.warmup_ratio": ("full", 0.5, RECORDS),
    "finetuning.gradient_clip": ("full", 0.5, RECORDS),
    "finetuning.max_steps": ("full", 9, RECORDS),
    "finetuning.num_epochs": ("full", 0.5, RECORDS),
    "finetuning.beta1": ("full", 0.5, RECORDS),
    "finetuning.beta2": ("full", 0.5, RECORDS),
    "finetuning.epsilon": ("full", 0.5, RECORDS),
    "finetuning.length_window_batches": ("full", 5, RECORDS),
    "finetuning.selection": ("full", "paper", RECORDS),
    "finetuning.grid.learning_rates": ("full", [0.5], RECORDS),
    "finetuning.grid.batch_sizes": ("full", [5], RECORDS),
    "finetuning.grid.num_epochs": ("full", [0.5], RECORDS),
    "finetuning.recipe.learning_rate": ("full", 0.5, RECORDS),
    "finetuning.recipe.batch_size": ("full", 5, RECORDS),
    "finetuning.recipe.num_epochs": ("full", 0.5, RECORDS),
    "finetuning.recipe.weight_decay": ("full", 0.5, RECORDS),
    "finetuning.recipe.max_train_examples": ("full", 5, RECORDS | TASK),
    "finetuning.recipes.max_train_examples": ("full", 5, RECORDS),
    "finetuning.recipes.learning_rate": ("full", 0.5, RECORDS),
    "finetuning.recipes.batch_size": ("full", 5, RECORDS),
    "finetuning.recipes.num_epochs": ("full", 0.5, RECORDS),
    "finetuning.recipes.weight_decay": ("full", 0.5, RECORDS),
    "tasks.name": ("full", "other", TASK - {"baselines"}),
    "tasks.kind": ("segment", "multiple_choice", TASK),
    "tasks.title": ("full", "x", NOTHING),
    "tasks.metric": ("segment", "exact_match", TASK),
    "tasks.path": ("full", "{directory}/other_tasks", TASK),
    "tasks.train_file": ("full", "dev.tsv", TASK),
    "tasks.dev_file": ("full", "train.tsv", TASK),
    "tasks.hub.path": ("hub", "x/y", TASK),
    "tasks.hub.name": ("hub", "x", TASK),
    "tasks.hub.revision": ("hub", "x", TASK),
    "tasks.hub.split": ("hub", "x", TASK),
    "tasks.hub.dev_split": ("hub", "x", TASK),
    "tasks.hub.text_columns": ("hub", ["x"], TASK),
    "tasks.max_train_examples": ("segment", 7, TASK),
    "tasks.unanswerable": ("segment", False, TASK),
    "tasks.max_question_tokens": ("segment", 7, TASK),
    "tasks.window_stride": ("segment", 7, TASK),
    "tasks.max_answer_tokens": ("segment", 7, TASK),
    "tasks.num_best_spans": ("segment", 7, TASK),
    "tasks.baseline_answer_words": ("segment", 7, TASK),
    "tasks.baseline_train_examples": ("segment", 7, TASK),
    "tasks.max_choice_tokens": ("sentence", 7, TASK),
    "tasks.baseline_iterations": ("sentence", 7, TASK),
    "tasks.text_columns": ("full", ["label"], TASK),
    "tasks.label_column": ("full", "sentence", TASK),
    "tasks.labels": ("full", ["1", "0"], TASK),
    "tasks.max_label": ("hub", 4.0, TASK),
    "tasks.header": ("full", False, TASK),
    "tasks.uneven_rows": ("full", "refuse", TASK),
    "tasks.scoring": ("segment", "cmrc", TASK),
    "tasks.bad_questions": ("segment", "skip", TASK),
    "probes.in_range_tokens": ("full", 20, PROBE),
    "checks.max_unknown_share": ("full", 0.5, NOTHING),
    "checks.max_label_share": ("full", 0.5, NOTHING),
    "checks.min_sentences_per_document": ("full", 5.0, NOTHING),
    "checks.on_fail": ("full", "warn", NOTHING),
    "trainer.name": ("full", "x", NOTHING),
    "trainer.accelerator": ("full", "auto", NOTHING),
    "trainer.devices": ("full", 2, NOTHING),
    "trainer.num_nodes": ("full", 2, NOTHING),
    "trainer.precision": ("full", "64-true", SHARED),
    "trainer.accumulation": ("full", 2, NOTHING),
    "trainer.max_tokens": ("full", 999, NOTHING),
    "trainer.deterministic": ("full", True, NOTHING),
    "trainer.compile": ("full", True, NOTHING),
    "trainer.gradient_checkpointing": ("full", True, NOTHING),
    "trainer.num_workers": ("full", 1, NOTHING),
    "trainer.progress": ("full", False, NOTHING),
    "trainer.peak_tflops": ("full", 1.0, NOTHING),
    "trainer.dry_run": ("full", True, NOTHING),
    "trainer.dry_run_device": ("full", "A100", NOTHING),
    "trainer.dry_run_mfu": ("full", 0.5, NOTHING),
    "logger.name": ("full", "wandb", NOTHING),
    "logger.project": ("full", "x", NOTHING),
    "logger.entity": ("full", "x", NOTHING),
    "logger.offline": ("full", False, NOTHING),
    "logger.every_steps": ("full", 1, NOTHING),
    "launcher.num_cells": ("full", 2, NOTHING),
    "launcher.max_cells": ("full", 5, NOTHING),
    "launcher.further_sweeps": ("full", ["seed=2"], NOTHING),
    "paths.artifacts": ("full", "{directory}/elsewhere", NOTHING),
    "paths.results": ("full", "{directory}/elsewhere", NOTHING),
    "inspect.output": ("full", "x", NOTHING),
    "inspect.figure": ("full", "x", NOTHING),
    "inspect.documents": ("full", "x", NOTHING),
    "inspect.documents_as": ("full", "x", NOTHING),
    "inspect.equal_to": ("full", "x", NOTHING),
    "inspect.num_samples": ("full", "9", NOTHING),
    "inspect.epoch": ("full", 9, NOTHING),
    "report.all": ("full", True, NOTHING),
    "report.folders": ("full", ["x"], NOTHING),
    "report.published": ("full", "table1", NOTHING),
    "report.title": ("full", "x", NOTHING),
    "report.question": ("full", "x", NOTHING),
    "report.anonymous": ("full", False, NOTHING),
    "report.public_copy": ("full", "x", NOTHING),
    "report.comparisons": ("full", [ComparisonOptions("a", "b")], NOTHING),
    "report.explored": ("full", [ComparisonOptions("a", "b")], NOTHING),
    "report.contrasts": ("full", [ContrastOptions("x", "a - 2*b + c")], NOTHING),
    "report.primary_measure": ("full", "sst2", NOTHING),
    "report.margin": ("full", 1.0, NOTHING),
    "report.smallest_effect": ("full", 1.0, NOTHING),
    "export.output": ("full", "x", NOTHING),
    "artifacts.delete_unused": ("full", True, NOTHING),
    "status.all": ("full", True, NOTHING),
    "status.silent_seconds": ("full", 1.0, NOTHING),
}

# Settings where they reach another way, (setting, base, value, what it changes).
ELSEWHERE = [
    ("corpus.near_duplicate_words", "full", 6, NOTHING),  # near-duplicates are kept
    ("corpus.heldout_fraction", "taken", 0.1, STORES),
    ("corpus.language", "taken", "de", STORES),
    ("corpus.path", "taken", "{directory}/other.jsonl", STORES | {"corpus"}),
    ("corpus.seed", "hub", 2, SHARED),
    ("max_length", "segment", 80, FEED | MODEL),
    ("objective", "sentence", "mlm", ENCODER),
    ("pretraining.pair_loss_weight", "full", 0.5, NOTHING),  # MLM alone has no such loss
    ("seed", "sentence", 2, SEED),
]

# Options of probes, and of kinds of tasks that the bases fine-tune on, (option, value, base).
PROBE_OPTIONS = [
    ("short_share", 0.5, "full"),
    ("num_inputs", 7, "full"),
    ("targets_per_input", 7, "full"),
    ("num_frequent", 7, "full"),
    ("num_inputs", 7, "words"),
    ("targets_per_input", 7, "words"),
    ("num_frequent", 7, "words"),
    ("words_share", 0.25, "words"),
    ("max_words", 7, "words"),
    ("heldout_words", 7, "words"),
    ("min_character_share", 0.5, "words"),
    ("max_letters", 7, "words"),
    ("num_sentences", 7, "segment"),
    ("min_sentence_tokens", 7, "segment"),
    ("masked_share", 0.5, "segment"),
    ("in_range_tokens", 20, "full"),
    ("layout", "doc", "sentence"),
    ("short_tokens", 20, "sentence"),
    ("pair_label", "sop", "pairs"),
    ("num_borders", 7, "pairs"),
    ("train_share", 0.6, "pairs"),
    ("penalty", 0.5, "pairs"),
    ("baseline_iterations", 7, "pairs"),
    ("heldout_tokens", 7, "sentence"),
    ("mask_fraction", 0.5, "sentence"),
    ("random_fraction", 0.2, "sentence"),
]


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Files of a corpus, of tasks, of a tokenizer and of weights, and others beside them."""
    root = tmp_path_factory.mktemp("keys")
    for name, town in (("corpus", "Rome"), ("other", "Oslo")):
        (root / f"{name}.jsonl").write_text(json.dumps({"text": f"Anna lived in {town}.", "body": "x"}))
        for kind in ("tasks", "tokenizer", "weights"):
            (root / (kind if name == "corpus" else f"{name}_{kind}")).mkdir()
        prefix = "" if name == "corpus" else "other_"
        for file in ("train.tsv", "dev.tsv", "train-v2.0.json", "dev-v2.0.json", "train.jsonl", "dev.jsonl"):
            (root / f"{prefix}tasks" / file).write_text(f"{file} {town}")
        (root / f"{prefix}tokenizer" / "tokenizer.json").write_text(town)
        (root / f"{prefix}weights" / "model.safetensors").write_text(town)
    return root


@pytest.fixture(scope="module")
def base(project_root, directory):
    """base("full"): the configuration of that name, unchecked."""
    from omegaconf import OmegaConf

    from nsp_ablation.cli.hydra_bridge import make_composer

    composer = make_composer(project_root, None, None, [])

    def compose(name: str) -> Config:
        common = ("scale=smoke", f"corpus.path={directory}/corpus.jsonl", f"paths.artifacts={directory}/artifacts")
        words = [*BASES[name], *common, "finetuning.recipes.sst2={learning_rate: 1.0}"]
        words += ["model.unigram_output_bias=false"]  # with it, an untrained encoder hangs on the stores: a test below
        if name == "generated":
            words = [word for word in words if not word.startswith("corpus.path")]
        if name == "taken":
            words += [f"tokenizer.path={directory}/tokenizer", "tokenizer.vocab_size=null"]
        config = OmegaConf.to_object(composer.compose(tuple(words)).settings({}))
        for task in config.tasks.values():
            if name not in ("hub", "generated"):
                task.path = str(directory / "tasks")
        return config

    return {name: compose(name) for name in BASES}


def keys(config: Config) -> dict[str, object]:
    """Return the key of every artifact of a configuration, and the ids of its records."""
    trained = trained_encoder(config)
    stores = trained.stores
    untrained = UntrainedEncoder(trained.root, config, stores)
    tasks = tasks_of(config, stores.corpus)
    ids = {
        (encoder.arm, task.facts.is_probe): [result.id for result in results_of(config, encoder, [task])]
        for encoder in (trained, untrained)
        for task in tasks
    }
    return {
        "corpus": stores.corpus.key,
        "tokenizer": stores.vocabulary.key,
        "stores": stores.key,
        "feed": trained.feed.key,
        "encoder": trained.key,
        "untrained": untrained.key,
        "baselines": tasks[0].key,
        "task": ids["trained", False],
        "probe": ids["trained", True],
        "other": ids["random", False],
    }


def sciences(config: Config) -> dict[str, str]:
    """Return by which science the records of each arm are pooled, under the names that `keys` has for them."""
    trained = trained_encoder(config)
    return {"task": trained.science, "other": UntrainedEncoder(trained.root, config, trained.stores).science}


def identities(config: Config) -> dict[str, str]:
    """Return what plans tell encoder and records of each arm apart by, before any file is read."""
    results = results_identities(config)
    return {"encoder": encoder_identity(config), "task": results["trained"], "other": results["random"]}


def change(config: Config, path: str, value: object) -> None:
    """Set a dotted key; of lists and mappings of groups, in the first item."""
    node: typing.Any = config
    *groups, name = path.split(".")
    for group in groups:
        node = getattr(node, group)
        if isinstance(node, dict):
            node = next(iter(node.values()))
        elif isinstance(node, list):
            node = node[0]
    assert getattr(node, name) != value, path
    setattr(node, name, value)


@pytest.mark.parametrize(("path", "name", "value", "expected"), [(p, *row) for p, row in TABLE.items()] + ELSEWHERE)
def test_a_setting_changes_the_keys_of_what_depends_on_it_and_no_other(base, directory, path, name, value, expected):
    before, changed = keys(base[name]), copy.deepcopy(base[name])
    change(changed, path, value.format(directory=directory) if isinstance(value, str) else value)
    after = keys(changed)
    assert {key for key in before if before[key] != after[key]} == expected
    arms = set() if path.startswith("tasks.") or path == "finetuning.seeds" else expected & {"task", "other"}
    assert differing(sciences, base[name], changed) == arms - ({"task", "other"} if path == "seed" else set())
    if path not in ("encoder", "finetuning.untrained_row"):  # other arms
        assert differing(identities, base[name], changed) == arms | (expected & {"encoder"})


def differing(view, before: Config, after: Config) -> set[str]:
    first, second = view(before), view(after)
    return {key for key in first if first[key] != second[key]}


def without_key(link, *path):
    """A link of the chain, made from the same but for one that it is made from, which has another key."""
    part = getattr(link, path[0])
    if len(path) > 1:
        return dataclasses.replace(link, **{path[0]: without_key(part, *path[1:])})
    other = copy.copy(part)
    other.__dict__["key"] = "of another content"
    return dataclasses.replace(link, **{path[0]: other})


def test_the_key_of_a_link_follows_each_of_those_that_it_is_made_from_alone(base):
    """Whatever else follows them, too: so that no link relies on what another one happens to repeat."""
    trained = trained_encoder(base["full"])
    untrained = UntrainedEncoder(trained.root, base["full"], trained.stores)
    links = {
        trained.stores.vocabulary: [("corpus",)],
        trained.stores: [("corpus",), ("vocabulary",)],
        trained.feed: [("stores",)],
        trained: [("stores",), ("feed",)],
        untrained: [("stores", "vocabulary")],
    }
    for link, paths in links.items():
        found = {link.key, *(without_key(link, *path).key for path in paths)}
        assert len(found) == 1 + len(paths), (link.kind, paths)
    taken = trained_encoder(base["taken"]).stores.vocabulary
    assert without_key(taken, "corpus").key == taken.key
    biased = copy.deepcopy(base["full"])
    biased.model.unigram_output_bias = True
    untrained = UntrainedEncoder(trained.root, biased, trained.stores)
    assert without_key(untrained, "stores").key != untrained.key
    for encoder in (trained, untrained):
        assert without_key(encoder, "stores").science != encoder.science


@pytest.mark.parametrize(("module", "expected"), [("stores", STORES), ("vocabularies", TOKENIZER)])
def test_another_release_of_a_library_that_cuts_texts_names_what_follows_anew(base, monkeypatch, module, expected):
    before = keys(base["full"])
    monkeypatch.setattr(f"nsp_ablation.pipeline.{module}.version", lambda name: f"another {name}")
    after = keys(base["full"])
    assert {key for key in before if before[key] != after[key]} == expected


@pytest.mark.parametrize(("path", "value"), [("seed", 2), ("num_documents", 50)])
def test_another_micro_world_is_another_corpus(base, path, value):
    corpus = trained_encoder(base["generated"]).stores.corpus
    other = dataclasses.replace(corpus, options=dataclasses.replace(corpus.options, **{path: value}))
    assert other.key != corpus.key


@pytest.mark.slow
@pytest.mark.parametrize(("path", "value"), [("corpus.seed", 2), ("corpus.num_documents", 50)])
def test_what_the_micro_world_is_generated_from_is_its_corpus(base, path, value):
    before, changed = keys(base["generated"]), copy.deepcopy(base["generated"])
    change(changed, path, value)
    after = keys(changed)
    same_tasks = frozenset() if path == "corpus.seed" else {"baselines"}  # the task files do not grow with the corpus
    assert {key for key in before if before[key] != after[key]} == (CORPUS | {"baselines"}) - same_tasks


@pytest.mark.parametrize(("option", "value", "base_name"), PROBE_OPTIONS)
def test_an_option_of_a_probe_changes_the_records_of_that_probe_alone(base, option, value, base_name):
    changed = copy.deepcopy(base[base_name])
    (probe,) = [task for task in changed.tasks.values() if TASK_KINDS[task.kind].is_probe]
    assert getattr(probe, option) != value
    setattr(probe, option, value)
    before, after = keys(base[base_name]), keys(changed)
    assert {key for key in before if before[key] != after[key]} == PROBE


def test_every_setting_stands_in_the_table():
    missing = set(settings(Config)) - set(TABLE) - {f"tasks.{option}" for option, _, _ in PROBE_OPTIONS}
    assert missing == set()


def test_content_decides_and_names_of_files_do_not(base, directory):
    copied = directory / "copy.jsonl"
    copied.write_bytes((directory / "corpus.jsonl").read_bytes())
    config = copy.deepcopy(base["full"])
    config.corpus.path = str(copied)
    assert keys(config) == keys(base["full"])
    copied.write_text(json.dumps({"text": "Another text."}))
    assert keys(config)["corpus"] != keys(base["full"])["corpus"]


def test_other_bytes_of_initial_weights_are_another_encoder(base, directory):
    config = copy.deepcopy(base["full"])
    found = set()
    for text in ("a", "b"):
        (directory / "start").mkdir(exist_ok=True)
        (directory / "start" / "model.safetensors").write_text(text)
        config.model.init_from = str(directory / "start")
        trained = trained_encoder(config)
        found |= {trained.key, UntrainedEncoder(trained.root, config, trained.stores).key}
    assert len(found) == 4


def test_changed_files_of_a_local_data_set_are_another_corpus(base, tmp_path):
    config = copy.deepcopy(base["hub"])
    config.corpus.hub[0].path = str(tmp_path)
    found = set()
    for text in ("a", "b"):
        (tmp_path / "data.jsonl").write_text(text)
        found.add(trained_encoder(config).stores.corpus.key)
    assert len(found) == 2


EXTERNAL = {
    "max_length": (80, {"task", "probe"}),
    "finetuning.pooler": ("pretrained", {"task", "probe"}),
    "trainer.precision": ("64-true", {"task", "probe"}),
    "corpus.path": ("{directory}/other.jsonl", {"probe"}),
    "corpus.language": ("de", {"probe"}),
    "corpus.heldout_fraction": (0.1, {"probe"}),
    "corpus.seed": (2, {"task", "probe"}),
    "corpus.heldout_part": ("tuning", {"probe"}),
    "probes.in_range_tokens": (20, {"probe"}),
    "model.num_threads": (2, {"task", "probe"}),
    "finetuning.seeds": ([2], {"task"}),
    "finetuning.beta1": (0.5, {"task", "probe"}),
    "seed": (2, set()),
    "masking.probability": (0.2, set()),
    "pretraining.max_steps": (6, set()),
    "model.num_layers": (2, set()),
    "tokenizer.vocab_size": (301, set()),
}


@pytest.mark.parametrize("path", EXTERNAL)
def test_records_of_an_encoder_from_elsewhere_depend_on_how_it_is_evaluated(base, directory, path):
    (directory / "weights" / "config.json").write_text("{}")
    value, expected = EXTERNAL[path]

    def ids(config: Config) -> dict[str, list[str]]:
        (encoder,) = encoders_of(config)
        tasks = tasks_of(config, encoder.stores.corpus)
        return {
            "probe" if task.facts.is_probe else "task": [result.id for result in results_of(config, encoder, [task])]
            for task in tasks
        }

    config = copy.deepcopy(base["full"])
    config.encoder = str(directory / "weights")
    changed = copy.deepcopy(config)
    change(changed, path, value.format(directory=directory) if isinstance(value, str) else value)
    before, after = ids(config), ids(changed)
    assert {key for key in before if before[key] != after[key]} == expected


def test_other_bytes_of_an_encoder_from_elsewhere_are_other_records(base, directory):
    found = set()
    for text in ("a", "b"):
        (directory / "external").mkdir(exist_ok=True)
        (directory / "external" / "config.json").write_text("{}")
        (directory / "external" / "model.safetensors").write_text(text)
        config = copy.deepcopy(base["full"])
        config.encoder = str(directory / "external")
        (encoder,) = encoders_of(config)
        found.add(results_of(config, encoder, tasks_of(config, encoder.stores.corpus))[0].id)
    assert len(found) == 2


CARDS = ("indexes", "overlaps", "cards", "curves")  # what a record is not named by


@pytest.mark.parametrize("kind", MAKERS)
def test_a_maker_that_changes_names_what_it_makes_anew(base, monkeypatch, kind):
    config = copy.deepcopy(base["full"])
    config.finetuning.selection = "train_tenth" if kind == "selections" else "none"
    before = keys(config)
    monkeypatch.setitem(MAKERS, kind, MAKERS[kind] + 1)
    assert keys(copy.deepcopy(config))["task"] != before["task"] or kind in CARDS


def settings(cls: type, prefix: str = "") -> typing.Iterator[str]:
    """Yield the dotted key of every setting of the tree; the items of lists and mappings share theirs."""
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        annotations = (hints[field.name], *typing.get_args(hints[field.name]))
        inner = [hint for hint in annotations if dataclasses.is_dataclass(hint)]
        if inner and field.name not in ("comparisons", "contrasts", "explored"):
            yield from settings(inner[0], f"{prefix}{field.name}.")
        else:
            yield f"{prefix}{field.name}"
