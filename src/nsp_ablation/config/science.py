"""Which settings decide which result: the views that fingerprints, records and shared artifacts are made of.

Machine settings (speed, places) and labels (names, seeds, tasks) are in none of them; where a stage's result depends
on a seed, the stage adds it. A corpus' path is a place: the stage fingerprints the content.
"""

import dataclasses
from typing import Any

from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS, FormatOptions, is_pair


def resolved_objective(config: Config) -> str:
    """Return `mlm`, `mlm_nsp` or `mlm_sop`; `paper` is NSP for the pair formats, MLM alone for the others."""
    if config.objective != "paper":
        return config.objective
    return "mlm_nsp" if is_pair(config.format.name) else "mlm"


def science_settings(config: Config) -> dict[str, Any]:
    """Return every science setting of the tree as plain values, with the objective resolved."""
    return {**_science(config), "objective": resolved_objective(config)}


def pretraining_settings(config: Config) -> dict[str, Any]:
    """Return the settings that a pre-trained encoder depends on: all of science but fine-tuning."""
    return {key: value for key, value in science_settings(config).items() if key != "finetuning"}


def store_settings(config: Config) -> dict[str, Any]:
    """Return the settings that the token stores depend on: corpus and tokenizer."""
    return {"corpus": _science(config.corpus), "tokenizer": _science(config.tokenizer)}


def tokenizer_settings(config: Config) -> dict[str, Any]:
    """Return the settings that the tokenizer depends on: the corpus too, unless it is a pretrained one."""
    if config.tokenizer.name == "pretrained":
        return {"tokenizer": _science(config.tokenizer)}
    return store_settings(config)


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
    return {field.name: _plain(getattr(settings, field.name)) for field in fields}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return _science(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
