"""A job for each cell: a limit of those that run at once, a cell that is cancelled, and a report after all."""

import csv
import json
import re

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.timeout(1800)]

SWEEP = (
    *("-m", "seed=1,2,3", "scale=smoke", "pretraining.max_steps=40", "finetuning.untrained_row=false", "name=tried"),
    *("tasks=[in_context_recall]", "model.num_threads=1", "trainer.num_workers=0", "corpus.num_processes=1"),
    *("hydra/launcher=submitit_slurm", "hydra.launcher.partition=cpu", "hydra.launcher.array_parallelism=2"),
)


def test_a_cancelled_cell_leaves_the_others_and_the_report_comes_after_all(cluster, login, wrap, wait_until):
    pytest.importorskip(
        "submitit", reason="the extra slurm is not installed; hydra/launcher=submitit_slurm is not tested"
    )
    command, directory = login(*SWEEP)
    output = directory / "login.log"

    def said(pattern: str) -> re.Match:
        wait_until(
            lambda: re.search(pattern, output.read_text()) or command.poll() is not None, pattern, output.read_text
        )
        found = re.search(pattern, output.read_text())
        assert found, output.read_text()
        return found

    number = said(r"note: job (\d+) of Slurm has the 3 cells, at most 2 at once; ")[1]
    command.terminate()
    assert command.wait(timeout=60) == 143
    command, _ = login(*SWEEP, directory=directory)
    said(rf"note: job {number} of Slurm, of an earlier command, has 3 of the cells; this command waits for them")
    report = wrap(directory, f"--dependency=afterany:{number}", "stage=report", "name=tried")
    array = ("squeue", "--noheader", "--array", f"--jobs={number}", "--format=%i %T %r")
    most = 0

    def status(seed: int) -> str | None:
        nonlocal most
        queue = cluster.command(*array)
        most = max(most, queue.count(" RUNNING "))
        cells = [json.loads(path.read_text()) for path in directory.glob("results/tried/cells/[!.]*.json")]
        return next((cell["status"] for cell in cells if f"seed={seed}" in cell["overrides"]), None)

    held = set()

    def are_held() -> bool:
        """Stop the first two by a signal as soon as each runs: neither can be done before one is cancelled."""
        for seed in {1, 2} - held:
            if status(seed) == "running":
                cluster.command("scancel", "--signal=STOP", f"{number}_{seed - 1}")
                held.add(seed)
        return held == {1, 2}

    wait_until(are_held, "the first two cells do not run", output.read_text)
    wait_until(
        lambda: f"{number}_2 PENDING JobArrayTaskLimit" in cluster.command(*array),
        "the third cell does not wait for one of two to end",
        lambda: cluster.command(*array),
    )
    assert report.shown("Reason") == "Dependency"
    assert status(1) == status(2) == "running"
    cluster.command("scancel", f"{number}_0")
    cluster.command("scancel", "--signal=CONT", f"{number}_1")
    wait_until(lambda: status(2) == status(3) == "done", "the others are not done", output.read_text)
    assert most == 2

    assert command.wait(timeout=600) == 1
    lost = (
        rf"error: seed=1: job {number}_0: was cancelled or killed, or ran out of its time \(log .*\); the same command"
    )
    assert re.search(lost, output.read_text())
    assert report.end() == "FAILED", "it is 1 where a cell is not done"
    assert "never ended, and no process runs it any more; run the command of its sweep again" in report.text()
    with (directory / "results/tried/report/table.csv").open() as table:
        assert {row["num_pretraining_seeds"] for row in csv.DictReader(table)} == {"2"}
