"""The tables: one for reading, in the paper's layout, and the long one with every number."""

import csv
import io
from collections.abc import Callable
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from nsp_ablation.reporting.analysis.columns import Column, printed
from nsp_ablation.reporting.analysis.pooled_scores import Pool
from nsp_ablation.reporting.analysis.published import TABLES, published_row
from nsp_ablation.reporting.analysis.statistics import Summary, summarize
from nsp_ablation.reporting.analysis.study import Study
from nsp_ablation.reporting.analysis.study_arms import Arm
from nsp_ablation.reporting.records.record import ResultRecord

LONG_COLUMNS = (
    *("arm", "encoder", "format", "objective", "masking", "copies", "budget", "tokenizer", "model", "batch"),
    *("updates", "corpus", "science", "task", "metric", "median", "mean", "low", "high"),
    *("num_pretraining_seeds", "num_finetuning_seeds", "num_failed", "published"),
)
_CONDITION_COLUMNS = (
    "format",
    "objective",
    "masking",
    "copies",
    "budget",
    "tokenizer",
    "model",
    "batch",
    "updates",
    "corpus",
)
TYPE_ONLY_CEILING = "type_only_ceiling"


@dataclass(frozen=True)
class Cell:
    """One cell, as fractions. `summary` is None where nothing was measured; failed runs are counted, never scored."""

    summary: Summary | None
    num_failed: int = 0


@dataclass(frozen=True)
class Row:
    """One row. `published` holds the paper's fractions beneath an arm, a column each, or None where it has none."""

    label: str
    cells: list[Cell]
    published: list[float | None] | None = None


@dataclass(frozen=True)
class Section:
    """Rows under one heading."""

    title: str
    rows: list[Row]


@dataclass(frozen=True)
class ReadingTable:
    """The table for reading: columns as in the paper, sections of rows."""

    columns: list[Column]
    sections: list[Section]


def reading_table(study: Study) -> ReadingTable:
    """Return the table for reading: arms, external encoders, references, the paper's other rows, lost cells."""
    by_kind = {
        kind: [arm for arm in study.scores.arms if arm.kind == kind] for kind in ("trained", "external", "random")
    }
    references = [_arm_row(study, arm) for arm in by_kind["random"]] + _reference_rows(study)
    sections = [
        Section("", [_arm_row(study, arm) for arm in by_kind["trained"]]),
        Section("external encoders", [_arm_row(study, arm) for arm in by_kind["external"]]),
        Section("reference", references),
        Section("published, without an arm here", _published_rows(study)),
        Section("cells without a record", _cells_without_record(study)),
    ]
    return ReadingTable(study.columns, [section for section in sections if section.rows and study.columns])


def _arm_row(study: Study, arm: Arm) -> Row:
    counterpart = published_row(study.published, arm)
    published = [counterpart.score(column.task, column.metric) for column in study.columns] if counterpart else None
    return Row(study.labels[arm], [_cell(study.scores.pools.get((arm, c.task)), c) for c in study.columns], published)


def _cell(pool: Pool | None, column: Column) -> Cell:
    if pool is None:
        return Cell(None)
    scores = pool.seed_scores(column.metric)
    return Cell(summarize(scores) if len(scores) else None, pool.num_failed)


def _reference_rows(study: Study) -> list[Row]:
    """Return chance, majority, bag of words and the type-only ceiling, where the records hold them."""
    sources: tuple[tuple[str, Callable[[ResultRecord], float | None]], ...] = (
        ("bag of words", lambda record: record.bag_of_words),
        ("type-only ceiling", lambda record: (record.metrics or {}).get(TYPE_ONLY_CEILING)),
        ("majority", lambda record: record.majority),
        ("chance", lambda record: record.chance),
    )
    rows = []
    for label, value_of in sources:
        cells = [Cell(_constant(_reference_values(study, column, value_of))) for column in study.columns]
        if any(cell.summary for cell in cells):
            rows.append(Row(label, cells))
    return rows


def _reference_values(study: Study, column: Column, value_of: Callable[[ResultRecord], float | None]) -> list[float]:
    pools = [pool for (_, task), pool in study.scores.pools.items() if task == column.task]
    if any(pool.primary_metric not in (None, column.metric) for pool in pools):
        return []
    values = [value_of(record) for pool in pools for record in pool.records]
    return [value for value in values if value is not None]


def _constant(values: list[float]) -> Summary | None:
    if not values:
        return None
    middle = median(values)
    return Summary(middle, middle, None, None, 1)


def _published_rows(study: Study) -> list[Row]:
    rows = []
    for row in TABLES.get(study.published or "", ()):
        if not any(row.describes(arm) for arm in study.scores.arms):
            values = [row.score(column.task, column.metric) for column in study.columns]
            cells = [Cell(None if value is None else _constant([value])) for value in values]
            rows.append(Row(row.label, cells))
    return rows


def _cells_without_record(study: Study) -> list[Row]:
    """Return a row for every cell of the sweep that ended, or has not ended, before it wrote a record."""
    cells = study.manifest.cells if study.manifest and study.of_sweep else []
    lost = [cell for cell in cells if cell.status != "done" and not set(cell.records) & set(study.records)]
    return [Row(cell.key, [Cell(None, int(cell.status == "failed"))] * len(study.columns)) for cell in lost]


def long_rows(study: Study) -> list[dict[str, Any]]:
    """Return the rows of `table.csv`: keys LONG_COLUMNS in order, None for what is missing, fractions in percent."""
    rows = []
    for pool in study.scores.all_pools():
        known = [column.metric for column in study.columns if column.task == pool.task][:1]
        for metric in pool.metrics() or known:
            rows.append(_long_row(study, pool, metric))
    return rows


def _long_row(study: Study, pool: Pool, metric: str) -> dict[str, Any]:
    arm, scores = pool.arm, pool.seed_scores(metric)
    summary = asdict(summarize(scores)) if len(scores) else {}
    counterpart = published_row(study.published, arm)
    published = counterpart.score(pool.task, metric) if counterpart else None
    condition = asdict(arm.condition)
    values = {name: summary.get(name) for name in ("median", "mean", "low", "high")} | {"published": published}
    row = {
        "arm": arm.kind,
        "encoder": "random" if arm.kind == "random" else arm.encoder,
        **{name: condition[name] for name in _CONDITION_COLUMNS},
        "science": arm.science,
        "task": pool.task,
        "metric": metric or None,
        "num_pretraining_seeds": len(scores),
        "num_finetuning_seeds": pool.num_finetuning_seeds(),
        "num_failed": pool.num_failed,
        # Six digits beyond the decimal point: far below any seed noise, and .452 does not become 45.199999999999996.
        **{name: None if value is None else round(printed(metric, value), 6) for name, value in values.items()},
    }
    return {name: row[name] for name in LONG_COLUMNS}


def point_rows(study: Study) -> list[dict[str, Any]]:
    """Return one row a measured number: arm, seeds, task, metric, value (percent where a fraction)."""
    return [
        {
            "arm": study.labels[pool.arm],
            "task": pool.task,
            "metric": metric,
            "pretraining_seed": record.pretraining_seed,
            "finetuning_seed": record.finetuning_seed,
            "value": printed(metric, (record.metrics or {})[metric]),
        }
        for pool in study.scores.all_pools()
        for record in pool.records
        for metric in pool.metrics()
        if metric in (record.metrics or {})
    ]


def csv_text(columns: tuple[str, ...], rows: list[dict[str, Any]]) -> str:
    """Return rows as CSV with a header; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
