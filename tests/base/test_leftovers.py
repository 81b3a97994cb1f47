"""Temporary names: those of killed processes go, those of living ones and files of others stay."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from nsp_ablation.base.artifact import atomic_path, build_once, write_text
from nsp_ablation.base.leftovers import remove_leftovers, temporary_directory, temporary_file


@pytest.fixture
def killed_in(tmp_path):
    """killed_in("temporary_file"): kill a process that holds such a name beside tmp_path/out/x.txt."""

    def kill(maker):
        (tmp_path / "out").mkdir(exist_ok=True)
        code = f"""
import time
from pathlib import Path
from nsp_ablation.base.leftovers import {maker}
with {maker}(Path({str(tmp_path / "out" / "x.txt")!r})) as path:
    print(path, flush=True)
    time.sleep(60)
"""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        name = process.stdout.readline().strip()
        assert os.path.lexists(name)
        remove_leftovers(tmp_path / "out")
        assert os.path.lexists(name), "its process lives"
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert os.path.lexists(name)
        return name

    return kill


@pytest.mark.parametrize("maker", ["temporary_file", "temporary_directory"])
def test_the_next_write_in_a_directory_removes_what_a_killed_process_left_there(killed_in, tmp_path, maker):
    name = killed_in(maker)
    write_text(tmp_path / "out" / "another.json", "{}")
    assert not os.path.lexists(name)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["another.json"]


def test_names_that_we_do_not_give_stay(tmp_path):
    names = (".x.json.12345678.json", ".DS_Store", "x.nsp-12345678", ".x.nsp-1234567g", ".x.nsp-12345678.a.b", "..nsp")
    for name in names:
        (tmp_path / name).write_text("of others")
    (tmp_path / ".link.nsp-12345678").symlink_to(tmp_path / names[0])
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names, ".link.nsp-12345678"}
    assert (tmp_path / names[0]).read_text() == "of others"


def test_names_of_this_process_stay(tmp_path):
    with temporary_file(tmp_path / "x.npy") as file, temporary_directory(tmp_path / "d") as directory:
        remove_leftovers(tmp_path)
        assert file.suffix == ".npy"
        assert file.is_file()
        assert directory.is_dir()
    assert not list(tmp_path.iterdir())


def test_many_writers_of_one_file_end_with_one_whole_file(tmp_path):
    path = tmp_path / "cell.json"

    def write():
        for _ in range(20):
            write_text(path, "whole")

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("cell.json", "whole")]


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o007, 0o660)])
def test_files_have_the_mode_that_the_umask_gives(tmp_path, umask, mode):
    def build(directory):  # as safetensors does
        os.close(os.open(directory / "model.safetensors", os.O_CREAT | os.O_WRONLY, 0o600))
        (directory / "below").mkdir()

    before = os.umask(umask)
    try:
        directory = build_once(tmp_path / "kind" / "a1", build)
        with atomic_path(tmp_path / "r.json") as temporary:
            temporary.write_text("{}")
    finally:
        os.umask(before)
    files = [*directory.glob("*.*"), tmp_path / "r.json"]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o777 for path in files} == {mode}
    for made in (directory, directory / "below", directory.parent):
        assert made.stat().st_mode & 0o777 == 0o777 & ~umask
