"""Artifacts are whole or absent, and fingerprints change with content."""

import errno
import hashlib
import os
import resource
import shutil
import signal
import sqlite3
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from nsp_ablation.base import fingerprint as fingerprint_module
from nsp_ablation.base.artifact import (
    build_once,
    copy_files,
    copy_whole,
    read_json,
    whole_directory,
    write_json,
    write_text,
)
from nsp_ablation.base.errors import FullDiskError
from nsp_ablation.base.fingerprint import array_sha256, file_sha256, files_fingerprint, fingerprint


def test_a_failed_build_leaves_nothing_behind(tmp_path):
    def build(directory):
        (directory / "half").write_text("x")
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        build_once(tmp_path / "store", build)
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_what_a_killed_build_left_behind_is_removed_by_the_next_one_and_nothing_else(tmp_path):
    kept = (".store.b.12345678", ".nsp-12345678", ".store.nsp-1234567", "a.nsp-12345678", "store.shards")
    for name in (".store.nsp-12345678", ".other.nsp-12345678", *kept):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("x")
    build_once(tmp_path / "store", lambda directory: None)
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"store", *kept}


def test_two_builders_at_once_build_once(tmp_path):
    builds = []

    def build(directory):
        builds.append(1)
        (directory / "whole").write_text("x")

    threads = [threading.Thread(target=build_once, args=(tmp_path / "a", build)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(builds) == 1
    assert (tmp_path / "a" / "whole").read_text() == "x"


def test_a_failed_write_keeps_the_earlier_file(tmp_path):
    path = tmp_path / "record.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_files_that_are_there_are_copied_over_what_was_there(tmp_path):
    (tmp_path / "a").write_text("new")
    (tmp_path / "copy").write_text("old")
    copy_files([(tmp_path / "a", tmp_path / "copy"), (tmp_path / "none", tmp_path / "other" / "none")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "copy"]
    assert (tmp_path / "copy").read_text() == "new"


def test_a_directory_appears_whole_or_not_at_all(tmp_path):
    with whole_directory(tmp_path / "in" / "it") as temporary:
        (temporary / "a").write_text("x")
        assert not (tmp_path / "in" / "it").exists()
    with pytest.raises(ValueError, match="stop"), whole_directory(tmp_path / "in" / "half"):
        raise ValueError("stop")
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["it"]


def test_broken_json_names_the_file(tmp_path):
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(ValueError, match=r"x\.json is not JSON"):
        read_json(tmp_path / "x.json")


def test_fingerprints_ignore_key_order_and_see_every_value(tmp_path):
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 1.5})
    assert array_sha256(np.zeros(2, np.int64)) != array_sha256(np.zeros(2, np.uint64))
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(b"abc")
    second.write_bytes(b"abd")
    assert files_fingerprint([first]) != files_fingerprint([second])
    assert files_fingerprint([first, second]) != files_fingerprint([second, first])


def test_a_file_is_hashed_anew_whenever_it_was_written_or_replaced(tmp_path, monkeypatch):
    path, other = tmp_path / "file", tmp_path / "other"
    for tick_ns in (fingerprint_module._TICK_NS, 0):
        monkeypatch.setattr(fingerprint_module, "_TICK_NS", tick_ns)
        for content in (b"abc", b"abd", b"abe"):
            other.write_bytes(content)
            os.utime(other, ns=(1, 1))  # the size and the time of change that a copy keeps are equal
            os.replace(other, path)
            assert file_sha256(path) == hashlib.sha256(content).hexdigest()


def test_a_file_that_changed_lately_is_read_each_time(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    monkeypatch.setattr(fingerprint_module, "_settled_sha256", lambda path, state: pytest.fail("not read"))
    assert file_sha256(path) == file_sha256(path)


def test_a_settled_file_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint_module, "_TICK_NS", 0)
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    first = file_sha256(path)
    monkeypatch.setattr(fingerprint_module, "_read_sha256", lambda path: pytest.fail("read again"))
    assert file_sha256(path) == first


@contextmanager
def small_files_only():
    """No file of this process may grow beyond 4 KiB, which the system reports as it does a full disk.

    Not a fixture: a test's report is written before its fixtures end, into a file where the output goes to one.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_is_named_and_leaves_no_half_written_file(tmp_path):
    path = tmp_path / "record.json"
    write_text(path, "whole")
    message = r"record\.json cannot be written: File too large; make room"
    with small_files_only(), pytest.raises(FullDiskError, match=message):
        write_text(path, "x" * 10_000)
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_within_a_build_leaves_no_artifact(tmp_path):
    def build(place):
        np.save(place / "ids.npy", np.zeros(10_000))

    with small_files_only(), pytest.raises(FullDiskError, match="a1 cannot be written: .*; make room"):
        build_once(tmp_path / "a1", build)
    assert [path.name for path in tmp_path.iterdir()] == ["a1.lock"]


def test_other_errors_pass_as_they_are(tmp_path):
    def build(place):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    with pytest.raises(PermissionError):
        build_once(tmp_path / "a1", build)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EDQUOT, os.strerror(errno.EDQUOT)),
        RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 704 vs 598"),
        RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"),
        ValueError("400 requested and 0 written"),
        sqlite3.OperationalError("database or disk is full"),
    ],
    ids=["quota", "torch", "safetensors", "numpy", "wandb's SQLite"],
)
def test_a_full_disk_is_known_in_the_words_of_libraries(tmp_path, error):
    def build(place):
        raise error

    with pytest.raises(FullDiskError, match="a1 cannot be written: .*; make room"):
        build_once(tmp_path / "a1", build)


def test_a_copy_is_whole_or_absent(tmp_path):
    source, target = tmp_path / "source", tmp_path / "new" / "target"
    (source / "below").mkdir(parents=True)
    (source / "a").write_text("a")
    os.mkfifo(source / "below" / "b")  # cannot be copied
    with pytest.raises(shutil.Error):
        copy_whole(source, target, {})
    assert list(target.parent.iterdir()) == []
    (source / "below" / "b").unlink()
    (source / "below" / "b").write_text("b")
    copy_whole(source, target, {})
    assert (target / "below" / "b").read_text() == "b"
    assert list(target.parent.iterdir()) == [target]
