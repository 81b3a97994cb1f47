"""Requests to stop: noted in a training, raised elsewhere, left to others where these have handlers of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nsp_ablation.learning.engine.signals import Stopped, StopRequests, never_stops, requeue, stops_at_once


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_noted_inside_and_raised_outside_a_training(signum):
    before = signal.getsignal(signum)
    with stops_at_once():
        with StopRequests() as stop:
            signal.raise_signal(signum)
            assert stop.signum == signum
        with pytest.raises(Stopped, match=f"stopped by {signum.name}") as stopped:
            signal.raise_signal(signum)
    assert stopped.value.code == 128 + signum
    assert signal.getsignal(signum) is before


def test_handlers_of_others_are_left_alone():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda signum, frame: heard.append(signum))
    try:
        with stops_at_once(), StopRequests() as stop:
            signal.raise_signal(signal.SIGTERM)
        assert (heard, stop.signum) == ([signal.SIGTERM], None)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_handlers_are_taken_back_from_who_took_them():
    with StopRequests() as stop:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop.install()
        signal.raise_signal(signal.SIGTERM)
    assert stop.signum == signal.SIGTERM


def test_a_rank_beside_the_first_is_not_stopped():
    with never_stops():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)


def test_a_request_that_comes_twice_at_once_is_one():
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert stop.signum == signal.SIGINT


def test_slurms_requeue_signal_is_taken_inside_a_slurm_job_alone(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    before = signal.getsignal(signal.SIGUSR1)
    with StopRequests():
        assert signal.getsignal(signal.SIGUSR1) is before
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with StopRequests() as stop:
        signal.raise_signal(signal.SIGUSR1)
    assert stop.signum == signal.SIGUSR1


def test_a_second_ctrl_c_ends_the_process_at_once():
    code = "from nsp_ablation.learning.engine.signals import StopRequests\nimport time\n"
    code += "with StopRequests():\n    print(flush=True)\n    while True: time.sleep(9)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    time.sleep(0.6)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == -signal.SIGINT
    process.stdout.close()


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
    with pytest.raises(ValueError, match="the checkpoint is saved, but `scontrol requeue 7` failed .*disabled"):
        requeue(signal.SIGUSR1)
