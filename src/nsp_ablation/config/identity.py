"""Which settings identify an artifact or a record: the parts of the configuration that its key is made of.

Machine settings (speed, paths) are in none of them. Keys also hold the contents of files and the keys of the artifacts
that a thing is made from: `pipeline` adds those.
"""

import dataclasses
import json
from typing import Any

from nsp_ablation.config.schema import Config
from nsp_ablation.options.corpus_options import NEAR_DUPLICATE_KEYS, READERS, CorpusOptions, TokenizerOptions
from nsp_ablation.options.format_options import FORMATS, FormatOptions, is_pair
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

_PRETRAINING_SCIENCE = ("format", "objective", "masking", "budget", "batch", "pretraining")
_IDENTIFIED_BY_RESULTS = ("all", "finetune", "pretrain", "prepare")
# In no key where near-duplicates are kept, as before there was a choice: so all those keys are what they were.
_NEAR_DUPLICATES = ("near_duplicates", *NEAR_DUPLICATE_KEYS)


def resolved_objective(config: Config) -> str:
    """Return `mlm`, `mlm_nsp` or `mlm_sop`; `paper` is NSP for the pair formats, MLM alone for the others."""
    if config.objective != "paper":
        return config.objective
    return "mlm_nsp" if is_pair(config.format.name) else "mlm"


def corpus_settings(corpus: CorpusOptions) -> dict[str, Any]:
    """Return the settings that a corpus' documents depend on, beside the content of its files."""
    facts = READERS[corpus.reader]
    keys = {"reader", "hub", "num_documents", *facts.needs, *facts.takes}
    if facts.is_generated:
        keys |= {"seed"}
    return {key: value for key, value in _science(corpus).items() if key in keys}


def tokenizer_settings(tokenizer: TokenizerOptions, corpus: CorpusOptions) -> dict[str, Any]:
    """Return the settings that a tokenizer depends on, beside the corpus or the content of its files."""
    if tokenizer.name == "pretrained":
        return {"name": tokenizer.name}
    return _science(tokenizer) | {"heldout_fraction": corpus.heldout_fraction}


def store_settings(corpus: CorpusOptions) -> dict[str, Any]:
    """Return the settings that token stores depend on, beside corpus and tokenizer."""
    keys = ("language", "split_quotations", "one_sentence_per_line", "heldout_fraction", "train_fraction")
    own = _NEAR_DUPLICATES if corpus.removes_near_duplicates else ()
    return {key: getattr(corpus, key) for key in (*keys, *own)}


def feed_settings(config: Config) -> dict[str, Any]:
    """Return the settings that decide what the model reads of a store, update by update."""
    keys = ("format", "masking", "budget", "batch", "max_length")
    order = {"pair_order": pair_order(config), "seed": config.seed}
    return {key: _plain(getattr(config, key)) for key in keys} | order


def encoder_settings(config: Config) -> dict[str, Any]:
    """Return the settings that a pre-trained encoder depends on: all of science but fine-tuning, and the seed."""
    science = science_settings(config)
    return {key: value for key, value in science.items() if key != "finetuning"} | {"seed": config.seed}


def curve_settings(config: Config) -> dict[str, Any] | None:
    """Return what the learning curve of an encoder depends on beside the encoder; None where none is asked for."""
    if not config.pretraining.evaluate_at:
        return None
    probes = {name: task for name, task in config.tasks.items() if TASK_KINDS[task.kind].reads == "heldout"}
    tasks = {name: task_settings(task) for name, task in probes.items()}
    return {"evaluate_at": sorted({*config.pretraining.evaluate_at}), "tasks": tasks, "probes": _plain(config.probes)}


def untrained_settings(config: Config) -> dict[str, Any]:
    """Return the settings that an encoder without pre-training depends on, beside its tokenizer; weights are drawn
    alike by any number of threads."""
    model = {key: value for key, value in _science(config.model).items() if key != "num_threads"}
    return {"model": model, "max_length": config.max_length, "seed": config.seed}


def external_settings(config: Config) -> dict[str, Any]:
    """Return the science settings that an encoder from elsewhere is evaluated by."""
    science = science_settings(config)
    return {key: science[key] for key in ("finetuning", "trainer", "max_length")} | {
        "num_threads": config.model.num_threads
    }


def task_settings(task: TaskOptions) -> dict[str, Any]:
    """Return the settings that a result on a task depends on, beside the content of its files: those of its kind."""
    return {key: getattr(task, key) for key in ("kind", "metric", *TASK_KINDS[task.kind].options)}


def science_settings(config: Config) -> dict[str, Any]:
    """Return every science setting of the tree as plain values, with the objective resolved: what records pool by.

    MLM alone has no loss on pairs, whose weight is left out: a study may set it for all of its arms.
    """
    science = {**_science(config), "objective": resolved_objective(config)}
    if science["objective"] == "mlm":
        del science["pretraining"]["pair_loss_weight"]
    return science


def untrained_science(config: Config) -> dict[str, Any]:
    """Return the science settings that a result of the untrained encoder depends on: none of pre-training's."""
    return {key: value for key, value in science_settings(config).items() if key not in _PRETRAINING_SCIENCE}


def encoder_identity(config: Config) -> str | None:
    """Return what the pre-trained encoder of a cell depends on, without a look at files; None where it has none."""
    if config.encoder is not None:
        return None
    return _text([encoder_settings(config), _places(config)])


def results_identities(config: Config) -> dict[str, str]:
    """Return for each arm of a cell what its results depend on beside task and fine-tuning seed.

    Equal ones of two cells stand for the same records, which the first of the cells in the order of the sweep names.
    """
    if config.encoder not in (None, "random"):
        return {
            "external": _text([external_settings(config), config.encoder, _science(config.corpus), _places(config)])
        }
    found = {"random": _text([untrained_science(config), config.seed, _places(config)])}
    if config.encoder == "random":
        return found
    trained = {"trained": _text([science_settings(config), config.seed, _places(config)])}
    return trained | (found if config.finetuning.untrained_row else {})


def _places(config: Config) -> list[Any]:
    return [config.corpus.path, config.tokenizer.path]


def _text(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)


def cell_identity(config: Config) -> dict[str, Any]:
    """Return what a cell's work and outputs depend on: cells of equal identity are one, whatever they are called.

    A stage that trains or evaluates is identified by what its results depend on; any other by all of its settings.
    """
    if config.stage not in _IDENTIFIED_BY_RESULTS or config.trainer.dry_run:
        names = {"condition_name": None, "scale_name": None, "objective": resolved_objective(config)}
        return dataclasses.asdict(config) | names
    return {
        "stage": config.stage,
        "science": science_settings(config),
        "seed": config.seed,
        "finetuning_seeds": config.finetuning.seeds,
        "encoder": config.encoder,
        "corpus": config.corpus.path,
        "tasks": [dataclasses.asdict(dataclasses.replace(task, title=None)) for task in config.tasks.values()],
        "probes": dataclasses.asdict(config.probes),
        "untrained_row": config.finetuning.untrained_row,
        "export_at": config.pretraining.export_at,
        "evaluate_at": config.pretraining.evaluate_at,
    }


def pair_order(config: Config) -> str:
    """Return `sop` where segments may be swapped (mlm_sop), else `nsp`."""
    return "sop" if resolved_objective(config) == "mlm_sop" else "nsp"


def condition(config: Config) -> dict[str, Any]:
    """Return the record's `condition`: what tables tell arms apart by."""
    return {
        "name": config.condition_name or _format_name(config.format),
        "format": config.format.name,
        "objective": resolved_objective(config),
        "masking": config.masking.name,
        "copies": config.masking.copies,
        "budget": config.budget,
        "tokenizer": config.tokenizer.name,
        "model": config.model.name,
        "max_length": config.max_length,
        "batch": config.batch.sequences,
        "updates": config.pretraining.max_steps,
        "learning_rate": config.pretraining.learning_rate,
        "corpus": config.corpus.name,
    }


def _format_name(format: FormatOptions) -> str:
    """Return the format's name and the options that differ from its defaults: `segment_pair-nsp_balance=exact`."""
    values = [(field.name, getattr(format, field.name), field.default) for field in dataclasses.fields(format)]
    options = [f"{name}={value}" for name, value, default in values if name != "name" and value != default]
    return "-".join([format.name, *options]).replace("=True", "=true").replace("=False", "=false")


def condition_name(config: Config) -> str:
    """Return `format-objective-masking`: names cells, and groups the runs of all seeds of an arm on a dashboard."""
    return f"{config.format.name}-{resolved_objective(config)}-{config.masking.name}"


def _science(settings: Any) -> dict[str, Any]:
    fields = [field for field in dataclasses.fields(settings) if field.metadata["kind"] == "science"]
    if isinstance(settings, FormatOptions):
        own = ("name", "resample", *FORMATS[settings.name].options)
        fields = [field for field in fields if field.name in own]
    if isinstance(settings, CorpusOptions) and not settings.removes_near_duplicates:
        fields = [field for field in fields if field.name not in _NEAR_DUPLICATES]
    return {field.name: _plain(getattr(settings, field.name)) for field in fields}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _science(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
