"""What an appendix holds besides what the page shows."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from nsp_ablation.reporting.analysis.checklists import Checklist, checklists
from nsp_ablation.reporting.analysis.decisions import DECISIONS, Decision
from nsp_ablation.reporting.analysis.facts import FactsTable
from nsp_ablation.reporting.analysis.paper_settings import deviations
from nsp_ablation.reporting.analysis.setup_tables import finetuning_setups, pretraining_setups
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import science_of, setting


@dataclass(frozen=True, eq=False)
class AppendixFacts:
    """Hyper-parameters by model and by task, what differs from the paper, and answers to the lists of venues.

    settings, decisions: the values of science settings and of the paper's open points over all arms, by key.
    """

    pretraining: FactsTable
    finetuning: FactsTable
    deviations: FactsTable
    checklists: list[Checklist]
    settings: dict[str, list[str]]
    decisions: list[tuple[Decision, dict[str, list[str]]]]


def appendix_facts(study: Study) -> AppendixFacts:
    """Return them, of records alone."""
    configs = _configs(study)
    return AppendixFacts(
        pretraining=pretraining_setups(study),
        finetuning=finetuning_setups(study),
        deviations=deviations(study),
        checklists=checklists(study),
        settings=_settings(study, configs),
        decisions=_decisions(configs),
    )


def _configs(study: Study) -> list[dict[str, Any]]:
    """Return the configurations of trained arms, of all where none is trained."""
    records = study.records.values()
    return [one.config for one in records if one.arm == "trained"] or [one.config for one in records]


def _settings(study: Study, configs: list[dict[str, Any]]) -> dict[str, list[str]]:
    flat = [science_of(config, study.not_science) for config in configs]
    keys = dict.fromkeys(key for settings in flat for key, value in settings.items() if value is not None)
    return {key: _distinct_texts(settings.get(key) for settings in flat) for key in keys}


def _decisions(configs: list[dict[str, Any]]) -> list[tuple[Decision, dict[str, list[str]]]]:
    return [
        (one, {key: _distinct_texts(setting(config, key) for config in configs) for key in one.keys if configs})
        for one in DECISIONS
    ]


def _distinct_texts(values: Iterable[Any]) -> list[str]:
    """Return the distinct values as text, null left out."""
    texts = dict.fromkeys(json.dumps(value, ensure_ascii=False) for value in values if value is not None)
    return [text.strip('"') for text in texts]
