"""`table.csv` and `comparisons.csv`: every number, for programs."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from nsp_ablation.reporting.analysis.comparisons import COMPARISON_COLUMNS
from nsp_ablation.reporting.analysis.make_report import Report
from nsp_ablation.reporting.analysis.tables import LONG_COLUMNS


def table_csv(report: Report) -> str:
    """Return the long table."""
    return _csv(LONG_COLUMNS, report.long_table)


def comparisons_csv(report: Report) -> str:
    """Return the planned comparisons."""
    return _csv(COMPARISON_COLUMNS, (one.csv_row() for one in report.comparisons))


def _csv(columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as CSV with a header; None is an empty cell."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()
