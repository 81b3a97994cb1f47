"""Cells that run at once: stopped, killed, orphaned and resumed, they end as if they had run one after another."""

import json
import os
import signal
import time
from pathlib import Path

import pytest

AT_ONCE = "launcher.num_cells=2"
CHECKPOINT = "artifacts/runs/*/last.ckpt"

pytestmark = pytest.mark.slow


def wait_for(there, process) -> None:
    deadline = time.monotonic() + 120
    while not there():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def statuses(directory: Path) -> list[str]:
    return sorted(json.loads(file.read_text())["status"] for file in directory.glob("results/adhoc/cells/[a-z]*.json"))


def without_number(outputs: dict[str, bytes], num_cells: int | None) -> dict[str, bytes]:
    """Return outputs less the setting and the word that differ."""
    word, setting = f', "launcher.num_cells={num_cells}"', f'"num_cells": {json.dumps(num_cells)}'
    return {
        path: content.replace(word.encode(), b"").replace(setting.encode(), b"") for path, content in outputs.items()
    }


def process_of_cell(sweep, parent: int) -> int:
    """Return the process of the last cell that was started: the one without children that the starter has."""
    return sweep.last_child(*(pid for pid, (above, _) in sweep.processes().items() if above == parent))


def test_cells_at_once_are_stopped_killed_and_orphaned_and_end_in_the_same_bytes(
    command, same, uninterrupted, sweep_arguments
):
    """Ctrl-C in the terminal, SIGTERM to the parent alone, SIGKILL of the parent and of one cell, in a row. 40 s."""
    sweep = command("sweep", *sweep_arguments, AT_ONCE)
    folder = sweep.directory

    def both_save() -> bool:
        return len([*folder.glob(CHECKPOINT)]) == 2

    process = sweep.start()  # Ctrl-C once
    wait_for(both_save, process)
    os.killpg(process.pid, signal.SIGINT)
    lines = process.communicate(timeout=20)[0].splitlines()
    assert process.returncode == 128 + signal.SIGINT
    assert sweep.processes() == {}
    assert statuses(folder) == ["stopped", "stopped"]
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 2
    assert all("stopped by SIGINT at update" in line and "the same command goes on" in line for line in errors)
    assert "Traceback" not in "\n".join(lines)

    process = sweep.start()  # the parent is killed: nothing of it goes on
    wait_for(lambda: statuses(folder) == ["running", "running"], process)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=10)
    deadline = time.monotonic() + 5
    while sweep.processes():
        assert time.monotonic() < deadline, "orphans"
        time.sleep(0.05)
    assert statuses(folder) == ["running", "running"], "as their files were left"

    process = sweep.start()  # one cell is killed, as for want of memory: the other ends
    wait_for(lambda: [*folder.glob("results/adhoc/records/*.json")], process)
    os.kill(process_of_cell(sweep, process.pid), signal.SIGKILL)
    lines = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 1
    errors = [line for line in lines if line.startswith("error: ")]
    assert len(errors) == 1, errors
    (error,) = errors
    assert "killed by SIGKILL" in error
    log = Path(error.partition("its output: ")[2].partition(";")[0])
    assert "resumed at update" in (folder / log).read_text()
    assert statuses(folder) == ["done", "failed"]

    assert sweep.run() == 0, "\n".join(sweep.lines)
    assert sweep.processes() == {}
    same(without_number(sweep.outputs(), 2), without_number(uninterrupted[0], None))


def test_cells_at_once_make_what_cells_in_a_row_make(command, same):
    """The rows of the untrained encoder are shared; the first cell diverges."""
    words = ("-m", "pretraining.learning_rate=10,1e-3", "pretraining.gradient_clip=0", "finetuning.untrained_row=true")
    words = (*words, "finetuning.max_steps=3", "pretraining.max_steps=20", "pretraining.checkpoint_seconds=30")
    found = []
    for number in (1, 2):
        sweep = command(f"num_cells {number}", *words, f"launcher.num_cells={number}")
        assert sweep.run() == 1, "\n".join(sweep.lines)
        errors = [line for line in sweep.lines if line.startswith("error: ")]
        assert len(errors) == 1
        assert "diverged; lower pretraining.learning_rate=10.0" in errors[0]
        assert statuses(sweep.directory) == ["done", "failed"]
        found.append(without_number(sweep.outputs(), number))
    same(*found)
    assert sum("/records/random-" in path for path in found[0]) == 2
    logs = [*sweep.directory.glob("artifacts/logs/cells/*.log")]
    assert len(logs) == 2
    assert sum("update" in log.read_text() for log in logs) == 2
