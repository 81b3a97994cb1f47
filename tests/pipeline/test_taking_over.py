"""A result that another study under paths.results has is copied, whole or not at all, and never computed again."""

import json
import os
import shutil
import signal
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nsp_ablation.pipeline.encoders import UntrainedEncoder, encoders_of
from nsp_ablation.pipeline.results import Result, make_missing, results_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.example_scores import ExampleScores
from nsp_ablation.reporting.records.record import EncoderReference
from nsp_ablation.reporting.records.record_folder import RecordFolder
from nsp_ablation.reporting.records.taking_over import other_studies
from nsp_ablation.stages import all as stages_all
from nsp_ablation.stages.cell import CellRun, results_folder

EXAMPLES = ExampleScores(["1", "2"], ["0", "0"], {"accuracy": np.array([1.0, 0.0])}, np.array([1.0, 0.0]))
FILES = ("scores/{}.npy", "scores/{}.json", "items/{}.npz", "predictions/{}.json")


@pytest.fixture
def result_in(config):
    """result_in("name"): what a cell of a study makes, its only record, on an encoder that is not there yet."""

    def make(name, *words):
        found = config(
            "encoder=random", "corpus.num_documents=200", "tasks=[in_context_recall]", f"name={name}", *words
        )
        (encoder,) = encoders_of(found)
        (result,) = results_of(found, encoder, tasks_of(found, encoder.stores.corpus))
        return result, RecordFolder(results_folder(found))

    return make


@pytest.fixture
def never_made(monkeypatch):
    """Fail the test where an encoder or a result is made."""

    def refuse(*_):
        raise AssertionError("it is computed anew")

    monkeypatch.setattr(UntrainedEncoder, "make", refuse)
    monkeypatch.setattr(Result, "make", refuse)


def finish(result, folder, examples=EXAMPLES):
    """Write a result's record, done, as if it had been measured, with what its own study calls things."""
    done = {
        "status": "done",
        "metrics": {"accuracy": float(examples.scores.mean())},
        "primary_metric": "accuracy",
        "encoder": EncoderReference("encoders/x", "a" * 64),
        "made_from": result.made_from(),
    }
    record = replace(result._record("cpu", "eager", done), condition=replace(result.encoder.condition, name="theirs"))
    return folder.write(result.id, record, examples, dict.fromkeys(examples.ids, "Paris"))


def test_the_data_card_comes_along_where_it_is_not_there(result_in, never_made):
    first, folder = result_in("first")
    finish(replace(first, card="c" * 16), folder)
    (folder.path / "cards").mkdir()
    card = folder.path / "cards" / f"{'c' * 16}.json"
    card.write_text("their card")
    second, own = result_in("second")
    assert second.is_there(own)
    assert (own.read(second.id).card, (own.path / "cards" / card.name).read_text()) == ("c" * 16, "their card")
    third, kept = result_in("third")
    (kept.path / "cards").mkdir(parents=True)
    (kept.path / "cards" / card.name).write_text("our card")
    assert third.is_there(kept)
    assert (kept.path / "cards" / card.name).read_text() == "our card"


def contents(folder, record_id):
    return {name: (folder.path / name.format(record_id)).read_bytes() for name in FILES}


@pytest.mark.parametrize("theirs", ["first", "table2/micro", "second/within"])
def test_a_done_record_of_another_study_is_copied_with_its_origin(result_in, never_made, theirs, capsys):
    first, folder = result_in(theirs)
    written = finish(first, folder)
    second, own = result_in("second")
    assert second.id == first.id
    assert make_missing([second], own) == []
    assert f"{second.id}: taken over from" in capsys.readouterr().out
    found = own.verified()[second.id]
    assert found == replace(
        written, name="second", condition=second.encoder.condition, origin=theirs, digest=found.digest
    )
    assert contents(own, second.id) == contents(folder, first.id)
    assert own.is_done(second.id)
    again = own.record_path(second.id).read_bytes()
    assert make_missing([second], own) == []
    assert own.record_path(second.id).read_bytes() == again, "a done record is never edited"


def test_a_cell_whose_results_another_study_has_prepares_nothing(result_in, never_made, monkeypatch, tmp_path):
    finish(*result_in("first"))
    second, own = result_in("second")
    monkeypatch.setattr(stages_all, "check_device_of", lambda config: pytest.fail("nothing is to be computed"))
    monkeypatch.setattr(stages_all, "make_missing", lambda missing, folder: [result.id for result in missing])
    cell = CellRun(second.config, [], [])
    stages_all.run(cell)
    assert cell.record_ids == [second.id]
    assert own.is_done(second.id)
    assert not (Path(second.config.paths.artifacts) / "stores").exists()


def test_the_origin_is_the_study_that_measured_it(result_in, never_made):
    finish(*result_in("b"))
    second, own = result_in("c")
    assert second.is_there(own)
    (result_in("b")[1].record_path(second.id)).unlink()
    third, folder = result_in("a")
    assert third.is_there(folder)
    assert folder.read(third.id).origin == "b"


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("predictions")])
def test_a_damaged_record_of_another_study_is_passed_over_and_named(result_in, capsys, name):
    first, folder = result_in("first")
    finish(first, folder)
    path = folder.path / name.format(first.id)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    second, own = result_in("second")
    assert not second.is_there(own)
    assert f"{first.id}: not taken over: {path} is not what was written" in capsys.readouterr().out
    assert own.ids() == []


@pytest.mark.parametrize("suffix", [".npy", ".json", ".npz"])
def test_a_copy_that_is_not_its_original_makes_no_record(result_in, monkeypatch, capsys, suffix):
    finish(*result_in("first"))
    copied = shutil.copyfile

    def wrongly(source, target):
        copied(source, target)
        if Path(source).suffix == suffix:
            Path(target).write_bytes(Path(target).read_bytes()[:-1])

    second, own = result_in("second")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", wrongly)
        assert not second.is_there(own)
    assert "not taken over: " in capsys.readouterr().out
    assert own.ids() == []
    assert second.is_there(own)


def test_what_another_process_made_meanwhile_is_there(result_in, monkeypatch, capsys):
    finish(*result_in("first"))
    second, own = result_in("second")
    done = RecordFolder.is_done
    monkeypatch.setattr(RecordFolder, "is_done", lambda folder, key: finish_once() or done(folder, key))

    def finish_once():
        if asked.append(1) or len(asked) == 3:  # here, there, and again under the lock
            finished.append(second._record("cpu", "eager", {"status": "failed", "reason": "x"}))
            monkeypatch.setattr(RecordFolder, "is_done", done)
            write(second, own)

    def write(result, folder):
        monkeypatch.setattr(RecordFolder, "held", lambda folder: nullcontext())
        finish(result, folder)

    asked, finished = [], []
    assert second.is_there(own)
    assert len(finished) == 1
    assert "taken over" not in capsys.readouterr().out
    assert own.read(second.id).origin is None


def test_what_is_failed_older_or_of_another_id_is_not_taken_over(result_in):
    first, folder = result_in("first")
    first.fail(folder, "diverged")
    second, own = result_in("second")
    assert not second.is_there(own)
    finish(first, folder)
    other, _ = result_in("second", "seed=2")
    assert other.id != first.id
    assert not other.is_there(own)
    data = json.loads(folder.record_path(first.id).read_text()) | {"schema": 2}
    del data["digest"]
    folder.record_path(first.id).write_text(json.dumps(data))
    assert not second.is_there(own)


def test_predictions_that_were_left_out_stay_out(result_in, never_made):
    first, folder = result_in("first")
    finish(first, folder)
    (folder.path / "predictions" / f"{first.id}.json").unlink()
    second, own = result_in("second")
    assert second.is_there(own)
    assert [*(own.path / "predictions").glob("*")] == []
    assert own.verified().keys() == {second.id}


def test_a_failure_here_gives_way_to_what_another_study_has(result_in, never_made):
    finish(*result_in("first"))
    second, own = result_in("second")
    second.fail(own, "diverged")
    assert make_missing([second], own) == []
    assert own.is_done(second.id)


def killed_at(number, work):
    """Run `work` in a child that is killed just before its `number`-th file appears; return whether it was killed."""
    child = os.fork()
    if not child:
        replace_file, seen = os.replace, []

        def replacing(*arguments):
            seen.append(arguments)
            if len(seen) == number:
                os.kill(os.getpid(), signal.SIGKILL)
            replace_file(*arguments)

        os.replace = replacing
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_between_files_leaves_no_record_and_the_same_command_takes_it_over(result_in, never_made):
    first, folder = result_in("first")
    finish(first, folder)
    killed = 0
    for number in range(1, 7):
        second, own = result_in(f"second{number}")
        if killed_at(number, lambda result=second, own=own: result.is_there(own)):
            killed += 1
            assert own.ids() == []
        assert make_missing([second], own) == []
        assert contents(own, second.id) == contents(folder, first.id)
        left = [path for path in own.path.rglob(".*") if path.is_file() and path.name != ".lock"]
        assert left == [], "of the killed writer"
    assert killed == 5, "four files and the record"


def test_folders_of_records_are_found_below_the_results_and_behind_no_link(tmp_path):
    for name in ("a/records", "b/c/records", "b/c/d/records", "a/scores/records", "e/scores", "own/records"):
        (tmp_path / "results" / name).mkdir(parents=True)
    (tmp_path / "elsewhere" / "records").mkdir(parents=True)
    (tmp_path / "results" / "link").symlink_to(tmp_path / "elsewhere")
    found = other_studies(tmp_path / "results", RecordFolder(tmp_path / "results" / "own"))
    names = [str(folder.path.relative_to(tmp_path / "results")) for folder in found]
    assert names == ["a", "b/c", "b/c/d"]
    assert other_studies(Path(tmp_path / "none"), RecordFolder(tmp_path / "none" / "own")) == []
