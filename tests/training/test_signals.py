"""Requests to stop: noted in a training, raised elsewhere, left to others where these have handlers of their own."""

import os
import signal
import subprocess
import sys
import time

import pytest

from nsp_ablation.base import interrupts
from nsp_ablation.base.interrupts import Stopped, stops_at_once
from nsp_ablation.learning.engine.signals import StopRequests, never_stops


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_noted_inside_and_raised_outside_a_training(signum):
    before = signal.getsignal(signum)
    with stops_at_once():
        with StopRequests(waits=True) as stop:
            signal.raise_signal(signum)
            assert stop.signum == signum
        with pytest.raises(Stopped, match=f"stopped by {signum.name}") as stopped:
            signal.raise_signal(signum)
    assert stopped.value.code == 128 + signum
    assert signal.getsignal(signum) is before


def test_before_the_first_update_a_request_stops_at_once():
    with StopRequests(waits=False) as stop:
        with pytest.raises(Stopped, match="stopped by SIGTERM"):
            signal.raise_signal(signal.SIGTERM)
        assert stop.signum is None
    with StopRequests(waits=False) as stop:
        stop.waits = True
        signal.raise_signal(signal.SIGTERM)
    assert stop.signum == signal.SIGTERM


def test_handlers_of_others_are_left_alone():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda signum, frame: heard.append(signum))
    try:
        with stops_at_once(), StopRequests(waits=True) as stop:
            signal.raise_signal(signal.SIGTERM)
        assert (heard, stop.signum) == ([signal.SIGTERM], None)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_handlers_are_taken_back_from_who_took_them():
    with StopRequests(waits=True) as stop:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        stop.install()
        signal.raise_signal(signal.SIGTERM)
    assert stop.signum == signal.SIGTERM


def test_a_rank_beside_the_first_is_not_stopped():
    with never_stops():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)


def test_a_fork_leaves_requests_to_the_process_that_it_came_from():
    """A reader of batches would else end by what all processes of a job are sent, before the update at hand."""
    with StopRequests(waits=False) as stop:
        if (pid := os.fork()) == 0:
            try:
                signal.raise_signal(signal.SIGTERM)
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert stop.signum is None


def test_a_request_that_comes_twice_at_once_is_one():
    with StopRequests(waits=True) as stop:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    assert stop.signum == signal.SIGINT


def test_slurms_requeue_signal_is_taken_inside_a_slurm_job_alone(monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    before = signal.getsignal(signal.SIGUSR1)
    with StopRequests(waits=True):
        assert signal.getsignal(signal.SIGUSR1) is before
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with StopRequests(waits=True) as stop:
        signal.raise_signal(signal.SIGUSR1)
    assert stop.signum == signal.SIGUSR1


@pytest.fixture
def in_process(tmp_path):
    """in_process(code): a process of its own that runs code and has printed a line."""
    processes = []

    def start(code):
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True, **pipes)
        processes.append(process)
        assert process.stdout.readline()
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_second_ctrl_c_during_a_save_ends_in_one_line_and_leaves_the_former_file_whole(in_process, tmp_path):
    process = in_process("""
import time
from pathlib import Path
from nsp_ablation.base.artifact import atomic_path, write_text
from nsp_ablation.learning.engine.signals import StopRequests
write_text(Path("last.ckpt"), "former")
with StopRequests(waits=True), atomic_path(Path("last.ckpt")) as temporary:
    temporary.write_text("half")
    print(flush=True)
    while True: time.sleep(9)
""")
    process.send_signal(signal.SIGINT)
    time.sleep(0.6)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert process.stderr.read() == "error: stopped by SIGINT; the same command goes on from there\n"
    assert (tmp_path / "last.ckpt").read_text() == "former"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_save_goes_on_through_a_second_request_that_is_no_ctrl_c(signum, monkeypatch):
    monkeypatch.setattr(interrupts, "_SAME_SECONDS", 0.0)
    with StopRequests(waits=True) as stop:
        for _ in range(3):
            signal.raise_signal(signum)
            time.sleep(0.001)
        assert stop.signum == signum


SWALLOWED = {
    "a destructor": """
class Swallows:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
Swallows()
time.sleep(9)
""",
    "an import": """
open("slow.py", "w").write("import os, signal, time\\nos.kill(os.getpid(), signal.SIGINT)\\ntime.sleep(9)")
sys.path.insert(0, "")
try:
    import slow
except BaseException:
    time.sleep(9)
""",
    "what runs before any handler": "\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)",
}


@pytest.mark.parametrize("place", SWALLOWED)
def test_a_request_is_not_lost_where_an_exception_would_be(in_process, place):
    inside = "with stops_at_once():\n" if place != "what runs before any handler" else "if True:\n"
    code = "import os, signal, sys, time\nfrom nsp_ablation.base.interrupts import exit_when_asked, stops_at_once\n"
    code += "exit_when_asked()\nprint(flush=True)\n" + inside + SWALLOWED[place].replace("\n", "\n    ")
    process = in_process(code)
    assert process.wait(timeout=5) == 130
    assert process.stderr.read() == "error: stopped by SIGINT; the same command goes on from there\n"


def test_what_is_ignored_at_the_start_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stops_at_once(), StopRequests(waits=True) as stop:
            signal.raise_signal(signal.SIGHUP)
        assert stop.signum is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_spawned_process_starts_with_requests_blocked():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with interrupts.requests_blocked():
        assert signal.pthread_sigmask(signal.SIG_BLOCK, []) >= {*interrupts.REQUESTS, signal.SIGUSR1}
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before
