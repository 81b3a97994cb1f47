"""The command as a process: its terminal and its first moments change nothing but what is shown."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run.py"


def shell(how: str, **environment: str) -> subprocess.CompletedProcess:
    command = f"set -o pipefail; {sys.executable} {RUN} --help {how}"
    return subprocess.run(["bash", "-c", command], capture_output=True, env=os.environ | environment)


@pytest.mark.slow
def test_a_closed_early_ending_or_full_terminal_is_no_failure():
    for how, said in (("<&- >&-", b""), ("| head -1", b""), (">/dev/full", b"cannot be written")):
        ended = shell(how, PYTHONIOENCODING="ascii", COLUMNS="20")
        assert ended.returncode == 0, how
        assert said in ended.stderr, how
        assert b"Traceback" not in ended.stderr, how


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_the_imports_ends_in_one_line(signum):
    """The handler stands when the process has opened its first module of ours."""
    code = f"import runpy; print(flush=True); runpy.run_path({str(RUN)!r}, run_name='__main__')"
    command = [sys.executable, "-c", code]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signum)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + signum
    assert error == f"error: stopped by {signum.name}; the same command goes on from there\n"
