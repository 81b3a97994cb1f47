"""The manifest: what was planned, joined with how each cell stands."""

import json
import os
import subprocess
import sys
from dataclasses import asdict

import pytest

from nsp_ablation.reporting.records.digest import digest_of, write_sealed
from nsp_ablation.reporting.records.manifest import (
    Manifest,
    begin_sweep,
    has_older_manifest,
    read_manifest,
    sweep,
)
from nsp_ablation.reporting.records.older_schemas import SCHEMA
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell


def cell(key, status="done", records=(), reason=None):
    return SweepCell(key, [f"format={key}"], list(records), status, reason)


def begin(folder, *cells):
    begin_sweep(folder, Manifest("python run.py -m format=full,doc", "2026-11-24T10:00:00+00:00", list(cells)))


def test_written_cells_take_the_place_of_planned_ones_and_order_is_the_sweeps(tmp_path):
    begin(tmp_path, cell("full", "planned"), cell("doc", "planned"))
    write_cell(tmp_path, cell("doc", records=["d1", "d2"]))
    manifest = read_manifest(tmp_path)
    assert [(one.key, one.status) for one in manifest.cells] == [("full", "planned"), ("doc", "done")]
    assert manifest.record_ids == ["d1", "d2"]


def test_cells_that_were_not_planned_join_by_key(tmp_path):
    begin(tmp_path)
    for key in ("full", "doc"):
        write_cell(tmp_path, cell(key, records=[key, "shared"]))
    assert [one.key for one in read_manifest(tmp_path).cells] == ["doc", "full"]
    assert read_manifest(tmp_path).record_ids == ["doc", "shared", "full"]


def test_each_cell_has_a_file_of_its_own(tmp_path):
    begin(tmp_path)
    write_cell(tmp_path, cell("full"))
    write_cell(tmp_path, cell("doc", "failed", reason="no borders"))
    assert sorted(path.name for path in (tmp_path / "cells").iterdir()) == ["doc.json", "full.json"]
    data = json.loads((tmp_path / "cells" / "doc.json").read_text())
    assert data.pop("digest") == digest_of(data)
    assert data.pop("last_sign_of_life").endswith("+00:00")
    assert data | {"last_sign_of_life": None} == asdict(cell("doc", "failed", reason="no borders"))


def test_a_new_sweep_forgets_the_cells_of_the_last(tmp_path):
    begin(tmp_path, cell("full", "planned"))
    write_cell(tmp_path, cell("full", records=["old"]))
    begin(tmp_path, cell("full", "planned"))
    assert read_manifest(tmp_path).cells == [cell("full", "planned")]


def test_a_folder_without_a_sweep_has_no_manifest(tmp_path):
    assert read_manifest(tmp_path) is None
    assert not has_older_manifest(tmp_path)


def test_a_manifest_of_another_version_is_never_misread(tmp_path):
    begin(tmp_path, cell("full", "planned"))
    path = tmp_path / "manifest.json"
    data = json.loads(path.read_text())
    assert data.pop("schema") == SCHEMA
    del data["digest"]  # which schema 1 and 2 had not
    path.write_text(json.dumps(data))  # schema 1 had no such field
    assert read_manifest(tmp_path) is None
    assert has_older_manifest(tmp_path)
    path.write_text(json.dumps(data | {"schema": 2}))
    assert has_older_manifest(tmp_path)
    write_sealed(path, data | {"schema": SCHEMA + 1})
    with pytest.raises(ValueError, match=r"manifest\.json: schema=6"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("key", ["", "a/b", "../a", ".hidden", "-x", "a b", "x" * 201])
def test_a_key_that_is_no_file_name_is_refused(tmp_path, key):
    with pytest.raises(ValueError, match="cell key="):
        write_cell(tmp_path, cell(key))


def test_a_malformed_cell_is_named(tmp_path):
    begin(tmp_path, cell("full", "planned"))
    write_sealed(tmp_path / "cells" / "full.json", {"key": "full"})
    with pytest.raises(ValueError, match=r"full\.json: missing field overrides"):
        read_manifest(tmp_path)


def plan(*cells):
    return Manifest("python run.py -m format=full,doc", "2026-11-24T10:00:00+00:00", list(cells))


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("python run.py -m format=full,doc", "python run.py"),
        ("python ../nsp/run.py", "python run.py"),
        ("nsp-ablation -m format=full,doc", "nsp-ablation"),
        ("nsp-ablation", "nsp-ablation"),
        ("", "python run.py"),
    ],
)
def test_commands_of_cells_start_the_program_as_their_sweep_did(command, program):
    assert Manifest(command, "2026-11-24T10:00:00+00:00", []).program == program


def test_a_sweep_that_begins_alone_forgets_the_cells_before_it(tmp_path):
    with sweep(tmp_path, plan(cell("full", "planned"))):
        write_cell(tmp_path, cell("full"))
    with sweep(tmp_path, plan(cell("full", "planned"))):
        assert [(one.key, one.status) for one in read_manifest(tmp_path).cells] == [("full", "planned")]


def test_two_sweeps_at_once_share_their_cells(tmp_path):
    with sweep(tmp_path, plan(cell("full", "planned"), cell("doc", "planned"))):
        write_cell(tmp_path, cell("full", records=["r1"]))
        with sweep(tmp_path, plan(cell("doc", "planned"), cell("segment_pair", "planned"))):
            write_cell(tmp_path, cell("doc", records=["r2"]))
            found = {one.key: (one.status, one.records) for one in read_manifest(tmp_path).cells}
    expected = {"full": ("done", ["r1"]), "doc": ("done", ["r2"]), "segment_pair": ("planned", [])}
    assert found == expected


def test_a_sweep_that_was_killed_is_not_open(tmp_path):
    code = "import os, signal, sys\nfrom pathlib import Path\n"
    code += "from nsp_ablation.reporting.records.manifest import Manifest, sweep\n"
    code += "with sweep(Path(sys.argv[1]), Manifest('', '', [])):\n    os.kill(os.getpid(), signal.SIGKILL)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    write_cell(tmp_path, cell("old"))
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment).returncode == -9
    write_cell(tmp_path, cell("old"))
    with sweep(tmp_path, plan(cell("full", "planned"))):
        assert [one.key for one in read_manifest(tmp_path).cells] == ["full"]
