"""Cells of one sweep that run at the same time: which of them share records, so that it does not matter who makes them.

A record holds the configuration of its cell. Where several cells have it (the untrained encoder's rows are equal for
all formats), it is that of the first of them in the order of the sweep, as if they ran one after another.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from nsp_ablation.config.identity import results_identities
from nsp_ablation.config.schema import Config

if TYPE_CHECKING:
    from nsp_ablation.pipeline.results import Result


@dataclass(frozen=True)
class Neighbours:
    """What a cell knows of the others of its sweep: `earlier` are the configurations of cells before it that share
    records with it."""

    earlier: tuple[Config, ...] = ()


ALONE = Neighbours()


def neighbours_of(configs: list[Config]) -> list[Neighbours]:
    """Return for each cell of a sweep, in order, what it shares with those before it."""
    found: list[Neighbours] = []
    named: dict[tuple[str, str], list[Config]] = {}
    for config in configs:
        identities = [*results_identities(config).items()]
        earlier = {id(other): other for identity in identities for other in named.get(identity, [])}
        found.append(Neighbours(tuple(earlier.values())))
        for identity in identities:
            same = named.setdefault(identity, [])
            if not any(_names_the_same(config, other) for other in same):
                same.append(config)
    return found


def _names_the_same(config: Config, other: Config) -> bool:
    return config.tasks == other.tasks and config.finetuning.seeds == other.finetuning.seeds


def as_first_named(results: "list[Result]", neighbours: Neighbours) -> "list[Result]":
    """Return a cell's results, each with the configuration of the first cell of the sweep that has it."""
    from nsp_ablation.pipeline.cards import card_of
    from nsp_ablation.pipeline.task_data import tasks_of

    identities = [(config, results_identities(config)) for config in neighbours.earlier]
    named = []
    for result in results:
        config, encoder = _first(result, identities), result.encoder
        if config is not result.config:
            card = card_of(replace(encoder, config=config), tasks_of(config, encoder.stores.corpus))
            result = replace(result, config=config, card=card.key if card else None)
        named.append(result)
    return named


def _first(result: "Result", earlier: list[tuple[Config, dict[str, str]]]) -> Config:
    arm, name = result.encoder.arm, result.task.options.name
    own = results_identities(result.config).get(arm)
    for config, identities in earlier:
        has_seed = result.seed is None or result.seed in config.finetuning.seeds
        if identities.get(arm) == own and config.tasks.get(name) == result.config.tasks[name] and has_seed:
            return config
    return result.config
