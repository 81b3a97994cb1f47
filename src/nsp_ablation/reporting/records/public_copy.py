"""A study as it may be published: its records and what they need, without predictions and without `private`.

Predictions quote the texts of tasks. `private` names a person or a machine; a record's digest covers it, so it cannot
be cut out of the files by hand.
"""

from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from nsp_ablation.base.artifact import copy_files, write_json
from nsp_ablation.reporting.records.curve_file import curve_files
from nsp_ablation.reporting.records.digest import write_sealed
from nsp_ablation.reporting.records.example_scores import needed_files
from nsp_ablation.reporting.records.manifest import Manifest
from nsp_ablation.reporting.records.record import ResultRecord
from nsp_ablation.reporting.records.sweep_cell import cell_path

_ENCODERS = "encoders/"  # of `made_from`


def write_public_study(
    directory: Path, records: Iterable[tuple[ResultRecord, Path]], manifest: Manifest | None
) -> None:
    """Write records, each with the folder that it is read from, and the sweep that they are of, below `directory`.

    Records and manifest are anonymous (`ResultRecord.anonymous`). What every example scored, data cards and learning
    curves are copied as they are; each record gets a new digest.
    """
    for record, home in records:
        public = replace(record, private={}).sealed(record.id)
        _copy(home, directory, record)
        path = directory / "records" / f"{record.id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, asdict(public))
    if manifest is not None:
        _write_sweep(directory, manifest)


def _copy(home: Path, directory: Path, record: ResultRecord) -> None:
    pairs: list[tuple[Path, Path]] = []
    if record.status == "done":
        pairs += zip(needed_files(home, record), needed_files(directory, record), strict=True)
    keys = [name.removeprefix(_ENCODERS) for name in record.made_from or () if name.startswith(_ENCODERS)]
    for key in keys:
        pairs += zip(curve_files(home, key), curve_files(directory, key), strict=True)
    if record.card is not None:
        name = f"{record.card}.json"
        pairs.append((home / "cards" / name, directory / "cards" / name))
    copy_files(pair for pair in pairs if not pair[1].exists())


def _write_sweep(directory: Path, manifest: Manifest) -> None:
    planned = [replace(cell, records=[], status="planned", reason=None, progress=None) for cell in manifest.cells]
    write_sealed(directory / "manifest.json", asdict(replace(manifest, cells=planned)))
    for cell in manifest.cells:
        if cell.status != "planned":
            path = cell_path(directory, cell.key)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_sealed(path, asdict(cell))
