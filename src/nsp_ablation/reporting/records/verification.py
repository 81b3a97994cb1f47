"""Every byte that decides a table is held against what was written, before it is used."""

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.options.task_options import METRICS
from nsp_ablation.reporting.records.digest import REMEDY
from nsp_ablation.reporting.records.record import ResultRecord

_MAX_LINES = 3
_ROUNDING = 1e-6  # a mean over the scores, taken in another order


def scores_path(folder: Path, record_id: str) -> Path:
    """Return `scores/<id>.npy`."""
    return owned(folder, "scores", f"{record_id}.npy")


def predictions_path(folder: Path, record_id: str) -> Path:
    """Return `predictions/<id>.json`."""
    return owned(folder, "predictions", f"{record_id}.json")


def check_files(folder: Path, record: ResultRecord) -> None:
    """Hold the scores of a done record against it, and its predictions where they are there.

    Raises DamageError naming the file that is missing, cannot be read or is not what was written.
    """
    if record.status != "done":
        return
    path = scores_path(folder, record.id)
    _check_bytes(path, record.scores_sha256)
    scores = _scores(path)
    if scores.dtype != np.float64 or scores.shape != (record.num_examples,):
        expected = f"expected float64 ({record.num_examples},), got {scores.dtype} {scores.shape}"
        raise DamageError(f"{path} does not fit its record: {expected}; {REMEDY}")
    if not np.isfinite(scores).all():
        raise DamageError(f"{path} holds a score that is not finite; {REMEDY}")
    if (reason := metric_contradiction(record, scores)) is not None:
        raise DamageError(f"{folder / 'records' / path.stem}.json: {reason}; {REMEDY}")
    path = predictions_path(folder, record.id)
    if path.exists() or path.is_symlink():
        _check_bytes(path, record.predictions_sha256)


def metric_contradiction(record: ResultRecord, scores: np.ndarray) -> str | None:
    """Return how a primary metric that is a mean over examples differs from its scores (N,), None where it does not."""
    metric = record.primary_metric or ""
    facts, stated = METRICS.get(metric), (record.metrics or {})[metric]
    mean = float(scores.mean()) if len(scores) else 0.0
    if facts is None or facts.of_predictions not in (None, "binary_f1") or abs(mean - stated) < _ROUNDING:
        return None
    return f"{metric}={stated}, but its scores have the mean {mean}"


def refuse_damage(problems: Iterable[str]) -> None:
    """Raise DamageError for problems that each name a file, in at most a few lines; do nothing where there are none."""
    lines = list(problems)
    if len(lines) > _MAX_LINES:
        names = ", ".join(line.split(maxsplit=1)[0].rstrip(":") for line in lines[1:])
        lines = [lines[0], f"{len(lines) - 1} more files are damaged; delete them, too: {names}"]
    if lines:
        raise DamageError("\n".join(lines))


def _check_bytes(path: Path, sha256: str | None) -> None:
    try:
        found = file_sha256(path)
    except FileNotFoundError as error:
        raise DamageError(f"{path} is missing; the command of its sweep makes it anew") from error
    except OSError as error:
        raise DamageError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error
    if found != sha256:
        raise DamageError(f"{path} is not what was written (SHA-256); {REMEDY}")


def _scores(path: Path) -> np.ndarray:
    try:
        return np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DamageError(f"{path} holds no scores ({error}); {REMEDY}") from error
