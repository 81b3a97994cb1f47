"""What two results must have in common so that their scores may stand in one mean, or in one difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nsp_ablation.options.task_options import TASK_KINDS
from nsp_ablation.reporting.analysis.study_arms import science_of
from nsp_ablation.reporting.records.record import ResultRecord

_STARTS = ("model", "tokenizer", "corpus", "max_length")  # groups of settings that a run begins from


@dataclass(frozen=True)
class ScoreBasis:
    """What was measured, and on what.

    examples, clusters: hashes of their ids, and of both together (None in records of schema 3). settings: the task's
    own, those of its kind as (key, text). files: the artifact that names the task's files and those settings, None of
    a probe of held-out documents. has_items: whether clusters and items are kept, as since schema 4; later schemas
    differ from it in nothing that scores are compared by. What was trained is not among it: that is an arm's science.
    """

    has_items: bool
    metric: str | None
    examples: str | None
    clusters: str | None
    settings: tuple[tuple[str, str], ...]
    files: str | None


def basis_of(record: ResultRecord) -> ScoreBasis:
    """Return what a done record stands on."""
    files = [name for name in record.made_from or () if name.startswith("baselines/")]
    return ScoreBasis(
        has_items=record.has_items,
        metric=record.primary_metric,
        examples=record.examples_sha256,
        clusters=record.ids_sha256,
        settings=_settings(record.config, record.task),
        files=files[0] if files else None,
    )


def unequal(a: ScoreBasis, b: ScoreBasis) -> list[str]:
    """Return in words what two results do not have in common, nothing where they may stand together."""
    found = [] if a.has_items == b.has_items else ["schema 3, which had no clusters, and a later one"]
    found += [] if a.metric == b.metric else [f"metric {a.metric} and {b.metric}"]
    if a.examples != b.examples:
        found.append("other examples")
    elif a.clusters != b.clusters and a.has_items == b.has_items:
        found.append("other clusters of the same examples")
    ours, theirs = dict(a.settings), dict(b.settings)
    keys = [key for key in ours | theirs if ours.get(key) != theirs.get(key)]
    found += [f"{key} {ours.get(key)} and {theirs.get(key)}" for key in keys]
    if a.files != b.files and not keys and a.has_items == b.has_items and a.examples == b.examples:
        found.append("other files of the task")
    return found


def _settings(config: Mapping[str, Any], task: str) -> tuple[tuple[str, str], ...]:
    """Return the settings of a task that its results depend on, of a configuration that has them."""
    own = (config.get("tasks") or {}).get(task) or {}
    facts = TASK_KINDS.get(own.get("kind", ""))
    keys = ("kind", *(facts.options if facts else ()))
    return tuple((f"tasks.{task}.{key}", str(own[key])) for key in keys if key in own)


def unequal_starts(a: Mapping[str, Any], b: Mapping[str, Any], not_science: frozenset[str]) -> list[str]:
    """Return the settings by which two configurations of one seed begin apart, with both values.

    Of equal model, tokenizer and corpus settings, runs of one pre-training seed have equal initial weights, tokenizer
    and held-out documents, which is why arms are paired by it.
    """
    starts = [science_of({name: config.get(name) for name in _STARTS}, not_science) for config in (a, b)]
    keys = [key for key in starts[0] | starts[1] if starts[0].get(key) != starts[1].get(key)]
    return [f"{key} {starts[0].get(key)} and {starts[1].get(key)}" for key in keys]
