"""The log of one training, `update,tokens,metric,value`, written row by row: the truth that dashboards are made from.

A training that goes on from a checkpoint logs the updates since then again. Reading drops what it had logged of them
before: rows of an update that is earlier than the row above take the place of all from that update on.
"""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.owned_paths import make_directory, owned
from nsp_ablation.reporting.records.curve_file import COLUMNS, CurvePoint


def training_log_path(artifacts: Path, kind: str, key: str) -> Path:
    """Return `<paths.artifacts>/logs/<kind>/<key>.csv`; `kind` is encoders or records."""
    return owned(artifacts, "logs", kind, f"{key}.csv")


class TrainingLog:
    """Appends to the log of a training; half a row, which a killed process left at its end, is cut off first."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where the file cannot be written, DamageError where its directory is none."""
        make_directory(path.parent)
        self._file = open(path, "a+", encoding="utf-8", newline="")  # noqa: SIM115, closed by `close`
        self._writer = csv.writer(self._file, lineterminator="\n")
        _cut_half_row(path)
        if path.stat().st_size == 0:
            self._writer.writerow(COLUMNS)

    def write(self, update: int, tokens: int, metrics: Mapping[str, float]) -> None:
        """Append what was logged after an update, by when so many real tokens were read."""
        self._writer.writerows([update, tokens, name, repr(float(value))] for name, value in metrics.items())
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def read_training_log(path: Path) -> list[CurvePoint]:
    """Return the points of a log by update, none where there is no log.

    Half a row at its end is left out. Raises DamageError naming a file that is none.
    """
    if not path.exists():
        return []
    try:
        text = path.read_bytes().decode()
        header, *rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1]), strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {','.join(header)}")
        return _points([(int(update), int(tokens), name, float(value)) for update, tokens, name, value in rows])
    except (OSError, ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise DamageError(f"{path} is no log of a training ({reason}); delete it: dashboards do without it") from error


def _points(rows: list[tuple[int, int, str, float]]) -> list[CurvePoint]:
    points: dict[int, CurvePoint] = {}
    last = -1
    for update, tokens, name, value in rows:
        if update < last:
            points = {earlier: point for earlier, point in points.items() if earlier < update}
        last = update
        points.setdefault(update, CurvePoint(update, tokens, {})).metrics[name] = value
    return [points[update] for update in sorted(points)]


def _cut_half_row(path: Path) -> None:
    with open(path, "rb+") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
