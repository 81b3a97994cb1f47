"""Learning curves on disk: what was measured after some updates of a pre-training, `update,tokens,metric,value`.

In a folder of results a file beside each holds its hash, so that no figure is drawn of a curve that was edited, and
says which curves it holds.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from nsp_ablation.base.artifact import write_text
from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.reporting.records.digest import read_sealed, write_sealed

COLUMNS = ("update", "tokens", "metric", "value")
_FOLDER, _HASH, _ASKED = "curves", "curve_sha256", "asked"
_REMEDY = "delete it, and the command of its sweep writes it anew"


@dataclass(frozen=True)
class CurvePoint:
    """What was measured after so many updates and real tokens, by metric; a probe's is `<task>.<metric>`."""

    update: int
    tokens: int
    metrics: dict[str, float]


@dataclass(frozen=True)
class KeptCurve:
    """All that was measured of an encoder; `asked` names the curves (by their keys) that it holds."""

    points: list[CurvePoint]
    asked: list[str]


def write_curve(path: Path, points: list[CurvePoint]) -> None:
    """Write a curve, in the order of updates and metrics, with every digit. Raises FullDiskError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for point in sorted(points, key=lambda one: one.update):
        for metric, value in point.metrics.items():
            writer.writerow([point.update, point.tokens, metric, repr(float(value))])
    write_text(path, text.getvalue())


def read_curve(path: Path) -> list[CurvePoint]:
    """Return the points of a curve, by update. Raises DamageError naming the file that is none."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file, strict=True)
        if tuple(header) != COLUMNS:
            raise ValueError(f"its columns are {','.join(header)}")
        points: dict[int, CurvePoint] = {}
        for update, tokens, metric, value in rows:
            point = points.setdefault(int(update), CurvePoint(int(update), int(tokens), {}))
            point.metrics[metric] = float(value)
    except (OSError, ValueError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise DamageError(f"{path} is no learning curve ({reason}); {_REMEDY}") from error
    return [points[update] for update in sorted(points)]


def keep_curve(results: Path, encoder: str, curve: KeptCurve) -> Path:
    """Write the curve of an encoder, by its key, into a folder of results; return its path."""
    path, seal = curve_files(results, encoder)
    write_curve(path, curve.points)
    write_sealed(seal, {_HASH: file_sha256(path), _ASKED: sorted({*curve.asked})})
    return path


def kept_curve(results: Path, encoder: str) -> KeptCurve:
    """Return an encoder's curve in a folder of results, without points where there is none.

    Raises DamageError naming the file that is not what was written.
    """
    path, seal = curve_files(results, encoder)
    if not path.exists() and not seal.exists():
        return KeptCurve([], [])
    if not path.exists() or not seal.exists():
        there, missing = (path, seal) if path.exists() else (seal, path)
        raise DamageError(f"{there} has no {missing.name} beside it; {_REMEDY}")
    facts = read_sealed(seal, _REMEDY)
    try:
        is_written = facts.get(_HASH) == file_sha256(path)
    except OSError as error:  # a directory, no permission
        raise DamageError(f"{path} cannot be read ({error.strerror}); {_REMEDY}") from error
    if not is_written:
        raise DamageError(f"{path} is not what was written (SHA-256); {_REMEDY}")
    asked = facts.get(_ASKED)
    if not isinstance(asked, list) or not all(isinstance(key, str) for key in asked):
        raise DamageError(f"{seal} does not say which curves {path.name} holds; {_REMEDY}")
    return KeptCurve(read_curve(path), asked)


def curve_files(results: Path, encoder: str) -> tuple[Path, Path]:
    """Return the files of an encoder's curve in a folder of results: the curve, and what seals it."""
    return owned(results, _FOLDER, f"{encoder}.csv"), owned(results, _FOLDER, f"{encoder}.json")
