"""What is shown is shown or lost: no write to the terminal raises, and no result goes where the output should."""

import io
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from nsp_ablation.base.display import shown_or_lost

TABLE = "│ −1.5 ± 0.3 │ × naïve → 中 █ ─┼─\n"


@pytest.fixture
def pipe():
    """The ends of a pipe: (to read, to write)."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):  # a test has closed it
            os.close(end)


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [
        ("utf-8", TABLE),
        ("ascii", "| -1.5 +- 0.3 | x naive -> \\u4e2d # -+-\n"),
        ("latin-1", "| -1.5 ± 0.3 | × naïve -> \\u4e2d # -+-\n"),
        ("cp1252", "| -1.5 ± 0.3 | × naïve -> \\u4e2d # -+-\n"),
    ],
)
def test_characters_that_an_encoding_lacks_are_shown_by_others(pipe, encoding, shown):
    stream = shown_or_lost(io.TextIOWrapper(io.BytesIO(), encoding), pipe[1], None)
    print(TABLE, end="", file=stream, flush=True)
    assert os.read(pipe[0], 1000).decode(encoding) == shown


def test_a_name_that_is_no_utf8_is_shown_escaped(pipe):
    print("caf\udce9.txt", file=shown_or_lost(None, pipe[1], None), flush=True)
    assert os.read(pipe[0], 1000) == b"caf\\udce9.txt\n"


def test_a_reader_that_went_away_is_no_error_and_not_said(pipe, capsys):
    os.close(pipe[0])
    stream = shown_or_lost(None, pipe[1], "standard output")
    for _ in range(3):
        print("x" * 100_000, file=stream, flush=True)
    assert capsys.readouterr().err == ""


def test_a_full_device_is_said_once(capsys):
    descriptor = os.open("/dev/full", os.O_WRONLY)
    stream = shown_or_lost(None, descriptor, "standard output")
    for _ in range(3):
        print("x", file=stream, flush=True)
    os.close(descriptor)
    assert capsys.readouterr().err == "standard output cannot be written (No space left on device); no more is shown\n"


def test_a_terminal_that_does_not_block_gets_everything(pipe):
    os.set_blocking(pipe[1], False)
    code = "from nsp_ablation.base.display import shown_or_lost\n"
    code += f"print('x' * 300_000, file=shown_or_lost(None, {pipe[1]}, None), flush=True)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", code], pass_fds=[pipe[1]], env=environment)
    os.close(pipe[1])
    received = b"".join(iter(lambda: os.read(pipe[0], 4096), b""))
    assert (process.wait(), len(received)) == (0, 300_001)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path, closed):
    code = """
import os, sys
from nsp_ablation.base.display import guard_terminal
guard_terminal()
with open("data", "w") as file:
    number = file.fileno()
    file.write("data")
    print("shown")
    os.system("echo shown; echo shown >&2")
open("number", "w").write(str(number))
"""
    (tmp_path / "code.py").write_text(code)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = f"{sys.executable} code.py {closed}"
    assert subprocess.run(command, shell=True, cwd=tmp_path, env=environment, capture_output=True).returncode == 0
    assert int((tmp_path / "number").read_text()) > 2
    assert (tmp_path / "data").read_text() == "data"
