"""A disk that is full: one clear error that names a path, nothing half-written, and the same command goes on later."""

import resource

import pytest

pytestmark = pytest.mark.slow


def limited(num_bytes):
    """The system refuses to let a file grow beyond the limit as it does on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, resource.RLIM_INFINITY))


def test_a_full_disk_is_one_error_and_the_command_goes_on_later(command, same_results, uninterrupted):
    full = command("full", "masking=static")
    prepared = command("full", "masking=static", "stage=prepare")  # whose files are larger than a checkpoint
    for num_bytes, place in ((20_000, "artifacts/corpora"), (1_000_000, "artifacts/runs")):
        if place == "artifacts/runs":
            assert prepared.run() == 0, "\n".join(prepared.lines)
        assert full.run(preexec_fn=limited(num_bytes)) == 1
        (line,) = [line for line in full.lines if line.startswith("error: ") and "never ended" not in line]
        assert "cannot be written: " in line
        assert place in line
        assert "Traceback" not in "\n".join(full.lines)
        assert not [path for path in full.directory.rglob(".*") if path.is_dir()]
    assert full.run() == 0, "\n".join(full.lines)
    same_results(full.outputs(), uninterrupted[0])
