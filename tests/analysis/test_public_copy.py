"""A study to publish: the same report, and nothing in any of its files that names a person or quotes a task."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.study import load_study
from nsp_ablation.reporting.records import anonymity
from nsp_ablation.reporting.records.curve_file import CurvePoint, KeptCurve, keep_curve, kept_curve
from nsp_ablation.reporting.records.data_card import DataCard, write_card
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep, read_manifest
from nsp_ablation.reporting.records.public_copy import write_public_study
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell

SECRETS = ("turing", "/home/", "enigma", "Paris")  # user, home, host, a prediction
PRIVATE = {"directory": "/home/turing/work", "host": "enigma", "user": "turing"}


@pytest.fixture
def study(results):
    """Two arms of two seeds, a failed run, a card, a curve and a sweep, whose writer and machine have names."""
    card = DataCard("c" * 16, "jsonl", "bbpe", "full", "mlm", 128, ["squad1"], ["stores/s1"], [])
    keys = []
    for seed in (1, 2):
        for name in ("full", "doc"):
            made_from = ["encoders/e1", "stores/s1"]
            own = {"condition": {"format": name}, "private": PRIVATE, "made_from": made_from, "card": card.key}
            keys.append(results.add(score=0.5 + 0.1 * seed, seed=seed, **own))
    reason = "/home/turing/data is not there"
    keys.append(results.add(status="failed", seed=3, condition={"format": "full"}, reason=reason, private=PRIVATE))
    write_card(results.folder.path / "cards" / f"{card.key}.json", card)
    keep_curve(results.folder.path, "e1", KeptCurve([CurvePoint(1, 100, {"loss": 5.0})], ["k"]))
    cell = SweepCell("all", ["corpus.path=/home/turing/text"], keys, "done", None)
    command = "python /home/turing/run.py -m corpus.path=/home/turing/text"
    begin_sweep(results.folder.path, Manifest(command, "2026-11-24T10:00:00+00:00", [cell]))
    write_cell(results.folder.path, cell)
    return results.folder.path


@pytest.fixture
def named(monkeypatch):
    """This machine and its user have names."""
    monkeypatch.setattr(anonymity, "own_names", lambda: {"[user]": "turing", "[host]": "enigma"})
    monkeypatch.setattr(Path, "home", lambda: Path("/home/turing"))


@pytest.fixture
def copied(study, named, tmp_path):
    """The copy without the report."""
    found = load_study(study, "study", ReportOptions())
    records = [(record, found.folders.homes[key].path) for key, record in found.records.items()]
    write_public_study(tmp_path / "public", records, found.manifest)
    return tmp_path / "public"


def contents(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_no_byte_of_the_copy_names_a_person_or_quotes_a_task(study, named, nsp, tmp_path):
    ended = nsp("stage=report", "paths.results=results", "name=study", "report.public_copy=public/study")
    assert "public copy of 5 records -> public/study" in ended.out
    assert ended.status == 0, ended.err
    files = contents(tmp_path / "public" / "study")
    parts = {name.split("/")[0] for name in files}
    assert parts == {"records", "scores", "items", "cards", "curves", "cells", "manifest.json", "report"}
    for name, content in files.items():
        assert not [word for word in SECRETS if word.encode() in content], name


def test_the_copy_is_a_study_with_the_same_report(copied, study):
    reports = [load_report(folder, "study", ReportOptions()) for folder in (study, copied)]
    assert reports[0].long_table == reports[1].long_table
    assert [row["num_failed"] for row in reports[1].long_table] == [row["num_failed"] for row in reports[0].long_table]
    own, public = (RecordFolder(folder) for folder in (study, copied))
    assert own.ids() == public.ids()
    for key, record in public.verified().items():
        assert record.private == {}
        if record.status == "done":
            assert np.array_equal(public.examples(key).scores, own.examples(key).scores)
    manifest = read_manifest(copied)
    assert manifest.command == "python run.py -m corpus.path=text"
    assert [(cell.status, cell.overrides) for cell in manifest.cells] == [("done", ["corpus.path=text"])]
    assert kept_curve(copied, "e1").asked == ["k"]
    shutil.rmtree(study)
    assert load_report(copied, "study", ReportOptions()).num_done == 4


def test_the_copy_of_all_records_shows_all_of_them_whatever_sweep_made_them(study, nsp, tmp_path):
    cell = SweepCell("later", ["seed=2"], RecordFolder(study).ids()[:1], "done", None)
    begin_sweep(study, Manifest("python run.py -m seed=2", "2026-11-25T10:00:00+00:00", [cell]))
    write_cell(study, cell)
    words = ("stage=report", "paths.results=results", "name=study", "report.public_copy=public/study")
    assert nsp(*words, "report.all=true").status == 0
    assert load_report(tmp_path / "public" / "study", "study", ReportOptions()).num_done == 4


def test_a_record_of_the_copy_that_is_edited_is_not_read(copied):
    path = next((copied / "records").glob("*.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"task": "squad2"}))
    with pytest.raises(Exception, match="digest is another"):
        load_report(copied, "study", ReportOptions())


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("stage=report report.public_copy=.", "report.public_copy=.: exists already; name another directory"),
        ("report.public_copy=public", "report.public_copy=public: is written by stage=report alone"),
        ("stage=report report.anonymous=false report.public_copy=public", "would name persons and machines"),
    ],
)
def test_a_copy_that_cannot_be_is_refused(refused, words, line):
    assert any(line in found for found in refused(*words.split()))
