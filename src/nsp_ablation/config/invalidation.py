"""Which artifacts are made anew when a setting changes."""

import functools
from itertools import cycle
from typing import Any

from nsp_ablation.config.identity import (
    corpus_settings,
    encoder_settings,
    external_settings,
    feed_settings,
    store_settings,
    task_settings,
    tokenizer_settings,
)
from nsp_ablation.config.schema import Config
from nsp_ablation.config.values import with_value
from nsp_ablation.options.corpus_options import NEAR_DUPLICATES, READERS, DatasetOptions
from nsp_ablation.options.finetuning_options import RecipeOptions
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.options.output_options import ComparisonOptions, ContrastOptions
from nsp_ablation.options.task_facts import TaskHubOptions
from nsp_ablation.options.task_options import TASK_KINDS, TaskOptions

_USER_NAME = "<name>"
_TOKENIZERS = ("bbpe", "pretrained")
# Where any value will not do: the settings that name a variant.
_VARIANTS: dict[tuple[str, ...], Any] = {
    ("format", "name"): FORMATS,
    ("tokenizer", "name"): _TOKENIZERS,
    ("corpus", "reader"): READERS,
    ("corpus", "near_duplicates"): NEAR_DUPLICATES,
    ("tasks", _USER_NAME, "kind"): TASK_KINDS,
}


def identities(config: Config) -> dict[str, Any]:
    """Return what identifies each artifact of a configuration, by the artifact's name, in the order of the chain."""
    corpus = [corpus_settings(config.corpus), config.corpus.path]
    tokenizer = [tokenizer_settings(config.tokenizer, config.corpus), config.tokenizer.path]
    tokenizer += corpus if config.tokenizer.name != "pretrained" else []
    stores = [corpus, tokenizer, store_settings(config.corpus)]
    feed = [stores, feed_settings(config)]
    encoder = [feed, encoder_settings(config)]
    finetuned = [external_settings(config), config.finetuning.seeds, config.encoder]
    tasks = [[name, task.path, task_settings(task)] for name, task in config.tasks.items()]
    return {
        "corpus": corpus,
        "tokenizer": tokenizer,
        "stores": stores,
        "feed": feed,
        "encoder": encoder,
        "record": [encoder, finetuned, tasks, dict(vars(config.probes))],
    }


@functools.cache
def invalidated_artifacts(keys: tuple[str, ...]) -> list[str]:
    """Return the artifacts that are made anew when a setting, with keys as `tree.settings` gives them, changes."""
    found = set()
    for config, before in _samples():
        for other in _VARIANTS.get(keys, [("changed", functools.reduce(_below, keys, config))]):
            after = identities(with_value(config, list(keys), other))
            found |= {name for name in before if before[name] != after[name]}
    return [name for name in _samples()[0][1] if name in found]


@functools.cache
def _samples() -> tuple[tuple[Config, dict[str, Any]], ...]:
    """Return configurations that between them have every setting, each with its identities."""
    samples = []
    variants = zip(
        [*TASK_KINDS] * 2, cycle(FORMATS), cycle(READERS), cycle(_TOKENIZERS), cycle(NEAR_DUPLICATES), strict=False
    )
    for kind, *names in variants:
        config = Config(tasks={_USER_NAME: TaskOptions(kind=kind, hub=TaskHubOptions())})
        config.format.name, config.corpus.reader, config.tokenizer.name, config.corpus.near_duplicates = names
        config.corpus.hub = [DatasetOptions()]
        config.finetuning.recipes = {_USER_NAME: RecipeOptions()}
        config.report.comparisons, config.report.contrasts = [ComparisonOptions()], [ContrastOptions()]
        config.report.explored = [ComparisonOptions()]
        samples.append((config, identities(config)))
    return tuple(samples)


def _below(settings: Any, key: str) -> Any:
    if isinstance(settings, dict):
        return settings[key]
    return settings[0] if key == "[]" else getattr(settings, key)
