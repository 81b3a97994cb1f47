"""Configurations over one small corpus, and what they feed the model."""

import copy
import dataclasses
import functools
import json

import pytest
import yaml

from nsp_ablation.config.combinations import combination_problems
from nsp_ablation.config.path_checks import needed_paths
from nsp_ablation.config.problem import refuse
from nsp_ablation.config.values import value_problems
from nsp_ablation.options.format_options import FORMATS
from nsp_ablation.pipeline import feed as links


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory):
    """The directory of corpus.jsonl, 120 documents of 1 to 8 sentences, every fifth of one."""
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


@pytest.fixture(scope="session")
def compose(planned, small_corpus):
    """compose("format=doc", "seed=2") -> the checked configuration: a format, and settings changed one by one."""
    common = (
        *("scale=smoke", "corpus=jsonl", f"corpus.path={small_corpus}/corpus.jsonl", "tokenizer.vocab_size=300"),
        *("max_length=64", "corpus.heldout_fraction=0.2", "stage=pretrain"),
        *(f"paths.artifacts={small_corpus}/artifacts", f"paths.results={small_corpus}/results"),
    )
    cells = planned("-m", f"format={','.join(FORMATS)}", *common)
    composed = {cell.config.format.name: cell.config for cell in cells}

    def configuration(choice, *changes):
        config = copy.deepcopy(composed[choice.removeprefix("format=")])
        for change in changes:
            key, _, value = change.partition("=")
            *groups, name = key.split(".")
            options = functools.reduce(getattr, groups, config)
            assert hasattr(options, name), key
            setattr(options, name, yaml.safe_load(value))
        refuse(value_problems("", dataclasses.asdict(config)))
        refuse(combination_problems(config))
        refuse(problem for path in needed_paths(config) for problem in path.check(path))
        return config

    return configuration


@pytest.fixture(scope="session")
def feed_of(compose):
    """feed_of("format=doc", ...) -> what that configuration feeds the model; tokenizer and stores are built once."""

    def feed(*arguments) -> links.OpenFeed:
        return links.feed_of(compose(*arguments)).open()

    return feed
