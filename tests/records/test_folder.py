"""The records' folder: whole or absent, done is done, and scores are those that were written."""

import json

import numpy as np
import pytest

from nsp_ablation.base.fingerprint import file_sha256, strings_sha256
from nsp_ablation.reporting.records.record import SCHEMA, Condition, Provenance, ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder

CONDITION = Condition(*[None] * 13)
PROVENANCE = Provenance(None, None, "3.11", "Linux", {}, "cpu", "sdpa", "2026-11-24T10:00:00+00:00")
SCORES, IDS, PREDICTIONS = np.array([1.0, 0.5]), ["a", "b"], {"a": "Paris", "b": ""}


def done(accuracy=0.75):
    fields = {"status": "done", "metrics": {"accuracy": accuracy}, "primary_metric": "accuracy"}
    return make_record(**fields)


def make_record(**over):
    return ResultRecord(
        name="adhoc",
        arm="random",
        condition=CONDITION,
        science="s",
        pretraining_seed=1,
        finetuning_seed=1,
        task="sst2",
        config={},
        provenance=PROVENANCE,
        **over,
    )


def failed(reason="diverged"):
    return make_record(status="failed", reason=reason)


@pytest.fixture
def folder(tmp_path):
    return RecordFolder(tmp_path / "results" / "adhoc")


def files(folder):
    return sorted(str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file())


def test_reading_returns_what_was_written(folder):
    written = folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert folder.read("x") == written
    scores = np.load(folder.path / "scores" / "x.npy")
    np.testing.assert_array_equal(scores, SCORES)
    assert scores.dtype == np.float64
    assert json.loads((folder.path / "predictions" / "x.json").read_text()) == PREDICTIONS


def test_counts_and_hashes_are_filled_in(folder):
    written = folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert written.num_examples == 2
    assert written.examples_sha256 == strings_sha256(IDS)
    assert written.scores_sha256 == file_sha256(folder.path / "scores" / "x.npy")


def test_files_are_those_of_the_contract(folder):
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert files(folder) == [".lock", "predictions/x.json", "records/x.json", "scores/x.npy"]


def test_a_done_record_is_never_edited(folder):
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    before = {name: (folder.path / name).read_bytes() for name in files(folder)}
    with pytest.raises(ValueError, match="done and never edited"):
        folder.write("x", done(0.5), np.array([0.5, 0.5]), IDS, PREDICTIONS)
    with pytest.raises(ValueError, match="done and never edited"):
        folder.write_failed("x", failed())
    assert {name: (folder.path / name).read_bytes() for name in files(folder)} == before


def test_a_failed_record_is_replaced_by_its_retry(folder):
    folder.write_failed("x", failed())
    assert not folder.is_done("x")
    folder.write_failed("x", failed("out of memory"))
    assert folder.read("x").reason == "out of memory"
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert folder.is_done("x")
    assert folder.ids() == ["x"]


def test_an_error_half_way_leaves_no_record_and_no_partial_file(folder):
    with pytest.raises(TypeError):
        folder.write("x", done(), SCORES, IDS, {"a": object()})
    assert files(folder) == [".lock", "scores/x.npy"]
    assert folder.all() == {}
    assert not folder.is_done("x")
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert folder.is_done("x")


@pytest.mark.parametrize("scores", [np.array([1.0]), np.array([1.0, 0.5], dtype=np.float32), np.array([1.0, 1.0])])
def test_scores_must_fit_examples_type_and_metric(folder, scores):
    with pytest.raises(AssertionError):
        folder.write("x", done(), scores, IDS, PREDICTIONS)
    assert folder.all() == {}


def test_scores_that_are_not_finite_are_refused(folder):
    with pytest.raises(ValueError, match="not finite"):
        folder.write("x", done(), np.array([1.0, np.nan]), IDS, PREDICTIONS)


def test_a_malformed_file_is_named(folder):
    folder.write_failed("x", failed())
    folder.record_path("x").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not JSON"):
        folder.all()
    folder.record_path("x").write_text(json.dumps({"schema": SCHEMA}))
    with pytest.raises(ValueError, match=r"x\.json: missing field id"):
        folder.is_done("x")


def test_records_of_an_older_version_are_left_out_counted_and_replaced(folder):
    for key in ("x", "y"):
        folder.write_failed(key, failed())
    old = json.loads(folder.record_path("x").read_text()) | {"schema": 2, "status": "done"}
    del old["digest"]  # schema 2 had none
    folder.record_path("x").write_text(json.dumps(old))
    assert (list(folder.all()), folder.older()) == (["y"], ["x"])
    assert (folder.all(["x"]), folder.older(["y"])) == ({}, [])
    assert not folder.is_done("x")
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert (folder.older(), folder.is_done("x")) == ([], True)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(folder):
    left = [
        "records/.x.json.nsp-0123abcd.json",
        "scores/.x.npy.nsp-0123abcd.npy",
        "predictions/.y.json.nsp-00000000.json",
    ]
    others = ["records/.x.json.swp", "scores/.mine", "predictions/.x.json.tmp"]
    for name in left + others:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("")
    folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert not [name for name in left if (folder.path / name).exists()]
    assert all((folder.path / name).exists() for name in others)


@pytest.mark.parametrize("name", ["records", "scores", "predictions", ".lock"])
def test_nothing_is_written_behind_a_link(folder, tmp_path, name):
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("mine")
    folder.path.mkdir(parents=True)
    (folder.path / name).symlink_to(other / "mine" if name == ".lock" else other)
    with pytest.raises(ValueError, match=f"{name} is a symbolic link"):
        folder.write("x", done(), SCORES, IDS, PREDICTIONS)
    assert [(path.name, path.read_text()) for path in other.iterdir()] == [("mine", "mine")]
    assert folder.all() == {}


def test_an_absent_record_is_named(folder):
    with pytest.raises(ValueError, match=r"y\.json does not exist"):
        folder.read("y")


def test_records_that_do_not_exist_yet_are_left_out(folder):
    folder.write_failed("x", failed())
    assert list(folder.all(["y", "x"])) == ["x"]
    assert folder.all([]) == {}


def test_an_empty_folder_has_no_records_and_is_not_made(folder):
    assert folder.all() == {}
    assert not folder.path.exists()
