"""Locks as shared file systems have them: as NFS does, as Lustre without them does, and of others' finished work."""

import errno
import fcntl
import os
import stat
import subprocess
import sys

import pytest

from nsp_ablation.base import shared_disks
from nsp_ablation.base.artifact import build_once, check_artifact, copy_whole, write_text
from nsp_ablation.base.errors import InputError
from nsp_ablation.base.kernel_locks import LockHeldError, is_held
from nsp_ablation.base.leftovers import remove_leftovers, temporary_directory
from nsp_ablation.base.owned_paths import locked
from nsp_ablation.base.shared_disks import check_shared_locks, local_locks_problem
from nsp_ablation.pipeline.cell_life import CellLife
from nsp_ablation.reporting.records.manifest import Manifest, is_sweep_open, sweep
from nsp_ablation.reporting.records.sweep_cell import SweepCell, read_cell

FLOCK = fcntl.flock
LARGE = 5 << 20  # above what is hashed always
PLAN = Manifest("", "", [SweepCell("full", [], [], "planned", None)])


def flock_of_nfs(descriptor, operation):
    """flock(2): an exclusive lock needs a file that is open for writing, a shared one reading; a directory has none."""
    mode = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE
    refused = os.O_RDONLY if operation & fcntl.LOCK_EX else os.O_WRONLY
    if stat.S_ISDIR(os.fstat(descriptor).st_mode) or (mode == refused and not operation & fcntl.LOCK_UN):
        raise OSError(errno.EBADF, "Bad file descriptor")
    FLOCK(descriptor, operation)


@pytest.fixture
def nfs(monkeypatch):
    monkeypatch.setattr(fcntl, "flock", flock_of_nfs)


def text(directory):
    (directory / "x.txt").write_text("x")


def test_all_that_is_locked_is_locked_on_nfs_too(nfs, tmp_path):
    build_once(tmp_path / "a1", text)
    copy_whole(tmp_path / "a1", tmp_path / "copy", {})
    write_text(tmp_path / "y.txt", "y")
    with sweep(tmp_path / "study", PLAN), CellLife(tmp_path / "study", "full", [], []) as life:
        assert is_sweep_open(tmp_path / "study")
        assert read_cell(tmp_path / "study", "full").status == "running"
        life.end("done", None)
    assert not is_sweep_open(tmp_path / "study")
    with locked(tmp_path / "x.lock"), pytest.raises(LockHeldError), locked(tmp_path / "x.lock", 0):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a1", "a1.lock", "copy", "study", "x.lock", "y.txt"]


def test_a_temporary_directory_is_left_alone_while_it_is_held_and_removed_afterwards(nfs, tmp_path):
    with temporary_directory(tmp_path / "a1") as held:
        text(held)
        remove_leftovers(tmp_path)
        assert (held / "x.txt").is_file()
        left = tmp_path / ".a1.nsp-00000000"
        for name in (held.name, left.name):
            assert f".a1.nsp-{name[-8:]}" == name
        left.mkdir()
        text(left)
        (tmp_path / f"{left.name}.lock").write_text("")  # of a killed process: nobody holds it
        remove_leftovers(tmp_path)
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted([held.name, f"{held.name}.lock"])
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_directory_of_an_earlier_version_goes_unless_that_still_holds_it(tmp_path):
    left = tmp_path / ".a1.nsp-00000000"
    left.mkdir()
    descriptor = os.open(left, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    remove_leftovers(tmp_path)
    assert left.is_dir()
    os.close(descriptor)
    remove_leftovers(tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
@pytest.mark.parametrize(
    "work",
    [
        lambda path: build_once(path / "a1", text),
        lambda path: write_text(path / "y.txt", "y"),
        lambda path: copy_whole(path, path.with_name("copy"), {}),
        lambda path: sweep(path, PLAN).__enter__(),
        lambda path: CellLife(path, "full", [], []).__enter__(),
        lambda path: locked(path / "x.lock").__enter__(),
    ],
)
def test_a_file_system_without_locks_is_refused_and_nothing_is_left_there(tmp_path, monkeypatch, recwarn, work, code):
    """A lock file without the kernel, which filelock takes then, would outlive a killed process."""

    def refuse(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / "disk").mkdir()
    with pytest.raises(InputError, match=r"its file system has no file locks \(flock: .*\).*to another disk"):
        work(tmp_path / "disk")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.stat().st_size == 0 and path.suffix in (".lock", "") for path in files)
    assert not [path for path in files if ".nsp-" in path.name]
    assert not list(recwarn)


def test_the_command_says_so_in_one_line(nsp, monkeypatch, tmp_path):
    def refuse(descriptor, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    ended = nsp("stage=finetune", "encoder=random", "scale=smoke", "tasks=[sst2]")
    assert ended.status == 1
    (line,) = ended.err.splitlines()
    assert line.startswith("error: results/adhoc/")
    assert "no file locks (flock: No locks available)" in line


def test_whether_a_lock_is_held_is_told_of_others_files_too(tmp_path, monkeypatch):
    path, opened = tmp_path / "x.lock", os.open

    def read_only(name, flags, *mode):
        if flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, "Read-only file system")
        return opened(name, flags, *mode)

    assert not is_held(path)
    with locked(path):
        assert is_held(path)
        monkeypatch.setattr(os, "open", read_only)
        assert is_held(path)
    assert not is_held(path)
    monkeypatch.setattr(fcntl, "flock", flock_of_nfs)
    assert is_held(path), "NFS cannot tell, so it may be"


OPENED = """
import os, sys
from pathlib import Path
from nsp_ablation.base import artifact
names = ("mkdir", "rename", "remove", "rmdir", "chmod", "utime")
changes, writing = {f"os.{name}" for name in names} | {"fcntl.flock"}, os.O_WRONLY | os.O_RDWR | os.O_CREAT
def refuse(event, arguments):
    if event in changes or (event == "open" and arguments[2] & writing):
        raise PermissionError(13, f"Permission denied: {event} {arguments}")
os.geteuid = lambda: os.getuid() + 1  # another user
sys.addaudithook(refuse)
artifact.build_once(Path(sys.argv[1]), None)
print("read")
"""


@pytest.mark.parametrize("is_copied", [False, True])
def test_a_finished_artifact_of_another_user_is_read_without_a_lock_or_a_change(tmp_path, is_copied):
    """Every attempt to open for writing, lock or change fails, as by modes, which root passes."""
    artifact = build_once(tmp_path / "a1", lambda directory: (directory / "ids.npy").write_bytes(bytes(LARGE)))
    (tmp_path / "a1.lock").unlink()
    if is_copied:  # as far as times of change say: it is hashed
        os.utime(artifact / "ids.npy", ns=(2**62, 2**62))
    before = {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]}
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-B", "-c", OPENED, str(artifact)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("read\n", "")
    assert {path: path.stat().st_mtime_ns for path in [tmp_path, *tmp_path.rglob("*")]} == before


def test_an_own_artifact_that_was_copied_is_hashed_once(tmp_path):
    artifact = build_once(tmp_path / "a1", lambda directory: (directory / "ids.npy").write_bytes(bytes(LARGE)))
    os.utime(artifact / "checksums.json", ns=(1, 1))
    check_artifact(artifact)
    assert (artifact / "checksums.json").stat().st_mtime_ns > 1


MOUNTS = r"""
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
23 22 0:30 / /scratch rw - lustre 10.0.0.1@o2ib:/fs rw,{lustre}
24 22 0:31 / /home rw,relatime shared:5 - nfs4 server:/home rw,vers=4.2,{nfs}
25 24 0:32 / /home/my\040disk rw - ext4 /dev/sdb1 rw
"""


@pytest.mark.parametrize(
    ("path", "options", "named"),
    [
        (
            "/scratch/me/artifacts",
            {"lustre": "localflock"},
            r"/scratch \(lustre\) is mounted with localflock.* flock, or",
        ),
        ("/scratch/me/artifacts", {"lustre": "flock"}, None),
        ("/home/me", {"nfs": "local_lock=all"}, r"/home \(nfs4\) is mounted with local_lock=all"),
        ("/home/me", {"nfs": "local_lock=flock,nolock"}, r"mounted with local_lock=flock, nolock"),
        ("/home/me", {"nfs": "local_lock=none"}, None),
        ("/home/my disk/x", {"nfs": "local_lock=all"}, None),
        ("/homes/me", {"nfs": "local_lock=all"}, None),
        ("/data", {}, None),
    ],
)
def test_locks_that_other_machines_do_not_see_are_known_by_the_mount(tmp_path, monkeypatch, path, options, named):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.strip().format(**{"lustre": "flock", "nfs": "local_lock=none", **options}))
    monkeypatch.setattr(shared_disks, "_MOUNTS", mounts)
    if named is None:
        check_shared_locks(["/data", path])
    else:
        with pytest.raises(InputError, match=named):
            check_shared_locks(["/data", path])


def test_where_mounts_are_not_listed_nothing_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(shared_disks, "_MOUNTS", tmp_path / "none")
    assert local_locks_problem(tmp_path) is None
