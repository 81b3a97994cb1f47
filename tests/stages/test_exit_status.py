"""The exit status of a sweep: 0 only if each of its cells is done, whatever ran them and whatever it said."""

import os
import signal

import pytest

from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.reporting.records.sweep_cell import CELL_STATUSES, SweepCell, write_cell
from nsp_ablation.stages.cell import results_folder
from nsp_ablation.stages.report import finish_sweep, sweep


@pytest.fixture
def two_cells(cells):
    """(configurations, overrides) of two cells that differ in their format."""
    planned = cells("-m", "format=full,doc", "scale=smoke", "tasks=[sst2]")
    return [cell.config for cell in planned], [cell.overrides for cell in planned]


def ended(config, status):
    reason = "the loss diverged" if status == "failed" else None
    write_cell(results_folder(config), SweepCell(cell_key(config), [], [], status, reason))


@pytest.mark.parametrize("status", CELL_STATUSES)
@pytest.mark.parametrize("number", [0, 1])
def test_a_sweep_succeeds_only_if_each_of_its_cells_is_done(two_cells, capsys, status, number):
    configs, overrides = two_cells
    with sweep(configs, overrides, "python run.py -m format=full,doc"):
        ended(configs[1 - number], "done")
        if status != "planned":  # which is what the manifest says of a cell that never ran
            ended(configs[number], status)
        assert finish_sweep(configs) == (0 if status == "done" else 1)
    errors = capsys.readouterr().err
    assert (cell_key(configs[number]) in errors) == (status not in ("done", "failed"))  # which says so itself
    assert cell_key(configs[1 - number]) not in errors


def test_a_sweep_of_which_no_cell_ran_did_not_succeed(two_cells):
    configs, overrides = two_cells
    with sweep(configs, overrides, "python run.py -m format=full,doc"):
        assert finish_sweep(configs) == 1


def test_only_the_cells_of_the_command_decide_its_status(two_cells):
    """Another sweep may be open on the same folder, with cells that are still to come."""
    configs, overrides = two_cells
    with sweep(configs, overrides, "python run.py -m format=full,doc"):
        ended(configs[0], "done")
        assert finish_sweep(configs[:1]) == 0
        assert finish_sweep(configs[1:]) == 1


@pytest.mark.parametrize(
    ("stage", "where"), [("prepare", "nsp_ablation.stages.prepare.run"), ("all", "nsp_ablation.stages.report.sweep")]
)
def test_a_job_that_slurm_asks_outside_of_a_training_goes_back_into_the_queue(
    nsp, asked_of_slurm, monkeypatch, stage, where
):
    """A limit of time may fall into a preparation, between two cells, or into a report."""
    monkeypatch.setattr(where, lambda *arguments: os.kill(os.getpid(), signal.SIGUSR1))
    ended = nsp(f"stage={stage}", "scale=smoke")
    assert (ended.status, ended.err) == (138, "error: stopped by SIGUSR1; the same command goes on from there\n")
    assert asked_of_slurm() == ["requeue 7"]
