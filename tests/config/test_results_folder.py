"""A folder of results that cannot take what a run writes is refused before its first cell, and nothing is touched."""

import errno
import tempfile
from pathlib import Path

import pytest

PARTS = ("", "records", "scores", "items", "predictions", "cards", "cells", "curves", "report", "report/figures")
LINKS = [("all", part) for part in (*PARTS, ".lock", ".sweeps", ".report.lock")] + [("report", "report/figures")]


@pytest.mark.parametrize(("stage", "part"), LINKS)
def test_a_link_to_elsewhere_is_refused_by_name(refused, tmp_path, stage, part):
    other, link = tmp_path / "other", tmp_path / "results" / "adhoc" / part
    other.mkdir()
    (other / "mine.json").write_text("mine")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(other / "mine.json" if part.startswith(".") else other)
    (line,) = refused(f"stage={stage}")
    assert line.startswith(f"name=adhoc: {Path('results/adhoc') / part} is a symbolic link to {other}")
    assert [(path.name, path.read_text()) for path in other.iterdir()] == [("mine.json", "mine")]


@pytest.mark.parametrize("part", ["", "report"])
def test_a_folder_that_takes_no_files_is_refused_before_the_first_cell(refused, tmp_path, monkeypatch, part):
    directory = tmp_path / "results" / "adhoc" / part
    directory.mkdir(parents=True)
    real = tempfile.TemporaryFile

    def refusing(dir):  # as the system does, though not to root
        if Path(dir) == directory:
            raise OSError(errno.EROFS, "Read-only file system", str(dir))
        return real(dir=dir)

    monkeypatch.setattr(tempfile, "TemporaryFile", refusing)
    (line,) = refused("stage=all")
    assert line.startswith(f"name=adhoc: cannot be written ({directory}: Read-only file system)")


def test_a_file_in_the_place_of_a_directory_is_refused(refused, tmp_path):
    (tmp_path / "results" / "adhoc").mkdir(parents=True)
    (tmp_path / "results" / "adhoc" / "records").write_text("mine")
    (line,) = refused("stage=all")
    assert line == "name=adhoc: results/adhoc/records is a file, not a directory; delete it or give another name"


def test_the_root_may_be_a_link(cells, tmp_path):
    (tmp_path / "disk" / "adhoc" / "records").mkdir(parents=True)
    (tmp_path / "results").symlink_to(tmp_path / "disk")
    assert len(cells("stage=all")) == 1
