"""The folders that a study is read from, its own and those of other machines, as one."""

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.manifest import Manifest, has_older_manifest, read_manifest
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.sweep_cell import SweepCell
from nsp_ablation.reporting.records.verification import refuse_damage


@dataclass(frozen=True, eq=False)
class StudyFolders:
    """Records by id, each in one of `homes`, the folder that it is read from; the cells of all sweeps in one manifest,
    None where no folder has one; what is said of records that two folders have, and how much is too old to be read.

    `folders`: the study's own first.
    """

    folders: list[Path]
    records: dict[str, ResultRecord]
    homes: dict[str, RecordFolder]
    manifest: Manifest | None
    warnings: list[str]
    older: str | None

    def examples(self, record_id: str) -> ExampleScores:
        """Read what a done record holds of each example. Raises DamageError for a damaged file."""
        return self.homes[record_id].examples(record_id)

    def holding(self, *names: str) -> Path:
        """Return the first folder that holds a file, the study's own where none does."""
        return next((one for one in self.folders if os.path.lexists(one.joinpath(*names))), self.folders[0])


def read_folders(folders: list[Path], all_records: bool, shown: Callable[[Path], str]) -> StudyFolders:
    """Read the newest sweep of each folder, or every record where no sweep left a manifest or all are asked for.

    Of records with one id in two folders, a done one counts before a failed one, then the newest, with a warning that
    names the folders as they are `shown` where they were measured apart. Raises DamageError naming every file that is
    not what was written or is missing.
    """
    records: dict[str, ResultRecord] = {}
    homes: dict[str, RecordFolder] = {}
    manifests, warnings, older_ids = list[Manifest](), list[str](), list[str]()
    for path in folders:
        folder, manifest = RecordFolder(path), read_manifest(path)
        asked = manifest.record_ids if manifest and not all_records else None
        found = folder.verified(asked)
        refuse_damage(_lost_records(path, manifest, found))
        manifests += [manifest] if manifest else []
        older_ids += folder.older(asked)
        for key, record in found.items():
            if key in records and not _is_copy(records[key], record):
                both = f"{shown(homes[key].path)} and {shown(path)}"
                warnings += _twice(records[key], record, both)
            if key not in records or _counts_before(record, records[key]):
                records[key], homes[key] = record, folder
    older = _older(len(older_ids), sum(has_older_manifest(path) for path in folders))
    return StudyFolders(folders, dict(sorted(records.items())), homes, _joined(manifests), warnings, older)


def _is_copy(a: ResultRecord, b: ResultRecord) -> bool:
    """Whether two records are one measurement: the same, or one taken over from the other's study."""
    return a.digest == b.digest or (asdict(a.provenance), a.scores_sha256) == (asdict(b.provenance), b.scores_sha256)


def _counts_before(record: ResultRecord, other: ResultRecord) -> bool:
    keys = [(one.status == "done", one.provenance.time) for one in (record, other)]
    return keys[0] > keys[1]


def _twice(a: ResultRecord, b: ResultRecord, folders: str) -> list[str]:
    if "failed" in (a.status, b.status):
        return []
    are_equal = (a.scores_sha256, a.items_sha256, a.metrics) == (b.scores_sha256, b.items_sha256, b.metrics)
    return [f"{a.id} was measured in {folders}, with {'equal' if are_equal else 'other'} scores; the newer is used"]


def _joined(manifests: list[Manifest]) -> Manifest | None:
    """Return the first manifest with the cells of all; of a cell that two have, the one that is done."""
    if not manifests:
        return None
    cells: dict[str, SweepCell] = {}
    for cell in (cell for manifest in manifests for cell in manifest.cells):
        if cell.key not in cells or (cell.status == "done" and cells[cell.key].status != "done"):
            cells[cell.key] = cell
    return replace(manifests[0], cells=list(cells.values()))


def _lost_records(folder: Path, manifest: Manifest | None, records: Collection[str]) -> Iterator[str]:
    """Yield a line for every record that a cell has made and that is gone, or is one of an older version."""
    for cell in manifest.cells if manifest else []:
        for record_id in cell.records if cell.status == "done" else []:
            if record_id not in records:
                path = RecordFolder(folder).record_path(record_id)
                yield f"{path} is missing, though its cell is done; the command of its sweep makes it anew"


def _older(num_records: int, num_manifests: int) -> str | None:
    """Say how much is of an older version and not read, None where nothing is."""
    parts = [f"{num_records} record{'s' if num_records > 1 else ''}"] if num_records else []
    parts += ["the manifest of the newest sweep"] if num_manifests else []
    return f"not read, since of an older version: {' and '.join(parts)}; run the same command again" if parts else None
