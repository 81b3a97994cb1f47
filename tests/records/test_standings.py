"""How cells stand by their files alone: each counts once, in one state, whatever became of its file."""

import datetime
import fcntl
import json
import random

import pytest

from nsp_ablation.pipeline.cell_life import CellLife
from nsp_ablation.reporting.records import sweep_cell
from nsp_ablation.reporting.records.digest import digest_of
from nsp_ablation.reporting.records.manifest import Manifest, begin_sweep
from nsp_ablation.reporting.records.standings import STATES, Standing, standing_of, sweep_folders
from nsp_ablation.reporting.records.sweep_cell import CELL_STATUSES, CellProgress, SweepCell, cell_path, write_cell

NOW = datetime.datetime(2026, 11, 29, 21, tzinfo=datetime.UTC)
PROGRESS = CellProgress("pretrain", 120, 7000, 61_234.5, 6.312, 130.0)
COMMAND = "python run.py -m format=full,doc"


def begin(folder, *keys):
    begin_sweep(folder, Manifest(COMMAND, NOW.isoformat(), [SweepCell(key, [], [], "planned", None) for key in keys]))


def write(folder, key, status, *, age=0.0, reason=None, progress=PROGRESS):
    """Write a cell whose sign of life is `age` seconds old."""
    write_cell(folder, SweepCell(key, [], [], status, reason, progress))
    data = json.loads(cell_path(folder, key).read_text())
    data["last_sign_of_life"] = (NOW - datetime.timedelta(seconds=age)).isoformat(timespec="seconds")
    cell_path(folder, key).write_text(json.dumps(data | {"digest": digest_of(data)}))


def standings(folder, silent_seconds=120.0):
    return standing_of(folder, NOW, silent_seconds)


def states(folder):
    return {cell.name: cell.state for cell in standings(folder).cells}


@pytest.mark.parametrize("seed", range(3))
def test_each_cell_counts_once_and_those_of_others_change_nothing(tmp_path, seed):
    draw = random.Random(seed)
    keys = [f"full-p{number}-{number:08x}" for number in range(40)]
    begin(tmp_path, *keys)
    expected = dict.fromkeys((key.rpartition("-")[0] for key in keys), "waiting")
    for key in draw.sample(keys, 30):
        status, age = draw.choice(CELL_STATUSES), draw.choice([0, 119, 121, 10**6])
        write(tmp_path, key, status, age=age)
        is_silent = status == "running" and age > 120
        expected[key.rpartition("-")[0]] = "silent" if is_silent else {"planned": "waiting"}.get(status, status)
    for key in draw.sample(keys, 5):
        cell_path(tmp_path, key).write_text("{")
        expected[key.rpartition("-")[0]] = "damaged"
    found = standings(tmp_path)
    assert {cell.name: cell.state for cell in found.cells} == expected
    assert len(found.cells) == 40
    assert {cell.state for cell in found.cells} <= set(STATES)
    assert (found.command, found.problems) == (COMMAND, [])


def test_a_line_says_what_a_cell_does_and_why_it_does_not(tmp_path):
    begin(tmp_path, *"abcdef")
    write(tmp_path, "a", "running")
    write(tmp_path, "b", "running", age=3670)
    write(tmp_path, "c", "failed", reason="loss diverged\nat once")
    write(tmp_path, "d", "done", progress=None)
    write(tmp_path, "e", "running", progress=None, age=-50)
    at = "pretrain, update 120 of 7,000, loss 6.312, 61,234 tokens/s, 0:02:10 left"
    assert standings(tmp_path).cells == [
        Standing("a", "running", at),
        Standing("b", "silent", f"silent since 2026-11-29T19:58:50+00:00 (1:01:10 ago); it was at: {at}"),
        Standing("c", "failed", f"loss diverged at once; it was at: {at}"),
        Standing("d", "done", ""),
        Standing("e", "running", "starts"),
        Standing("f", "waiting", ""),
    ]


def test_a_cell_that_runs_is_running_and_a_sweep_is_not_disturbed(tmp_path, monkeypatch):
    """No lock is taken: who tries one, even for a moment, may make another take a sweep for an open one."""
    begin(tmp_path, "full")
    with CellLife(tmp_path, "full", [], []):
        monkeypatch.setattr(fcntl, "flock", lambda *_: pytest.fail("a lock"))
        found = standing_of(tmp_path, datetime.datetime.now(datetime.UTC), 120.0)
        monkeypatch.undo()
    assert [cell.state for cell in found.cells] == ["running"]


def cut(path, draw):
    path.write_bytes(path.read_bytes()[: draw.randrange(path.stat().st_size)])


def flip(path, draw):
    content = bytearray(path.read_bytes())
    content[draw.randrange(content.index(b'"digest"'))] ^= 1 << draw.randrange(7)
    path.write_bytes(content)


def replace_by_directory(path, draw):
    path.unlink()
    path.mkdir()


def link_to_itself(path, draw):
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize("damage", [cut, flip, replace_by_directory, link_to_itself])
@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_cell_is_one_line_and_the_others_stand(tmp_path, damage, seed):
    begin(tmp_path, "full", "doc")
    for key in ("full", "doc"):
        write(tmp_path, key, "running")
    damage(cell_path(tmp_path, "full"), random.Random(seed))
    found = standings(tmp_path)
    assert [(cell.name, cell.state) for cell in found.cells] == [("full", "damaged"), ("doc", "running")]
    assert "full.json" in found.cells[0].text
    assert "\n" not in found.cells[0].text
    assert found.problems == []


@pytest.mark.parametrize("damage", [cut, flip, replace_by_directory, lambda path, draw: path.unlink()])
def test_cells_are_shown_without_their_manifest(tmp_path, damage):
    begin(tmp_path, "full", "doc")
    write(tmp_path, "full", "done")
    damage(tmp_path / "manifest.json", random.Random(0))
    found = standings(tmp_path)
    assert [(cell.name, cell.state) for cell in found.cells] == [("full", "done")]
    (problem,) = found.problems
    assert "manifest.json" in problem
    assert found.command is None


def test_files_of_others_are_no_cells_and_temporary_ones_neither(tmp_path):
    begin(tmp_path, "full")
    write(tmp_path, "full", "running")
    for name in ("notes.json", ".full.json.nsp-0123abcd.json", ".full.lock", "notes.txt"):
        (tmp_path / "cells" / name).write_text("[]")
    assert states(tmp_path) == {"full": "running"}


def test_a_cell_whose_file_is_gone_meanwhile_waits(tmp_path, monkeypatch):
    begin(tmp_path, "full")
    write(tmp_path, "full", "done")

    def read(path, remedy):
        path.unlink()
        raise sweep_cell.DamageError(f"{path} cannot be read")

    monkeypatch.setattr(sweep_cell, "read_sealed", read)
    assert states(tmp_path) == {"full": "waiting"}


def test_an_older_sweep_is_said_to_be_one(tmp_path):
    (tmp_path / "manifest.json").write_text('{"schema": 2, "cells": []}')
    found = standings(tmp_path)
    assert found.cells == []
    assert found.problems == [f"{tmp_path / 'manifest.json'} is of an older version, which is not read"]


def test_sweeps_are_found_at_any_depth_and_no_link_is_followed(tmp_path):
    for name in ("a", "a/b", "c/d/e"):
        begin(tmp_path / name, "full")
    (tmp_path / "other" / "records").mkdir(parents=True)  # records alone are no sweep
    (tmp_path / "link").symlink_to(tmp_path)
    assert sweep_folders(tmp_path, pytest.fail) == [tmp_path / name for name in ("a", "a/b", "c/d/e")]
    assert sweep_folders(tmp_path / "c", pytest.fail) == [tmp_path / "c/d/e"]
