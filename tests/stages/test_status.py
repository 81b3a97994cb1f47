"""`stage=status`: which sweeps are shown, what is said of them, and that nothing is written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nsp_ablation.options.output_options import StatusOptions
from nsp_ablation.pipeline.cell_life import _SECONDS
from nsp_ablation.reporting.records.digest import write_sealed
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.sweep_cell import CellProgress, SweepCell, cell_path, write_cell

RUN = Path(__file__).parents[2] / "run.py"
COMMAND = "python run.py -m format=full,doc"


def make(folder: Path, **states: str) -> None:
    """Begin a sweep whose cells stand so; "waiting" ones have no file."""
    begin_sweep(folder, Manifest(COMMAND, "", [SweepCell(key, [], [], "planned", None) for key in states]))
    for key, state in states.items():
        if state != "waiting":
            reason = "loss diverged" if state == "failed" else None
            write_cell(folder, SweepCell(key, [], [], state, reason, CellProgress("pretrain", 3, 7)))


@pytest.fixture
def sweeps(tmp_path):
    """Two sweeps of an experiment, and one without a name."""
    make(tmp_path / "results/table2_formats/micro", full="done", doc="running", pair="waiting")
    make(tmp_path / "results/table2_formats/gpu", full="done", doc="failed")
    make(tmp_path / "results/adhoc", full="done")
    return tmp_path / "results"


MICRO = """\
   status | table2_formats/micro: 3 cells: 1 running, 1 waiting, 1 done
  running | doc  | pretrain, update 3 of 7
  waiting | pair
"""
GPU = f"""\
   status | table2_formats/gpu: 2 cells: 1 failed, 1 done
   failed | doc | loss diverged; it was at: pretrain, update 3 of 7
   status | the same command goes on from there: {COMMAND}
"""
ADHOC = "   status | adhoc: 1 cell: 1 done\n"
BOTH = GPU + MICRO + "   status | 2 sweeps: 5 cells: 1 running, 1 failed, 1 waiting, 2 done\n"


@pytest.mark.parametrize(
    ("words", "status", "shown"),
    [
        ((), 1, ADHOC + GPU + MICRO + "   status | 3 sweeps: 6 cells: 1 running, 1 failed, 1 waiting, 3 done\n"),
        (("name=adhoc",), 0, ADHOC),
        (("name=table2_formats",), 1, BOTH),
        (("name=table2_formats/micro",), 0, MICRO),
        (("experiment=table2_formats",), 0, MICRO),
        (("-m", "experiment=table2_formats", "scale=gpu"), 1, GPU),
        (("-m", "name=table2_formats/gpu,table2_formats"), 1, BOTH),
        (("name=adhoc", "status.all=true"), 0, f"{ADHOC}     done | full\n"),
    ],
)
def test_a_name_stands_for_the_sweeps_at_and_below_it_and_none_for_all(nsp, sweeps, words, status, shown):
    assert nsp("stage=status", *words) == (status, shown, "")


def test_a_folder_of_results_may_lie_anywhere(nsp, sweeps, tmp_path):
    (tmp_path / "here").mkdir()
    assert nsp("stage=status", f"paths.results={sweeps}", "name=adhoc").out == ADHOC
    assert nsp("stage=status", "paths.results=results/adhoc").out == "   status | results/adhoc: 1 cell: 1 done\n"


def test_a_name_without_a_sweep_is_refused_with_those_that_there_are(nsp, sweeps):
    ended = nsp("stage=status", "name=table3")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err == (
        "error: name=table3: no sweep at or below results/table3; there are: adhoc, table2_formats/gpu, "
        "table2_formats/micro\n"
    )


def test_where_there_is_no_sweep_that_is_said_and_nothing_made(nsp, tmp_path):
    assert nsp("stage=status") == (
        0,
        "   status | no sweep below results; paths.results=DIR names another folder\n",
        "",
    )
    assert list(tmp_path.iterdir()) == []


def test_damage_is_one_line_each(nsp, sweeps):
    cell_path(sweeps / "adhoc", "full").write_text('{"key": "fu')
    (sweeps / "table2_formats/gpu/manifest.json").write_text("")
    ended = nsp("stage=status")
    assert ended.status == 1
    assert sum(
        line.startswith("  damaged | full | results/adhoc/cells/full.json is") for line in ended.out.splitlines()
    )
    (error,) = ended.err.splitlines()
    assert error.startswith("error: results/table2_formats/gpu/manifest.json is not JSON")
    assert MICRO in ended.out


def test_a_cell_is_silent_only_after_several_signs_of_life_that_did_not_come():
    assert StatusOptions().silent_seconds > 5 * _SECONDS


def test_an_old_sign_of_life_is_silence(nsp, sweeps):
    path = cell_path(sweeps / "table2_formats/micro", "doc")
    data = {name: value for name, value in json.loads(path.read_text()).items() if name != "digest"}
    write_sealed(path, data | {"last_sign_of_life": "2026-01-01T00:00:00+00:00"})
    ended = nsp("stage=status", "name=table2_formats/micro")
    assert ended.status == 1
    assert "   silent | doc  | silent since 2026-01-01T00:00:00+00:00 (" in ended.out


READ_ONLY = """
import os, runpy, sys
names = ("mkdir", "rename", "remove", "rmdir", "link", "symlink", "chmod", "utime", "truncate")
changes, writing = {f"os.{name}" for name in names}, os.O_WRONLY | os.O_RDWR | os.O_CREAT
def refuse(event, arguments):
    opens = event == "open" and arguments[2] & writing and not isinstance(arguments[0], int)  # else standard output
    if event in changes or opens:
        raise PermissionError(30, f"read-only: {event} {arguments}")
sys.addaudithook(refuse)
try:
    runpy.run_path(sys.argv.pop(1), run_name="__main__")
finally:
    loaded = {"torch", "numpy"} & set(sys.modules)
    assert not loaded, loaded
"""


def test_nothing_is_written_and_neither_torch_nor_numpy_is_loaded(sweeps, tmp_path):
    """Every attempt to open for writing, make, rename or delete fails, as on a read-only disk (root passes modes)."""
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    command = [sys.executable, "-B", "-c", READ_ONLY, str(RUN), "stage=status"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ})
    assert (ended.returncode, ended.stderr) == (1, "")
    assert ended.stdout.startswith(ADHOC + GPU + MICRO)
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before
