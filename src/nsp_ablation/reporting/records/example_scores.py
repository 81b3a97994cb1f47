"""What a result holds of each example, in `scores/<id>.npy`, `scores/<id>.json` and `items/<id>.npz`.

Each file's bytes are held against the hash in the record, and its content against the record, before it is used.
"""

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import atomic_path, read_json, write_json
from nsp_ablation.base.errors import DamageError
from nsp_ablation.base.fingerprint import file_sha256, strings_sha256
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.base.prediction_metrics import metric_value
from nsp_ablation.options.metric_source import metric_source
from nsp_ablation.reporting.records.digest import REMEDY
from nsp_ablation.reporting.records.record import ResultRecord

_ROUNDING = 1e-6  # of a metric that is computed again, relative where it is above 1
_ARRAY_HEAD = 4096  # bytes of a .npy file beside its numbers, at most
_NO_ARRAYS = (OSError, ValueError, EOFError, KeyError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, eq=False)
class ExampleScores:
    """N examples in file order.

    ids, clusters: N each; clusters None in records of schema 3. items: arrays (N,) float64 by name, of which
    `metric_source` says how a metric comes from them, NaN where an example does not count. scores (N,) float64, finite:
    each example's score in the primary metric.
    """

    ids: list[str]
    clusters: list[str] | None
    items: dict[str, np.ndarray]
    scores: np.ndarray


def scores_path(folder: Path, record_id: str) -> Path:
    """Return `scores/<id>.npy`."""
    return owned(folder, "scores", f"{record_id}.npy")


def ids_path(folder: Path, record_id: str) -> Path:
    """Return `scores/<id>.json`: the examples' ids and clusters."""
    return owned(folder, "scores", f"{record_id}.json")


def items_path(folder: Path, record_id: str) -> Path:
    """Return `items/<id>.npz`."""
    return owned(folder, "items", f"{record_id}.npz")


def predictions_path(folder: Path, record_id: str) -> Path:
    """Return `predictions/<id>.json`."""
    return owned(folder, "predictions", f"{record_id}.json")


def needed_files(folder: Path, record: ResultRecord) -> dict[Path, str | None]:
    """Return the files without which a done record counts for nothing, and the SHA-256 of each."""
    files = {scores_path(folder, record.id): record.scores_sha256}
    if not record.has_items:
        return files
    return files | {
        ids_path(folder, record.id): record.ids_sha256,
        items_path(folder, record.id): record.items_sha256,
    }


def write_examples(folder: Path, record_id: str, examples: ExampleScores) -> dict[str, Any]:
    """Write the files of a result and return the fields of its record that hold their hashes."""
    with atomic_path(scores_path(folder, record_id)) as temporary:
        np.save(temporary, examples.scores)
    write_json(ids_path(folder, record_id), {"examples": examples.ids, "clusters": examples.clusters})
    with atomic_path(items_path(folder, record_id)) as temporary:
        _save_arrays(temporary, examples.items)
    return {
        "num_examples": len(examples.ids),
        "examples_sha256": strings_sha256(examples.ids),
        "scores_sha256": file_sha256(scores_path(folder, record_id)),
        "ids_sha256": file_sha256(ids_path(folder, record_id)),
        "items_sha256": file_sha256(items_path(folder, record_id)),
    }


def read_examples(folder: Path, record: ResultRecord) -> ExampleScores:
    """Read what a done record holds of each example.

    Raises DamageError naming the file that is missing, cannot be read, is not what was written, or does not fit.
    """
    for path, sha256 in needed_files(folder, record).items():
        check_bytes(path, sha256)
    path = scores_path(folder, record.id)
    scores = _load(path, record)
    _check_array(path, "scores", scores, record)
    if not np.isfinite(scores).all():
        raise DamageError(f"{path} holds a score that is not finite; {REMEDY}")
    if not record.has_items:
        return ExampleScores(_ids_of_schema_3(folder, record), None, _items_of_schema_3(record, scores), scores)
    path = items_path(folder, record.id)
    items = _load(path, record)
    for name, array in items.items():
        _check_array(path, name, array, record)
        if np.isinf(array).any():
            raise DamageError(f"{path} holds an infinite number in {name}; {REMEDY}")
    return ExampleScores(*_ids_and_clusters(ids_path(folder, record.id), record), items, scores)


def metrics_contradiction(record: ResultRecord, examples: ExampleScores) -> str | None:
    """Return how a metric of a done record differs from the arrays that it comes from, None where none does."""
    metric, items = record.primary_metric or "", examples.items
    if record.has_items and metric_source(metric, items) is None:
        return f"{metric} comes from none of the arrays {', '.join(items)}"
    if metric in items and not np.array_equal(items[metric], examples.scores):
        return f"{metric} of each example is not its score"
    for name, stated in (record.metrics or {}).items():
        if (source := metric_source(name, items)) is not None:
            found = metric_value(source.function, [items[array] for array in source.arrays])
            if not abs(found - stated) <= _ROUNDING * max(1.0, abs(stated)):  # NaN is not
                return f"{name}={stated}, but its examples give {found}"
    return None


def check_bytes(path: Path, sha256: str | None) -> None:
    """Raise DamageError naming a file that is missing, cannot be read or is not what was written."""
    try:
        found = file_sha256(path)
    except FileNotFoundError as error:
        raise DamageError(f"{path} is missing; the command of its sweep makes it anew") from error
    except OSError as error:
        raise DamageError(f"{path} cannot be read ({error.strerror}); {REMEDY}") from error
    if found != sha256:
        raise DamageError(f"{path} is not what was written (SHA-256); {REMEDY}")


def _save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a .npz file, equal for equal arrays: its entries are of 1980, where NumPy's own have the time of day."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, array in arrays.items():
            stream, entry = io.BytesIO(), zipfile.ZipInfo(f"{name}.npy")
            entry.external_attr = 0o644 << 16
            np.save(stream, array, allow_pickle=False)
            archive.writestr(entry, stream.getvalue(), zipfile.ZIP_DEFLATED)


def _load(path: Path, record: ResultRecord) -> Any:
    """Return the array of a .npy file, or those of a .npz file by name."""
    try:
        content = io.BytesIO(path.read_bytes())
        if path.suffix == ".npy":
            return np.load(content, allow_pickle=False)
        limit = 8 * (record.num_examples or 0) + _ARRAY_HEAD
        with zipfile.ZipFile(content) as archive:
            if any(entry.file_size > limit for entry in archive.infolist()):
                raise ValueError("an array is larger than its examples need")
            streams = {entry.filename: io.BytesIO(archive.read(entry)) for entry in archive.infolist()}
        return {name.removesuffix(".npy"): np.load(stream, allow_pickle=False) for name, stream in streams.items()}
    except _NO_ARRAYS as error:
        raise DamageError(f"{path} holds no {path.parent.name} ({error}); {REMEDY}") from error


def _check_array(path: Path, name: str, array: Any, record: ResultRecord) -> None:
    if array.dtype != np.float64 or array.shape != (record.num_examples,):
        expected = f"expected float64 ({record.num_examples},), got {array.dtype} {array.shape}"
        raise DamageError(f"{path} does not fit its record: {name}: {expected}; {REMEDY}")


def _ids_and_clusters(path: Path, record: ResultRecord) -> tuple[list[str], list[str]]:
    data = read_json(path)
    ids, clusters = (_texts(data, key, path, record) for key in ("examples", "clusters"))
    if strings_sha256(ids) != record.examples_sha256:
        raise DamageError(f"{path} holds other examples than its record; {REMEDY}")
    return ids, clusters


def _texts(data: Any, key: str, path: Path, record: ResultRecord) -> list[str]:
    values = data.get(key) if isinstance(data, dict) else None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise DamageError(f"{path} must hold lists of texts, examples and clusters; {REMEDY}")
    if len(values) != record.num_examples:
        expected = f"expected {record.num_examples} {key}, got {len(values)}"
        raise DamageError(f"{path} does not fit its record: {expected}; {REMEDY}")
    return values


def _ids_of_schema_3(folder: Path, record: ResultRecord) -> list[str]:
    """Return the ids of a record that keeps none: those of its predictions, else the examples' numbers."""
    path = predictions_path(folder, record.id)
    ids: list[str] = []
    if os.path.lexists(path):
        check_bytes(path, record.predictions_sha256)
        ids = list(read_json(path))
    return ids if strings_sha256(ids) == record.examples_sha256 else [str(n) for n in range(record.num_examples or 0)]


def _items_of_schema_3(record: ResultRecord, scores: np.ndarray) -> dict[str, np.ndarray]:
    """Return the scores as the array of the primary metric, unless it was no mean of them: perplexity alone."""
    metric = record.primary_metric or ""
    return {} if metric == "perplexity" else {metric: scores}
