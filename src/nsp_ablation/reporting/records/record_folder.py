"""The folder `results/<name>/`: records, what they hold of each example, and predictions, each whole or absent."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nsp_ablation.base.artifact import read_json, write_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.fingerprint import file_sha256
from nsp_ablation.base.owned_paths import locked, make_directory, owned
from nsp_ablation.reporting.records.digest import REMEDY
from nsp_ablation.reporting.records.example_scores import (
    ExampleScores,
    metrics_contradiction,
    needed_files,
    predictions_path,
    read_examples,
    write_examples,
)
from nsp_ablation.reporting.records.record import ResultRecord, find_contradiction, is_older
from nsp_ablation.reporting.records.verification import check_files, refuse_damage


@dataclass(frozen=True)
class RecordFolder:
    """Records of one study, in `results/<name>`. A done one is never edited; a failed one is replaced by its retry."""

    path: Path

    def record_path(self, record_id: str) -> Path:
        """Return `records/<id>.json`. Raises InputError where that or its directory is a symbolic link."""
        return owned(self.path, "records", f"{record_id}.json")

    def write(
        self, record_id: str, record: ResultRecord, examples: ExampleScores, predictions: dict[str, Any]
    ) -> ResultRecord:
        """Write a done record, the files of its examples and `predictions/<id>.json`; return it with its hashes.

        The record is written last, so one that can be read has all of them. Raises InputError where this id is already
        done, or a number of an example is not finite (of the items it may be NaN).
        """
        _check_examples(record_id, examples)
        with self.before_done(record_id):
            hashes = write_examples(self.path, record_id, examples)
            write_json(predictions_path(self.path, record_id), predictions)
            hashes["predictions_sha256"] = file_sha256(predictions_path(self.path, record_id))
            full = replace(record, **hashes).sealed(record_id)
            assert full.status == "done", full.status
            _assert_sound(full, examples)
            write_json(self.record_path(record_id), asdict(full))
        return full

    def write_failed(self, record_id: str, record: ResultRecord) -> None:
        """Write a failed record over a former failure. Raises InputError where this id is already done."""
        assert record.status == "failed", record.status
        assert (contradiction := find_contradiction(record)) is None, contradiction
        with self.before_done(record_id):
            write_json(self.record_path(record_id), asdict(record.sealed(record_id)))

    def read(self, record_id: str) -> ResultRecord:
        """Read one record. Raises InputError naming the file where it is absent, DamageError where it is damaged."""
        path = self.record_path(record_id)
        if not os.path.lexists(path):
            raise InputError(f"{path} does not exist; run its cell, or name another record")
        return self._parse(read_json(path), record_id)

    def examples(self, record_id: str) -> ExampleScores:
        """Read what a done record holds of each example. Raises as `read`, and DamageError for a damaged file."""
        record = self.read(record_id)
        if record.status != "done":
            raise InputError(f"{self.record_path(record_id)} is {record.status} and has no scores; run its cell again")
        return read_examples(self.path, record)

    def is_done(self, record_id: str) -> bool:
        """Say whether the record exists with all that it needs, is of a version that is read, and succeeded.

        Raises DamageError naming the file where the record or one of its files is not what was written.
        """
        if not os.path.lexists(self.record_path(record_id)):
            return False
        record = self._current(record_id)
        if record is None or record.status != "done":
            return False
        if not all(os.path.lexists(path) for path in needed_files(self.path, record)):
            return False
        check_files(self.path, record)
        return True

    def ids(self) -> list[str]:
        """Return the ids of all records, sorted."""
        return sorted(path.stem for path in (self.path / "records").glob("*.json") if not path.name.startswith("."))

    def all(self, record_ids: Iterable[str] | None = None) -> dict[str, ResultRecord]:
        """Return records of the versions that are read by id, sorted: all of them, or those of `record_ids` that exist.

        Raises DamageError naming every record that is damaged, in a few lines.
        """
        return self._read(record_ids, lambda record: None)

    def verified(self, record_ids: Iterable[str] | None = None) -> dict[str, ResultRecord]:
        """Return what `all` returns, each held against its files.

        Raises DamageError naming every file that is damaged, in a few lines.
        """
        return self._read(record_ids, lambda record: check_files(self.path, record))

    def older(self, record_ids: Iterable[str] | None = None) -> list[str]:
        """Return the ids of records of an older version, which are not read: of all, or of `record_ids`."""
        return [key for key in self._existing(record_ids) if is_older(read_json(path := self.record_path(key)), path)]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, no other process writes a record of this folder."""
        make_directory(self.path)
        with locked(owned(self.path, ".lock")):
            yield

    @contextmanager
    def before_done(self, record_id: str) -> Iterator[None]:
        """Inside, no other process writes this record. Raises InputError where it is done already."""
        with self.held():
            if self.is_done(record_id):
                path = self.record_path(record_id)
                raise InputError(f"{path} is done and never edited; delete it to run its cell anew")
            yield

    def _read(self, record_ids: Iterable[str] | None, check: Callable[[ResultRecord], None]) -> dict[str, ResultRecord]:
        records, problems = {}, []
        for key in self._existing(record_ids):
            try:
                if (record := self._current(key)) is not None:
                    check(record)
                    records[key] = record
            except DamageError as error:
                problems.append(str(error))
        refuse_damage(problems)
        return records

    def _current(self, record_id: str) -> ResultRecord | None:
        """Read a record that exists; None for one of an older version."""
        path = self.record_path(record_id)
        data = read_json(path)
        return None if is_older(data, path) else self._parse(data, record_id)

    def _parse(self, data: Any, record_id: str) -> ResultRecord:
        path = self.record_path(record_id)
        record = ResultRecord.from_json(data, path)
        if record.id != record_id:
            raise DamageError(f"{path} holds the record {record.id}; {REMEDY}")
        return record

    def _existing(self, record_ids: Iterable[str] | None) -> list[str]:
        return self.ids() if record_ids is None else sorted(set(record_ids) & set(self.ids()))


def _check_examples(record_id: str, examples: ExampleScores) -> None:
    """Assert that all arrays are (N,) float64. Raises InputError where a number is not finite."""
    num_examples = len(examples.ids)
    assert examples.clusters is not None
    assert len(examples.clusters) == num_examples, f"{len(examples.clusters)} clusters for {num_examples} examples"
    for name, array in {**examples.items, "scores": examples.scores}.items():
        assert (array.dtype, array.shape) == (np.float64, (num_examples,)), (name, array.dtype, array.shape)
        if np.isinf(array).any() or (name == "scores" and np.isnan(array).any()):
            raise InputError(f"{record_id}: a score is not finite; has the training diverged? lower its learning rate")


def _assert_sound(record: ResultRecord, examples: ExampleScores) -> None:
    """Assert that a done record does not contradict itself, and that its metrics are those of its examples."""
    contradiction = find_contradiction(record) or metrics_contradiction(record, examples)
    assert contradiction is None, contradiction
