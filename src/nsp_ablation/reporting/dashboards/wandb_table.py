"""The comparison table on a wandb dashboard: every number and its point, not means alone."""

from collections.abc import Iterable
from typing import Any

from nsp_ablation.reporting.analysis.make_report import Report


def log_report(report: Report, run: Any) -> None:
    """Log the long table and its single points on an open wandb run, and end it; an empty table is left out."""
    import wandb

    for key, rows in {"table": report.long_table, "points": report.points}.items():
        if rows:
            columns: list[str | int] = [*rows[0]]
            data: list[Iterable[Any]] = [list(row.values()) for row in rows]
            run.log({key: wandb.Table(columns=columns, data=data, allow_mixed_types=True)})
    run.finish()
