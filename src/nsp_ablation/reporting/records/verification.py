"""Every byte that decides a table is held against what was written, before it is used."""

from collections.abc import Iterable
from pathlib import Path

from nsp_ablation.base.errors import DamageError
from nsp_ablation.reporting.records.digest import REMEDY
from nsp_ablation.reporting.records.example_scores import (
    check_bytes,
    metrics_contradiction,
    predictions_path,
    read_examples,
)
from nsp_ablation.reporting.records.record import ResultRecord

_MAX_LINES = 3


def check_files(folder: Path, record: ResultRecord) -> None:
    """Hold what a done record has of each example against it, and its predictions where they are there.

    Raises DamageError naming the file that is missing, cannot be read or is not what was written.
    """
    if record.status != "done":
        return
    path = predictions_path(folder, record.id)
    if path.exists() or path.is_symlink():
        check_bytes(path, record.predictions_sha256)
    if (reason := metrics_contradiction(record, read_examples(folder, record))) is not None:
        raise DamageError(f"{folder / 'records' / record.id}.json: {reason}; {REMEDY}")


def refuse_damage(problems: Iterable[str]) -> None:
    """Raise DamageError for problems that each name a file, in at most a few lines; do nothing where there are none."""
    lines = list(problems)
    if len(lines) > _MAX_LINES:
        names = ", ".join(line.split(maxsplit=1)[0].rstrip(":") for line in lines[1:])
        lines = [lines[0], f"{len(lines) - 1} more files are damaged; delete them, too: {names}"]
    if lines:
        raise DamageError("\n".join(lines))
