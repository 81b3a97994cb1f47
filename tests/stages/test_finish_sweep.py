"""Exit status: 0 only if every cell is done, or, for who looks at a sweep, may still be."""

from contextlib import ExitStack
from dataclasses import replace

import pytest

from nsp_ablation.options.output_options import PathsOptions
from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.reporting.records import manifest as manifests
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.sweep_cell import CELL_STATUSES, CellProgress, SweepCell, runs, write_cell
from nsp_ablation.stages.cell import results_folder
from nsp_ablation.stages.report import finish_sweep

PROGRESS = CellProgress("pretrain", 120, 7000, 61_234.5)


@pytest.fixture(scope="module")
def composed(planned):
    """The configuration of one cell."""
    return planned("stage=all", "tasks=[sst2]")[0].config


@pytest.fixture
def look(composed, tmp_path, capsys, monkeypatch):
    """look("all", "running", is_run=True, is_open=True): status and output of a sweep whose cell stands so."""
    monkeypatch.setenv("PATH", "/nonexistent")  # no TeX

    def end(stage, status, *, is_run=False, is_open=False, is_written=True):
        settings = replace(composed, stage=stage, paths=PathsOptions(str(tmp_path / "a"), str(tmp_path / "r")))
        folder, key = results_folder(settings), cell_key(settings)
        plan = Manifest("python run.py", "2026-11-24T10:00:00+00:00", [SweepCell(key, [], [], "planned", None)])
        with ExitStack() as held:
            if is_open:
                held.enter_context(manifests.sweep(folder, plan))
            else:
                folder.mkdir(parents=True, exist_ok=True)
                begin_sweep(folder, plan)
            if is_written:
                write_cell(folder, SweepCell(key, [], [], status, "diverged" if status == "failed" else None, PROGRESS))
            if is_run:
                held.enter_context(runs(folder, key))
            capsys.readouterr()
            code = finish_sweep([settings])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return end


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("is_run", [False, True])
@pytest.mark.parametrize("status", CELL_STATUSES)
def test_a_sweep_that_ends_succeeded_only_if_its_cells_are_done(look, status, is_run, is_open):
    assert (look("all", status, is_run=is_run, is_open=is_open)[0] == 0) == (status == "done")


@pytest.mark.parametrize("stage", ["all", "report"])
def test_a_planned_cell_that_never_ran_is_never_done(look, stage):
    code, _, error = look(stage, "planned", is_written=False)
    assert code == 1
    assert "never ended; run the command of its sweep again" in error


def test_a_sweep_that_runs_is_shown_as_running_with_its_progress(look):
    code, out, error = look("report", "running", is_run=True, is_open=True)
    assert (code, error) == (0, "")
    text = " ".join(out.split())
    assert "running: full-mlm-dynamic-p1-" in text
    assert "pretrain, update 120 of 7,000, 61,234 tokens/s, last sign of life 20" in text


def test_cells_of_an_open_sweep_wait_without_an_error(look):
    code, out, error = look("report", "planned", is_open=True, is_written=False)
    assert (code, error) == (0, "")
    assert "cells of the sweep that are not finished" in out


@pytest.mark.parametrize(
    ("status", "words"),
    [("running", "no process runs it any more"), ("stopped", "was stopped"), ("failed", "failed: full-mlm")],
)
@pytest.mark.parametrize("is_open", [False, True])
def test_a_cell_that_ended_badly_says_what_to_do(look, status, words, is_open):
    code, out, error = look("report", status, is_open=is_open)
    assert code == 1
    assert words in out + error
    assert len(error.splitlines()) <= 1
    assert status == "failed" or "run the command of its sweep again" in error
