"""A disk that is full: one clear error that names a path, nothing half-written, and the same command goes on later."""

import resource

import pytest

pytestmark = pytest.mark.slow


def limited(num_bytes):
    """The system refuses to let a file grow beyond the limit as it does on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, resource.RLIM_INFINITY))


@pytest.mark.parametrize("num_bytes", [20_000, 400_000], ids=["in preparation", "in pre-training"])
def test_a_full_disk_is_one_error_and_the_command_goes_on_later(command, same, uninterrupted, num_bytes):
    arguments = ("tasks=[sst2]", "finetuning.untrained_row=false")
    full = command("full", *arguments)
    assert full.run(preexec_fn=limited(num_bytes)) == 1
    errors = [line for line in full.lines if line.startswith("error: ") and "never ended" not in line]
    assert errors, full.lines
    assert all("cannot be written: File too large" in line and "artifacts/" in line for line in errors), errors
    assert "Traceback" not in "\n".join(full.lines)
    assert not [path for path in full.directory.rglob("*") if path.name.startswith(".") and path.is_dir()]
    assert full.run() == 0, "\n".join(full.lines)
    same(full.outputs(), uninterrupted(*arguments)[0])
