"""A file of an artifact that was cut short, edited or removed is named when the artifact is opened."""

import os

import pytest

from nsp_ablation.base.artifact import CHECKSUMS, build_once

LARGE = 5 << 20  # above what is hashed always


@pytest.fixture
def artifact(tmp_path):
    """artifact() -> the directory, built on the first call and checked on the others."""

    def build(place):
        (place / "below").mkdir()
        (place / "small.json").write_text("{}")
        (place / "below" / "ids.npy").write_bytes(bytes(LARGE))
        (place / "model.safetensors").write_bytes(bytes(LARGE))

    return lambda: build_once(tmp_path / "a1", build)


def test_an_artifact_that_did_not_change_is_opened(artifact):
    assert artifact() == artifact() == artifact()


@pytest.mark.parametrize("name", ["small.json", "below/ids.npy", "model.safetensors"])
def test_a_file_that_was_cut_short_is_named(artifact, name):
    path = artifact() / name
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(ValueError, match=rf"{name} has \d+ bytes instead of \d+; delete its directory"):
        artifact()


@pytest.mark.parametrize("name", ["small.json", "below/ids.npy", "model.safetensors"])
def test_a_changed_byte_is_named(artifact, name):
    path = artifact() / name
    artifact()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(2**62, 2**62))  # a test is faster than the file system's clock
    with pytest.raises(ValueError, match=rf"{name} is not what was built"):
        artifact()


@pytest.mark.parametrize("name", ["small.json", "model.safetensors"])
def test_weights_and_small_files_are_hashed_even_where_the_time_of_change_was_set_back(artifact, name):
    path = artifact() / name
    before = path.stat()
    path.write_bytes(b"x" * before.st_size)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns - 1))
    with pytest.raises(ValueError, match=rf"{name} is not what was built"):
        artifact()


def test_a_large_file_that_was_only_copied_passes(artifact):
    os.utime(artifact() / "below" / "ids.npy", ns=(2**62, 2**62))
    artifact()


@pytest.mark.parametrize("name", ["small.json", "below/ids.npy", CHECKSUMS])
def test_a_missing_file_is_named(artifact, name):
    (artifact() / name).unlink()
    with pytest.raises(ValueError, match=rf"artifact .*a1 is damaged .*{name}"):
        artifact()
