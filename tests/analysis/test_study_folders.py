"""A report over the folders of several machines: every record once, told where two of them measured the same."""

import shutil

import pytest

from nsp_ablation.base.errors import DamageError
from nsp_ablation.options.output_options import ReportOptions
from nsp_ablation.reporting.analysis.make_report import load_report
from nsp_ablation.reporting.analysis.study import load_study
from nsp_ablation.reporting.records.anonymity import places_of
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell

from .conftest import Results

NEWER, OLDER = ({"time": f"2026-{month}-01T00:00:00+00:00"} for month in ("12", "10"))


@pytest.fixture
def machines(tmp_path):
    """Two folders of results, `here/study` and `there/study`."""
    return [Results(tmp_path / name / "study") for name in ("here", "there")]


def study_of(machines, **options):
    here, *others = [each.folder.path for each in machines]
    return load_study(here, "study", ReportOptions(folders=[str(path) for path in others], **options))


def warnings_of(machines):
    here, there = (each.folder.path for each in machines)
    return load_report(here, "study", ReportOptions(folders=[str(there)])).warnings


def medians(study):
    return {pool.arm.condition.format: pool.seed_scores("f1").tolist() for pool in study.scores.all_pools()}


def add_sweep(results, statuses):
    """Write the newest sweep of a folder: a cell per key, how it stands, and its records."""
    cells = [SweepCell(key, [f"format={key}"], [], "planned", None) for key in statuses]
    begin_sweep(results.folder.path, Manifest("python run.py -m", "2026-11-24T10:00:00+00:00", cells))
    for key, (status, ids) in statuses.items():
        write_cell(results.folder.path, SweepCell(key, [f"format={key}"], ids, status, None))


def test_seeds_and_arms_of_several_folders_stand_in_one_table(machines):
    here, there = machines
    for seed in (1, 2):
        here.add(score=0.5 + seed / 10, seed=seed)
    there.add(score=0.9, seed=3)
    there.add(score=0.4, condition={"format": "doc"})
    study = study_of(machines)
    assert medians(study) == {"full": [0.6, 0.7, 0.9], "doc": [0.4]}
    assert study.folders.warnings == []
    homes = {record.pretraining_seed: study.folders.homes[key].path for key, record in study.records.items()}
    assert (homes[2], homes[3]) == (here.folder.path, there.folder.path)
    for key in study.records:
        assert study.folders.examples(key).scores.tolist() == [study.records[key].metrics["f1"]] * 2


def test_a_copy_is_one_record(machines):
    here, there = machines
    key = here.add(score=0.5)
    there.add(score=0.9, seed=2)
    for path in [*here.folder.path.glob("*/*")]:
        shutil.copy(path, there.folder.path / path.parent.name)
    study = study_of(machines)
    assert medians(study) == {"full": [0.5, 0.9]}
    assert (study.folders.warnings, study.scores.warnings) == ([], [])
    assert study.folders.homes[key].path == here.folder.path


def test_a_record_that_was_taken_over_is_one_with_its_original(machines):
    here, there = machines
    assert here.add(score=0.5) == there.add(score=0.5, origin="elsewhere", name="other")
    study = study_of(machines)
    assert len(study.records) == 1
    assert (study.folders.warnings, study.scores.warnings) == ([], [])


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
@pytest.mark.parametrize(("score", "words"), [(0.5, "with equal scores"), (0.25, "with other scores")])
def test_of_one_result_measured_twice_the_newer_counts_and_both_folders_are_named(machines, order, score, words):
    here, there = machines
    key = here.add(score=0.5, provenance=OLDER)
    assert there.add(score=score, provenance=NEWER) == key
    study = study_of([machines[number] for number in order])
    assert medians(study) == {"full": [score]}
    assert study.folders.examples(key).scores.tolist() == [score] * 2
    (warning,) = study.folders.warnings
    assert warning.startswith(f"{key} was measured in ")
    assert words in warning
    assert [text for text in warnings_of(machines) if text.startswith(f"{key} was measured in ")]


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_a_done_record_counts_before_a_failed_one_however_new(machines, order):
    here, there = machines
    here.add(score=0.5, provenance=OLDER)
    there.add(status="failed", provenance=NEWER)
    study = study_of([machines[number] for number in order])
    assert medians(study) == {"full": [0.5]}
    (pool,) = study.scores.all_pools()
    assert (pool.num_failed, study.folders.warnings) == (0, [])


def test_unequal_examples_of_two_machines_are_never_pooled(machines):
    here, there = machines
    here.add(score=0.5, seed=1, provenance=OLDER)
    there.add(score=0.9, seed=2, examples=("x", "y"), provenance=NEWER)
    study = study_of(machines)
    assert [pool.seed_scores("f1").tolist() for pool in study.scores.pools.values()] == [[0.9]]
    assert "other examples" in study.scores.warnings[0]


def test_of_each_folder_the_newest_sweep_is_read_and_its_cells_stand_together(machines):
    here, there = machines
    first, second = here.add(score=0.5), there.add(score=0.4, condition={"format": "doc"})
    there.add(score=0.1, condition={"format": "segment_pair"})
    add_sweep(here, {"full": ("done", [first]), "doc": ("planned", [])})
    add_sweep(there, {"doc": ("done", [second])})
    study = study_of(machines)
    assert medians(study) == {"full": [0.5], "doc": [0.4]}
    assert {cell.key: cell.status for cell in study.cells} == {"full": "done", "doc": "done"}
    assert "segment_pair" in medians(study_of(machines, all=True))


def test_a_damaged_file_of_any_folder_is_named(machines):
    here, there = machines
    here.add(score=0.5)
    key = there.add(score=0.9, seed=2)
    path = there.folder.path / "items" / f"{key}.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(DamageError, match=f"{path} is not what was written"):
        study_of(machines)


def test_cards_of_any_folder_are_found(machines):
    here, there = machines
    here.add(score=0.5, card="a" * 16)
    there.add(score=0.9, seed=2, card="b" * 16)
    assert len([text for text in warnings_of(machines) if "is missing" in text]) == 2
    name, study = f"{'b' * 16}.json", study_of(machines)
    (there.folder.path / "cards").mkdir()
    (there.folder.path / "cards" / name).write_text("{}")
    assert study.folders.holding("cards", name) == there.folder.path
    assert study.folders.holding("cards", "none.json") == here.folder.path


def test_no_name_of_a_person_stands_in_what_is_said_of_folders(machines, tmp_path):
    here, there = machines
    here.add(score=0.5, provenance=OLDER)
    there.add(score=0.9, provenance=NEWER)
    options = ReportOptions(folders=[str(there.folder.path)])
    places = places_of({"paths": {"results": str(tmp_path / "here")}})
    (warning,) = load_study(here.folder.path, "study", options, places=places).folders.warnings
    assert str(tmp_path) not in warning
    options.anonymous = False
    (warning,) = load_study(here.folder.path, "study", options, places=places).folders.warnings
    assert str(there.folder.path) in warning


def test_a_folder_without_records_is_refused_before_anything_runs(refused, tmp_path):
    (line,) = refused("stage=report", f"report.folders=[{tmp_path}]")
    assert line == f"report.folders={tmp_path}: holds no records; give a folder as results/<name>"


def test_the_report_covers_the_folders_that_the_command_names(machines, nsp):
    here, there = machines
    here.add(score=0.5)
    there.add(score=0.9, seed=2)
    ended = nsp("stage=report", "paths.results=here", "name=study", "report.folders=[there/study]")
    assert ended.status == 0, ended.err
    assert ",70.0," in (here.folder.path / "report" / "table.csv").read_text()
