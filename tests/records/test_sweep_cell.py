"""How a cell stands: running while a process runs it, killed where none does any more, done once it is done."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nsp_ablation.pipeline import cell_life
from nsp_ablation.pipeline.cell_life import CellLife
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep, read_manifest
from nsp_ablation.reporting.records.sweep_cell import (
    CellProgress,
    SweepCell,
    is_run,
    read_cell,
    runs,
    write_cell,
)

PROGRESS = CellProgress("pretrain", 120, 7000, 61_234.5)


def cell(key, status="done", records=()):
    return SweepCell(key, [], list(records), status, None)


def test_progress_reads_as_what_it_says():
    assert PROGRESS.text() == "pretrain, update 120 of 7,000, 61,234 tokens/s"
    assert CellProgress("prepare").text() == "prepare"


def test_a_cell_runs_while_its_process_does_and_ends_as_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(cell_life, "_SECONDS", 0.01)
    record_ids = []
    with CellLife(tmp_path, "full", ["format=full"], record_ids) as life:
        assert (read_cell(tmp_path, "full").status, read_cell(tmp_path, "full").progress) == ("running", None)
        record_ids.append("r1")
        life.hear(PROGRESS)
        until = time.monotonic() + 5
        while (found := read_cell(tmp_path, "full")).progress is None and time.monotonic() < until:
            time.sleep(0.01)
        assert (found.status, found.progress, found.records) == ("running", PROGRESS, ["r1"])
        assert found.last_sign_of_life.endswith("+00:00")
        life.end("failed", "diverged")
    found = read_cell(tmp_path, "full")
    assert (found.status, found.reason, found.overrides, found.progress) == (
        "failed",
        "diverged",
        ["format=full"],
        PROGRESS,
    )
    assert not is_run(tmp_path, "full")


def test_the_time_left_is_that_of_each_of_several_phases_that_take_turns(tmp_path, monkeypatch):
    """As where two ranks fine-tune at once, one twice as fast; the first update, which may compile, counts for none."""
    clock = [100.0]
    monkeypatch.setattr(cell_life.time, "monotonic", lambda: clock[0])
    life, left = CellLife(tmp_path, "full", [], []), {}
    for update in (10, 20, 30):
        clock[0] += 10
        for phase, at in (("finetune sst2", update), ("finetune sst2 on rank 1", 2 * update)):
            life.hear(CellProgress(phase, at, 100))
            left.setdefault(phase, []).append(life._progress.seconds_left)
    assert left == {"finetune sst2": [None, 80.0, 70.0], "finetune sst2 on rank 1": [None, 30.0, 20.0]}
    life.hear(CellProgress("finetune sst2"))  # another encoder's, from the start
    life.hear(CellProgress("finetune sst2", 5, 100))
    assert life._progress.seconds_left is None


def test_signs_of_life_are_rare(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(cell_life, "write_cell", lambda folder, cell: written.append(cell.status))
    with CellLife(tmp_path, "full", [], []) as life:
        for update in range(1000):
            life.hear(CellProgress("pretrain", update))
        life.end("done", None)
    assert written == ["running", "done"]


def test_a_cell_whose_process_was_killed_is_known(tmp_path):
    code = "import os, signal, sys\nfrom pathlib import Path\nfrom nsp_ablation.pipeline.cell_life import CellLife\n"
    code += "with CellLife(Path(sys.argv[1]), 'full', [], []):\n    os.kill(os.getpid(), signal.SIGKILL)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment)
    assert ended.returncode == -signal.SIGKILL
    assert '"running"' in (tmp_path / "cells" / "full.json").read_text()
    assert read_cell(tmp_path, "full").status == "killed"


def test_a_cell_that_another_process_has_done_stays_done(tmp_path):
    with CellLife(tmp_path, "full", [], []):
        write_cell(tmp_path, cell("full", records=["r1"]))
        with CellLife(tmp_path, "full", [], []):
            assert read_cell(tmp_path, "full").status == "done"


def test_a_cell_that_ended_badly_runs_again(tmp_path):
    for status in ("failed", "stopped", "planned"):
        write_cell(tmp_path, cell("full", status))
        with CellLife(tmp_path, "full", [], []):
            assert read_cell(tmp_path, "full").status == "running"


def test_a_damaged_file_does_not_stop_the_cell_that_writes_it(tmp_path):
    write_cell(tmp_path, cell("full"))
    (tmp_path / "cells" / "full.json").write_text("{")
    with CellLife(tmp_path, "full", [], []) as life:
        life.end("done", None)
    assert read_cell(tmp_path, "full").status == "done"


@pytest.mark.parametrize("name", ["cells", "cells/full.json", ".lock"])
def test_nothing_is_written_behind_a_link(tmp_path, name):
    other, folder = tmp_path / "other", tmp_path / "results"
    other.mkdir()
    (other / "mine.json").write_text("mine")
    (folder / name).parent.mkdir(parents=True)
    (folder / name).symlink_to(other if name == "cells" else other / "mine.json")
    with pytest.raises(ValueError, match=rf"{name} is a symbolic link"), CellLife(folder, "full", [], []):
        pass
    assert [(path.name, path.read_text()) for path in other.iterdir()] == [("mine.json", "mine")]


def test_a_new_sweep_forgets_cells_and_locks_but_those_that_run(tmp_path):
    begin_sweep(tmp_path, Manifest("", "", [cell("full", "planned"), cell("doc", "planned")]))
    with runs(tmp_path, "full"):
        write_cell(tmp_path, cell("full", "running"))
        with CellLife(tmp_path, "doc", [], []) as life:
            life.end("done", None)
        begin_sweep(tmp_path, Manifest("", "", [cell("full", "planned")]))
        assert sorted(path.name for path in (tmp_path / "cells").iterdir()) == [".full.lock"]
        assert is_run(tmp_path, "full")
    assert [one.status for one in read_manifest(tmp_path).cells] == ["planned"]
