"""Nothing behind a symbolic link below a root is written or deleted, and no file of others is."""

import os

import pytest

from nsp_ablation.base.artifact import build_once, read_json, remove_artifact, write_json
from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.kernel_locks import LockHeldError
from nsp_ablation.base.owned_paths import locked, make_directory, open_lock, owned, remove_own

NAMES = ("last.ckpt", ".hidden", "report.json")


@pytest.fixture
def foreign(tmp_path):
    """A directory of somebody else, which must stay as it is."""
    directory = tmp_path / "foreign"
    directory.mkdir()
    for name in NAMES:
        (directory / name).write_text("of others")
    yield directory
    assert {path.name: path.read_text() for path in directory.iterdir()} == dict.fromkeys(NAMES, "of others")


@pytest.mark.parametrize("link", ["runs", "runs/k", "runs/k/last"])
def test_a_link_below_the_root_is_named_with_a_remedy_that_works(tmp_path, foreign, link):
    root = tmp_path / "artifacts"
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(foreign)
    with pytest.raises(InputError, match=rf"{root / link} is a symbolic link to {foreign}; .* delete the link"):
        owned(root, "runs", "k/last")
    (root / link).unlink()
    assert owned(root, "runs", "k/last") == root / "runs" / "k" / "last"


def test_the_root_itself_may_be_a_link(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "artifacts").symlink_to(tmp_path / "disk")
    write_json(owned(tmp_path / "artifacts", "stores", "meta.json"), {})
    assert (tmp_path / "disk" / "stores" / "meta.json").is_file()


@pytest.mark.parametrize("name", ["a1", "a1.lock"])
def test_an_artifact_or_its_lock_that_is_a_link_is_refused(tmp_path, foreign, name):
    (tmp_path / name).symlink_to(foreign if name == "a1" else foreign / "report.json")
    with pytest.raises(InputError, match=rf"{name} is a symbolic link"):
        build_once(tmp_path / "a1", lambda directory: None)


def test_files_of_others_stay_in_a_directory_of_ours(tmp_path, foreign):
    run = make_directory(tmp_path / "run")
    (run / "last.ckpt").write_text("ours")
    (run / "rank1.log").symlink_to(foreign / "report.json")
    (run / "notes.txt").write_text("of others")
    remove_own(run, "last.ckpt", "rank*.log")
    assert [path.name for path in run.iterdir()] == ["notes.txt"]
    (run / "notes.txt").unlink()
    remove_own(run, "last.ckpt")
    assert not run.exists()
    run.symlink_to(foreign)
    remove_own(run, "last.ckpt")


@pytest.mark.parametrize("notes", [False, True])
def test_an_artifact_is_deleted_by_its_checksums(tmp_path, notes):
    def build(directory):
        (directory / "train").mkdir()
        (directory / "train" / "ids.npy").write_text("x")

    artifact = build_once(tmp_path / "a1", build)
    if notes:
        (artifact / "train" / "notes.txt").write_text("of others")
    remove_artifact(artifact)
    left = sorted(str(path.relative_to(tmp_path)) for path in artifact.rglob("*"))
    assert left == (["a1/train", "a1/train/notes.txt"] if notes else [])
    assert artifact.exists() == notes


def test_a_file_in_a_directorys_place_and_the_reverse_are_named(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "directory.json").mkdir()
    (tmp_path / "a1.lock").mkdir()
    with pytest.raises(DamageError, match="file.* is not a directory; delete it"):
        make_directory(tmp_path / "file" / "below")
    with pytest.raises(DamageError, match=r"directory\.json is a directory, not a file; delete it"):
        write_json(tmp_path / "directory.json", {})
    with pytest.raises(DamageError, match=r"directory\.json cannot be read \(Is a directory\); delete it"):
        read_json(tmp_path / "directory.json")
    with pytest.raises(DamageError, match=r"a1\.lock is no file of locks; delete it"):
        build_once(tmp_path / "a1", lambda directory: None)
    assert sorted(os.listdir(tmp_path)) == ["a1.lock", "directory.json", "file"]


def test_a_lock_is_held_by_one_at_a_time(tmp_path):
    with locked(tmp_path / "below" / "x.lock"), pytest.raises(LockHeldError), locked(tmp_path / "below" / "x.lock", 0):
        pass
    with locked(tmp_path / "below" / "x.lock", 0):
        pass


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}x", b"\xff\xfe", b'{"a": 1}', b'{"../x": [1, "a"]}', b"[" * 100_000]
)
def test_checksums_that_are_none_are_named(tmp_path, content):
    artifact = build_once(tmp_path / "a1", lambda directory: (directory / "x").write_text("x"))
    (artifact / "checksums.json").write_bytes(content)
    with pytest.raises(DamageError, match=r"a1.*checksums.*; delete its directory"):
        build_once(tmp_path / "a1", lambda directory: None)


def hold(path):
    with locked(path):
        pass


@pytest.mark.parametrize("take", [hold, lambda path: os.close(open_lock(path))])
def test_a_lock_that_cannot_be_opened_is_named(tmp_path, monkeypatch, take):
    """In a folder that several people share, say; root opens every file, so the refusal is the kernel's in words."""

    def refuse(path, *arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.lock").mkdir()
    (tmp_path / "b.lock").write_text("")
    (tmp_path / "c.lock").symlink_to(tmp_path / "b.lock")
    with pytest.raises(DamageError, match=r"a\.lock is no file of locks; delete it"):
        take(tmp_path / "a.lock")
    with pytest.raises(InputError, match=r"c\.lock is a symbolic link"):
        take(tmp_path / "c.lock")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(
        InputError, match=r"b\.lock cannot be opened to lock it; make it writable, or delete it and run"
    ):
        take(tmp_path / "b.lock")
