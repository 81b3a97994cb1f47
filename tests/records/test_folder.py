"""The records' folder: whole or absent, done is done, and scores are those that were written."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from nsp_ablation.base.fingerprint import file_sha256, strings_sha256
from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.older_schemas import SCHEMA
from nsp_ablation.reporting.records.record import Condition, Provenance, ResultRecord
from nsp_ablation.reporting.records.record_folder import RecordFolder

from .conftest import examples_of

CONDITION = Condition(*[None] * 13)
PROVENANCE = Provenance(None, None, "3.11", "Linux", {}, "cpu", "sdpa", "2026-11-24T10:00:00+00:00")
SCORES, IDS, PREDICTIONS = np.array([1.0, 0.5]), ["a", "b"], {"a": "Paris", "b": ""}
EXAMPLES = examples_of(SCORES, IDS, clusters=["c", "c"])


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
    written = folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert folder.read("x") == written
    scores = np.load(folder.path / "scores" / "x.npy")
    np.testing.assert_array_equal(scores, SCORES)
    assert scores.dtype == np.float64
    assert json.loads((folder.path / "predictions" / "x.json").read_text()) == PREDICTIONS


def test_counts_and_hashes_are_filled_in(folder):
    written = folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert written.num_examples == 2
    assert written.examples_sha256 == strings_sha256(IDS)
    assert written.scores_sha256 == file_sha256(folder.path / "scores" / "x.npy")
    assert written.ids_sha256 == file_sha256(folder.path / "scores" / "x.json")
    assert written.items_sha256 == file_sha256(folder.path / "items" / "x.npz")


def test_files_are_those_of_the_contract(folder):
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert files(folder) == [
        *(".lock", "items/x.npz", "predictions/x.json", "records/x.json", "scores/x.json", "scores/x.npy")
    ]


def test_a_done_record_is_never_edited(folder):
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    before = {name: (folder.path / name).read_bytes() for name in files(folder)}
    with pytest.raises(ValueError, match="done and never edited"):
        folder.write("x", done(0.5), examples_of([0.5, 0.5], IDS), PREDICTIONS)
    with pytest.raises(ValueError, match="done and never edited"):
        folder.write_failed("x", failed())
    assert {name: (folder.path / name).read_bytes() for name in files(folder)} == before


def test_a_failed_record_is_replaced_by_its_retry(folder):
    folder.write_failed("x", failed())
    assert not folder.is_done("x")
    folder.write_failed("x", failed("out of memory"))
    assert folder.read("x").reason == "out of memory"
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert folder.is_done("x")
    assert folder.ids() == ["x"]


def test_an_error_half_way_leaves_no_record_and_no_partial_file(folder):
    with pytest.raises(TypeError):
        folder.write("x", done(), EXAMPLES, {"a": object()})
    assert files(folder) == [".lock", "items/x.npz", "scores/x.json", "scores/x.npy"]
    assert folder.all() == {}
    assert not folder.is_done("x")
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert folder.is_done("x")


ITEMS = {"accuracy": SCORES}
UNFIT = {
    "too few scores": (IDS, IDS, {"accuracy": SCORES[:1]}, SCORES[:1]),
    "of another type": (IDS, IDS, ITEMS, SCORES.astype(np.float32)),
    "another mean": (IDS, IDS, {"accuracy": np.ones(2)}, np.ones(2)),
    "too few clusters": (IDS, IDS[:1], ITEMS, SCORES),
    "an array too short": (IDS, IDS, {**ITEMS, "label": SCORES[:1]}, SCORES),
    "an array of integers": (IDS, IDS, {**ITEMS, "label": np.array([1, 0])}, SCORES),
    "other scores than those of the metric": (IDS, IDS, {"accuracy": np.array([0.5, 1.0])}, SCORES),
    "no array of the metric": (IDS, IDS, {"label": SCORES}, SCORES),
}


@pytest.mark.parametrize("fields", UNFIT.values(), ids=UNFIT)
def test_examples_must_fit_their_number_type_and_metric(folder, fields):
    with pytest.raises(AssertionError):
        folder.write("x", done(), ExampleScores(*fields), PREDICTIONS)
    assert folder.all() == {}


@pytest.mark.parametrize("name", ["accuracy", "label"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_are_not_finite_are_refused_and_items_that_are_infinite(folder, name, value):
    items = {"accuracy": SCORES, "label": SCORES} | {name: np.array([1.0, value])}
    examples = ExampleScores(IDS, IDS, items, items["accuracy"])
    if name == "label" and np.isnan(value):
        folder.write("x", done(), examples, PREDICTIONS)
        assert np.isnan(folder.examples("x").items["label"][1])
        return
    with pytest.raises(ValueError, match="not finite"):
        folder.write("x", done(), examples, PREDICTIONS)


def test_what_was_written_of_each_example_is_read(folder):
    items = {"accuracy": SCORES, "accuracy_a b/../c": np.array([np.nan, 0.5])}
    metrics = {"accuracy": 0.75, "accuracy_a b/../c": 0.5}
    folder.write("x", replace(done(), metrics=metrics), ExampleScores(IDS, ["c", "d"], items, SCORES), PREDICTIONS)
    found = folder.examples("x")
    assert (found.ids, found.clusters) == (IDS, ["c", "d"])
    assert json.loads((folder.path / "scores" / "x.json").read_text()) == {"examples": IDS, "clusters": ["c", "d"]}
    np.testing.assert_array_equal(found.scores, SCORES)
    assert list(found.items) == list(items)
    for name, array in items.items():
        np.testing.assert_array_equal(found.items[name], array)
    with np.load(folder.path / "items" / "x.npz", allow_pickle=False) as numpys:
        np.testing.assert_array_equal(numpys["accuracy"], SCORES)


def test_equal_examples_make_equal_files_at_any_time_of_day(folder, monkeypatch):
    first = folder.write("x", done(), EXAMPLES, PREDICTIONS)
    monkeypatch.setattr("time.localtime", lambda *_: time.struct_time((2031, 5, 6, 7, 8, 9, 0, 1, 0)))
    assert folder.write("y", done(), EXAMPLES, PREDICTIONS).items_sha256 == first.items_sha256


def test_a_failed_record_has_no_examples(folder):
    folder.write_failed("x", failed())
    with pytest.raises(ValueError, match=r"x\.json is failed and has no scores"):
        folder.examples("x")


@pytest.mark.parametrize("name", ["scores/x.npy", "scores/x.json", "items/x.npz"])
def test_a_record_that_lacks_a_file_is_not_done(folder, name):
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    (folder.path / name).unlink()
    assert not folder.is_done("x")
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert folder.is_done("x")


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
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert (folder.older(), folder.is_done("x")) == ([], True)


def test_what_a_killed_writer_left_is_removed_and_nothing_else(folder):
    left = [
        "records/.x.json.nsp-0123abcd.json",
        "scores/.x.npy.nsp-0123abcd.npy",
        "items/.x.npz.nsp-0123abcd.npz",
        "predictions/.y.json.nsp-00000000.json",
    ]
    others = ["records/.x.json.swp", "scores/.mine", "predictions/.x.json.tmp"]
    for name in left + others:
        (folder.path / name).parent.mkdir(parents=True, exist_ok=True)
        (folder.path / name).write_text("")
    folder.write("x", done(), EXAMPLES, PREDICTIONS)
    assert not [name for name in left if (folder.path / name).exists()]
    assert all((folder.path / name).exists() for name in others)


@pytest.mark.parametrize("name", ["records", "scores", "items", "predictions", ".lock"])
def test_nothing_is_written_behind_a_link(folder, tmp_path, name):
    other = tmp_path / "other"
    other.mkdir()
    (other / "mine").write_text("mine")
    folder.path.mkdir(parents=True)
    (folder.path / name).symlink_to(other / "mine" if name == ".lock" else other)
    with pytest.raises(ValueError, match=f"{name} is a symbolic link"):
        folder.write("x", done(), EXAMPLES, PREDICTIONS)
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
