"""Damage to any file that decides a table is named by its file; once that is deleted, the table comes back."""

import errno
import io
import json
import shutil

import numpy as np
import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.records import digest
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell

from .conftest import SCORES, write_record

KINDS = (
    *("records/a.json", "scores/a.npy", "scores/a.json", "items/a.npz", "predictions/a.json"),
    *("manifest.json", "cells/a.json"),
)
DAMAGES = (
    "cut",
    "emptied",
    "flipped",
    "appended",
    "exchanged",
    "not_utf8",
    "directory",
    "link_to_nothing",
    "unreadable",
)


def table(folder):
    return load_report(folder, "study", ReportOptions()).long_table


def save(path, array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    path.write_bytes(stream.getvalue())


def damage(path, kind, monkeypatch):
    content = path.read_bytes()
    if kind == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "emptied":
        path.write_bytes(b"")
    elif kind == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    elif kind == "appended":
        path.write_bytes(content + b"x")
    elif kind == "exchanged":
        other = path.with_name(path.name.replace("a.", "b.")) if path.stem == "a" else path.parent / "cells" / "a.json"
        if other.read_bytes() == content:  # two records of the same examples
            other = path.with_suffix(".npy")
        path.write_bytes(other.read_bytes())
    elif kind == "not_utf8":
        path.write_bytes(content[:20] + b"\xff" + content[21:])
    elif kind == "unreadable":
        refuse_to_open(path, monkeypatch)
    else:
        path.unlink()
        path.mkdir() if kind == "directory" else path.symlink_to(path.parent / "nothing")


def refuse_to_open(path, monkeypatch):
    """Refuse to open a file as the system does without permission, which it never refuses to root."""
    real = io.open

    def refusing(file, *arguments, **options):
        if str(file) == str(path):
            raise PermissionError(errno.EACCES, "Permission denied", str(file))
        return real(file, *arguments, **options)

    monkeypatch.setattr("io.open", refusing)
    monkeypatch.setattr("builtins.open", refusing)


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("name", KINDS)
def test_damage_is_named_and_the_table_comes_back(study, monkeypatch, name, kind):
    before = table(study)
    with monkeypatch.context() as patch:
        damage(study / name, kind, patch)
        with pytest.raises(ValueError, match=f"{name}.*(delete|again)") as refusal:
            table(study)
    assert len(str(refusal.value).splitlines()) == 1
    delete(study / name)
    if name.split("/")[0] in ("records", "scores", "items"):
        assert not RecordFolder(study).is_done("a"), "its cell would not run anew"
    run_again(study)
    assert table(study) == before


def delete(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def run_again(study):
    """Do what the command of the sweep does: plan its cells anew, make the records that are not done, end the cells."""
    cells = [SweepCell(key, [f"format={key}"], [], "planned", None) for key in SCORES]
    begin_sweep(study, Manifest("python run.py -m format=a,b", "2026-11-24T10:00:00+00:00", cells))
    for key in SCORES:
        if not RecordFolder(study).is_done(key):
            write_record(study, key)
        write_cell(study, SweepCell(key, [f"format={key}"], [key], "done", None))


@pytest.mark.parametrize("name", ["records/a.json", "scores/a.npy", "scores/a.json", "items/a.npz", "manifest.json"])
def test_a_deleted_file_is_named(study, name):
    (study / name).unlink()
    with pytest.raises(DamageError, match=rf"{name} is missing.*"):
        table(study)


def test_a_cell_without_its_file_never_counts_as_done(study):
    (study / "cells" / "a.json").unlink()
    report = load_report(study, "study", ReportOptions())
    assert [cell.status for cell in report.manifest.cells] == ["planned", "done"]


def test_predictions_may_be_left_out(study):
    before = table(study)
    shutil.rmtree(study / "predictions")
    assert table(study) == before


CHANGES = [("0.75", "0.95"), *(('"schema": 5', f'"schema": {other}') for other in (2, 3, 4, 7))]


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_what_was_changed_by_hand_is_never_shown(study, old, new):
    path = study / "records" / "a.json"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DamageError, match=r"records/a\.json is not what was written"):
        table(study)


def test_a_mean_that_is_not_that_of_the_scores_is_refused_even_under_a_right_digest(study):
    path = study / "records" / "a.json"
    data = json.loads(path.read_text())
    data["metrics"]["accuracy"] = 0.95
    digest.write_sealed(path, data)
    with pytest.raises(DamageError, match=r"records/a\.json: accuracy=0\.95, but its examples give 0\.75"):
        table(study)


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ([1.0, 0.0, 1.0], r"expected float64 \(4,\), got float64 \(3,\)"),
        ([[1.0, 0.0, 1.0, 1.0]], r"got float64 \(1, 4\)"),
        (np.array([1, 0, 1, 1], np.float32), "got float32"),
        ([1.0, 0.0, 1.0, np.nan], "not finite"),
        ([1.0, 0.0, 1.0, np.inf], "not finite"),
        (np.array([1.0, 0.0, 1.0, None], object), "holds no scores"),
    ],
)
def test_scores_that_do_not_fit_are_refused_even_under_a_right_hash(study, scores, words):
    path, record = study / "scores" / "a.npy", study / "records" / "a.json"
    save(path, np.array(scores) if isinstance(scores, list) else scores)
    data = json.loads(record.read_text()) | {"scores_sha256": digest.hashlib.sha256(path.read_bytes()).hexdigest()}
    digest.write_sealed(record, data)
    with pytest.raises(DamageError, match=rf"scores/a\.npy .*{words}"):
        table(study)


def test_two_records_that_changed_names_are_refused(study):
    first, second = study / "records" / "a.json", study / "records" / "b.json"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    with pytest.raises(DamageError, match=r"a\.json holds the record b.*\n.*b\.json holds the record a"):
        table(study)


def test_many_damaged_files_are_all_named_in_a_few_lines(study):
    for number in range(30):
        write_record(study, f"r{number}", [1.0, 0.0])
        (study / "scores" / f"r{number}.npy").write_bytes(b"")
    with pytest.raises(DamageError) as refusal:
        load_report(study, "study", ReportOptions(all=True))
    lines = str(refusal.value).splitlines()
    assert len(lines) <= 3
    assert all(f"/r{number}.npy" in str(refusal.value) for number in range(30))
    assert "delete" in lines[-1]


def test_files_of_others_in_our_folders_are_neither_read_nor_deleted(study):
    before = table(study)
    others = [study / name for name in ("cells/notes.json", "cells/.hidden", "report/mine.md", "notes.json")]
    for path in others:
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"mine": 1}')
    run_again(study)
    assert table(study) == before
    assert all(path.read_text() == '{"mine": 1}' for path in others)
