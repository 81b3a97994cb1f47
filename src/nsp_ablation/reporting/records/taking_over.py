"""A result that another study has already: its record and files are copied, and the record names where it comes from.

Ids name all that a result depends on, so equal ids are equal results, of whatever study.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from nsp_ablation.base.artifact import copy_files, write_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.owned_paths import owned
from nsp_ablation.options.output_options import STUDY_DIRECTORIES
from nsp_ablation.reporting.records.example_scores import needed_files, predictions_path
from nsp_ablation.reporting.records.older_schemas import SCHEMA
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.verification import check_files


def other_studies(root: Path, own: RecordFolder) -> list[RecordFolder]:
    """Return the other folders of records below `root` (paths.results), by name; no link is followed."""
    found = [RecordFolder(path) for path in _studies(root)]
    return [other for other in found if other.path.resolve() != own.path.resolve()]


def take_over(
    folder: RecordFolder,
    record_id: str,
    others: list[RecordFolder],
    as_own: Callable[[ResultRecord, RecordFolder], ResultRecord],
    say: Callable[[str], None],
) -> bool:
    """Copy a done record of this schema from the first of `others` that has it, and say so; False where none has.

    `as_own(record, other)` returns it as this study has it. Its files are copied as they are, the record is written
    last: where that is interrupted, it is not there. A damaged one is told of and passed over.
    """
    for other in others:
        try:
            if (found := _done(other, record_id)) is None:
                continue
            with folder.held():
                if folder.is_done(record_id):  # by another process, since it was asked for
                    return True
                _copy(folder.path, other.path, found)
                record = as_own(found, other).sealed(record_id)
                check_files(folder.path, record)
                write_json(folder.record_path(record_id), asdict(record))
        except (DamageError, InputError) as error:  # damaged, or of a newer version
            say(f"{record_id}: not taken over: {error}")
            continue
        say(f"{record_id}: taken over from {other.path}")
        return True
    return False


def _done(other: RecordFolder, record_id: str) -> ResultRecord | None:
    if not other.is_done(record_id):
        return None
    record = other.read(record_id)
    return record if record.schema == SCHEMA else None


def _copy(target: Path, source: Path, record: ResultRecord) -> None:
    """Copy the files of a record, and its data card where that is not there; predictions may have been left out."""
    pairs = list(zip(needed_files(source, record), needed_files(target, record), strict=True))
    pairs.append((predictions_path(source, record.id), predictions_path(target, record.id)))
    if record.card is not None and not (card := owned(target, "cards", f"{record.card}.json")).exists():
        pairs.append((source / "cards" / card.name, card))
    copy_files(pairs)


def _studies(root: Path) -> Iterator[Path]:
    """Yield the directories below `root` that hold records, in order of their names; a study has none within it but
    those of other studies whose names begin like its own (`table2/micro`, `table2/micro/again`)."""
    for directory, names, _ in os.walk(root):
        is_study = "records" in names
        names[:] = sorted(set(names) - {*STUDY_DIRECTORIES}) if is_study else sorted(names)
        if is_study:
            yield Path(directory)
