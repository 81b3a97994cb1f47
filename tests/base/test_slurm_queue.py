"""The way of a job back into Slurm's queue."""

import signal
import subprocess
import sys

import pytest

from nsp_ablation.base.slurm_queue import requeue


def test_slurm_is_asked_to_requeue_the_job_or_the_task_of_an_array(asked_of_slurm, monkeypatch):
    requeue(signal.SIGTERM)
    requeue(signal.SIGUSR1)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "6")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    requeue(signal.SIGUSR1)
    assert asked_of_slurm() == ["requeue 7", "requeue 6_2"]


def test_of_several_tasks_the_first_one_asks(asked_of_slurm, monkeypatch):
    for rank in "102":
        monkeypatch.setenv("SLURM_PROCID", rank)
        requeue(signal.SIGUSR1)
    assert asked_of_slurm() == ["requeue 7"]


@pytest.mark.parametrize("signum", [signal.SIGUSR1, signal.SIGTERM])
def test_a_request_before_anything_is_begun_requeues_too(asked_of_slurm, signum):
    code = "import os\nfrom nsp_ablation.base.interrupts import exit_when_asked\nexit_when_asked()\n"
    code += f"os.kill(os.getpid(), {signum:d})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ended.returncode == 128 + signum
    assert ended.stderr == f"error: stopped by {signum.name}; the same command goes on from there\n"
    if signum == signal.SIGUSR1:
        assert asked_of_slurm() == ["requeue 7"]


def test_a_requeue_that_slurm_refuses_is_an_error_after_the_checkpoint(asked_of_slurm, tmp_path):
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho 'Requeue is disabled' >&2\nexit 1\n")
    with pytest.raises(ValueError, match="what is done is saved, but `scontrol requeue 7` failed .*disabled"):
        requeue(signal.SIGUSR1)
