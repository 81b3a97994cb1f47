"""A second request to stop, while the first one's checkpoint is being written.

A second Ctrl-C is a person who will not wait: the process ends, and the former checkpoint is whole. Anything else waits
for the file, as whoever sends it (a scheduler, a launcher that passes on what the terminal sent) counts on it.
"""

import os
import signal
import time

import pytest
import torch

from nsp_ablation.base import interrupts
from nsp_ablation.learning.engine.checkpoint_io import BackgroundCheckpointIO
from nsp_ablation.learning.engine.signals import StopRequests

SOON, LATER = 0.0, 0.1  # seconds between two requests
INT, TERM = signal.SIGINT, signal.SIGTERM
OLD, NEW = {"weight": torch.zeros(5)}, {"weight": torch.ones(5)}


@pytest.fixture
def saved(tmp_path, monkeypatch):
    """saved(first, second, seconds) -> how a process ended that saves OLD, is asked to stop, and saves NEW, during
    which it is asked again; and what it left, by name."""
    monkeypatch.setattr(interrupts, "_SAME_SECONDS", LATER / 2)
    save, path = torch.save, tmp_path / "last.ckpt"

    def save_both(first, second, seconds):
        def interrupted(checkpoint, file):
            file.write(b"half of a file")
            file.flush()
            time.sleep(seconds)
            os.kill(os.getpid(), second)
            time.sleep(LATER)  # the main thread, which waits for this one, hears it now
            file.seek(0)
            save(checkpoint, file)

        with StopRequests(waits=True) as stop:
            io = BackgroundCheckpointIO()
            io.save_checkpoint(OLD, path)
            io.teardown()
            torch.save = interrupted
            signal.raise_signal(first)
            io.save_checkpoint(NEW, path)
            io.teardown()
        return 128 + stop.signum

    def run(*requests):
        if child := os.fork():
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return ended, torch.load(path), sorted(file.name for file in tmp_path.iterdir())
        status = 1
        try:
            status = save_both(*requests)
        finally:
            os._exit(status)

    return run


@pytest.mark.parametrize(
    ("first", "second", "seconds"),
    [
        (TERM, TERM, SOON),
        (TERM, TERM, LATER),
        (INT, INT, SOON),
        (TERM, INT, SOON),
        (INT, TERM, SOON),
        (INT, TERM, LATER),
    ],
)
def test_the_file_is_whole_before_the_process_ends_and_the_first_request_counts(saved, first, second, seconds):
    status, checkpoint, names = saved(first, second, seconds)
    assert status == 128 + first
    assert torch.equal(checkpoint["weight"], NEW["weight"])
    assert names == ["last.ckpt"]


@pytest.mark.parametrize("first", [INT, TERM])
def test_a_later_ctrl_c_ends_the_process_at_once_and_leaves_the_former_file_whole(saved, first):
    status, checkpoint, names = saved(first, INT, LATER)
    assert status == 128 + INT
    assert torch.equal(checkpoint["weight"], OLD["weight"])
    assert names[-1] == "last.ckpt"
    assert all(name.startswith(".last.ckpt.") for name in names[:-1]), "what the next run removes"
