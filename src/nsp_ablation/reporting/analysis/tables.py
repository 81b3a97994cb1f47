"""The tables: one for reading, in the paper's layout, and the long one with every number."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from nsp_ablation.reporting.analysis.columns import Column
from nsp_ablation.reporting.analysis.comparisons import Comparison
from nsp_ablation.reporting.analysis.intervals import Summary, summarize
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import StudyArm
from nsp_ablation.reporting.records.record import ResultRecord

LONG_COLUMNS = (
    *("arm", "encoder", "condition", "format", "objective", "masking", "copies", "budget", "tokenizer", "model"),
    *("batch", "updates", "corpus", "science", "task", "metric", "median", "mean", "low", "high", "interval"),
    *("num_pretraining_seeds", "num_finetuning_seeds", "num_failed", "published"),
)
TYPE_ONLY_CEILING = "type_only_ceiling"


@dataclass(frozen=True)
class Score:
    """A row's results in one metric of one task, as fractions, and the published number beside them.

    `summary` is None where nothing was measured; failed runs are counted, never scored. `is_told`: a planned comparison
    tells the arm to be better than another, and its number is printed bold.
    """

    summary: Summary | None
    num_failed: int = 0
    published: float | None = None
    is_told: bool = False


@dataclass(frozen=True)
class Row:
    """One row: a score per column. `arm` is None for a row that is no arm of the study (chance, a published row)."""

    label: str
    scores: list[Score]
    arm: StudyArm | None = None


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: list[Row]


def reading_table(study: Study, comparisons: Sequence[Comparison] = ()) -> list[Section]:
    """Return the table for reading: arms as in the paper, then what stands beside them."""
    told = {(one.better_arm, one.column) for one in comparisons if one.better_arm}
    by_kind: dict[str, list[Row]] = {kind: [] for kind in ("trained", "external", "random")}
    for arm in study.scores.arms:
        pools = [study.scores.pools.get((arm, column.task)) for column in study.columns]
        scores = [
            replace(_score(study, arm, pool, column), is_told=(arm, column) in told)
            for pool, column in zip(pools, study.columns, strict=True)
        ]
        by_kind[arm.kind].append(Row(study.labels[arm], scores, arm))
    sections = [
        Section("", by_kind["trained"]),
        Section("external encoders", by_kind["external"]),
        Section("reference", by_kind["random"] + _reference_rows(study)),
        Section("published, without an arm here", _published_rows(study)),
        Section("cells without a record", _cells_without_record(study)),
    ]
    return [section for section in sections if section.rows and study.columns]


def _score(study: Study, arm: StudyArm, pool: Pool | None, column: Column) -> Score:
    table = study.published
    published = table.score(table.row_of(arm), column.task, column.metric) if table else None
    if pool is None:
        return Score(None, 0, published)
    return Score(study.matrices.summary(pool, column.metric), pool.num_failed, published)


def _reference_rows(study: Study) -> list[Row]:
    """Return chance, majority, bag of words and the type-only ceiling, where the records hold them."""
    sources: tuple[tuple[str, Callable[[ResultRecord], float | None]], ...] = (
        ("bag of words", lambda record: record.bag_of_words),
        ("type-only ceiling", lambda record: (record.metrics or {}).get(TYPE_ONLY_CEILING)),
        ("majority", lambda record: record.majority),
        ("chance", lambda record: record.chance),
    )
    rows = [
        Row(label, [_constant(_reference_values(study, column, value_of)) for column in study.columns])
        for label, value_of in sources
    ]
    return [row for row in rows if any(score.summary for score in row.scores)]


def _reference_values(study: Study, column: Column, value_of: Callable[[ResultRecord], float | None]) -> list[float]:
    pools = [pool for (_, task), pool in study.scores.pools.items() if task == column.task]
    if any(pool.primary_metric not in (None, column.metric) for pool in pools):
        return []
    values = [value_of(record) for pool in pools for record in pool.records]
    return [value for value in values if value is not None]


def _constant(values: list[float]) -> Score:
    return Score(summarize(np.array([median(values)]))) if values else Score(None)


def _published_rows(study: Study) -> list[Row]:
    table = study.published
    rows = []
    for row in table.rows if table else []:
        if table and not any(row.describes(arm) for arm in study.scores.arms):
            values = [table.score(row, column.task, column.metric) for column in study.columns]
            rows.append(Row(row.label, [_constant([] if value is None else [value]) for value in values]))
    return rows


def _cells_without_record(study: Study) -> list[Row]:
    """Return a row for every cell of the sweep that ended, or has not ended, before it wrote a record."""
    lost = [cell for cell in study.cells if cell.status != "done" and not set(cell.records) & set(study.records)]
    return [
        Row(
            cell.key if cell.status in ("planned", "failed") else f"{cell.key} ({cell.status})",
            [Score(None, int(cell.status == "failed"))] * len(study.columns),
        )
        for cell in lost
    ]


def long_table(study: Study) -> list[dict[str, Any]]:
    """Return the rows of `table.csv`: keys LONG_COLUMNS in order, None for what is missing, fractions in percent."""
    rows = []
    for pool in study.scores.all_pools():
        primary = [column for column in study.columns if column.task == pool.task][:1]
        columns = [Column(pool.task, metric, "") for metric in pool.metrics()] or primary
        rows += [_long_row(pool, column, _score(study, pool.arm, pool, column)) for column in columns]
    return rows


def _long_row(pool: Pool, column: Column, score: Score) -> dict[str, Any]:
    summary, condition = score.summary, asdict(pool.arm.condition)
    values = {name: getattr(summary, name, None) for name in ("median", "mean", "low", "high")}
    row = {
        **condition,
        "arm": pool.arm.kind,
        "encoder": "random" if pool.arm.kind == "random" else pool.arm.encoder,
        "condition": condition["name"],
        "science": pool.arm.science,
        "task": pool.task,
        "metric": column.metric or None,
        "interval": summary.interval if summary else "none",
        "num_pretraining_seeds": len(summary.scores) if summary else 0,
        "num_finetuning_seeds": pool.num_finetuning_seeds(),
        "num_failed": pool.num_failed,
        **{name: column.rounded(value) for name, value in {**values, "published": score.published}.items()},
    }
    return {name: row[name] for name in LONG_COLUMNS}


def points(study: Study) -> list[dict[str, Any]]:
    """Return one row per measured number: arm, seeds, task, metric, value (percent where a fraction)."""
    return [
        {
            "arm": study.labels[pool.arm],
            "task": pool.task,
            "metric": metric,
            "pretraining_seed": record.pretraining_seed,
            "finetuning_seed": record.finetuning_seed,
            "value": Column(pool.task, metric, "").scaled((record.metrics or {})[metric]),
        }
        for pool in study.scores.all_pools()
        for record in pool.records
        for metric in pool.metrics()
        if metric in (record.metrics or {})
    ]
