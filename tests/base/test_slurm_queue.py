"""The way of a job back into Slurm's queue."""

import os
import signal

import pytest

from nsp_ablation.base.slurm_queue import requeue


def test_slurm_is_asked_to_requeue_the_job_or_the_task_of_an_array(tmp_path, monkeypatch):
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    requeue(signal.SIGTERM)
    requeue(signal.SIGUSR1)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "6")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    requeue(signal.SIGUSR1)
    assert (tmp_path / "asked").read_text().splitlines() == ["requeue 7", "requeue 6_2"]


def test_a_requeue_that_slurm_refuses_is_an_error_after_the_checkpoint(tmp_path, monkeypatch):
    (tmp_path / "scontrol").write_text("#!/bin/sh\necho 'Requeue is disabled' >&2\nexit 1\n")
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with pytest.raises(ValueError, match="what is done is saved, but `scontrol requeue 7` failed .*disabled"):
        requeue(signal.SIGUSR1)
