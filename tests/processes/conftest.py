"""The command as a process of its own, that can be killed, and what must be equal to the byte afterwards."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = 300.0

# Small, with everything that resuming must restore: dropout, accumulation, worker processes, a clipped gradient.
SMALL = (
    "scale=smoke",
    "pretraining.max_steps=40",
    "pretraining.checkpoint_seconds=0",
    "pretraining.evaluate_at=[3000,9000]",
    "finetuning.max_steps=24",
    "model.dropout=0.1",
    "model.attention_dropout=0.1",
    "tasks=[sst2,in_context_recall]",
    "finetuning.untrained_row=false",
    # Two micro-batches per update of one process, one per update of each of two: the same draws of dropout. Fine-tuning
    # trains on one device in either case. (trainer.accumulation is a number per device: it would draw otherwise.)
    "trainer.max_tokens=300",
)

# The sweep that others are compared with: both kinds of masks, two workers; one cell after another.
SWEEP = ("-m", "masking=static,dynamic", "trainer.num_workers=2")

# What may differ between two runs of a command, by name (the checkout may be edited meanwhile); all else is equal.
TIMES = {"last_sign_of_life", "digest", "directory", "time", "created", "seconds", "commit", "dirty"}


class Command:
    """One command line, run again and again in one directory; `lines` holds what the last run printed."""

    def __init__(self, directory: Path, *arguments: str) -> None:
        directory.mkdir(exist_ok=True)
        self.directory, self.lines = directory, []
        self.arguments = sorted(arguments, key=lambda argument: argument != "-m")  # Hydra wants its flags first

    def start(self, *before: str, env: dict[str, str] | None = None, **options) -> subprocess.Popen:
        """Start it in a process group of its own."""
        environment = {**(env or os.environ), "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}
        return subprocess.Popen(
            [*(before or (sys.executable,)), str(ROOT / "run.py"), *self.arguments],
            cwd=self.directory,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **options,
        )

    def processes(self) -> dict[int, tuple[int, int]]:
        """Return the processes that work in its directory, zombies apart: the parent of each, and when it began."""
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z" and Path(os.readlink(process / "cwd")) == self.directory:
                    found[int(process.name)] = int(fields[1]), int(fields[19])
            except OSError:  # ended meanwhile, or another user's
                continue
        return found

    def last_child(self, *parents: int) -> int:
        """Return the child of these processes that was started last, by time: numbers of processes begin anew."""
        return max((start, pid) for pid, (parent, start) in self.processes().items() if parent in parents)[1]

    def run(self, *before: str, **options) -> int:
        """Run it to the end and return its status."""
        process = self.start(*before, **options)
        output, _ = process.communicate(timeout=MINUTES)
        self.lines = output.splitlines()
        return process.returncode

    def killed_after(self, seconds: float) -> bool:
        """Kill the whole group after so many seconds; say whether it was still running."""
        process = self.start()
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return True
        self.lines = output.splitlines()
        assert process.returncode == 0, output
        return False

    def signalled_when(self, pattern: str, signum: int, whole_group: bool = True, to_all: bool = False) -> int:
        """Send a signal as soon as a file that matches the glob `pattern` is there; return the status.

        The terminal's group of processes gets it, or the first alone, or all, those of other groups, too.
        """
        process = self.start()
        deadline = time.monotonic() + MINUTES
        while not any(self.directory.glob(pattern)):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if to_all:
            for pid in self.processes():
                os.kill(pid, signum)
        else:
            (os.killpg if whole_group else os.kill)(process.pid, signum)
        output, _ = process.communicate(timeout=MINUTES)
        self.lines = output.splitlines()
        return process.returncode

    def resumed_at(self) -> list[int]:
        """The updates at which the last run said that it resumed."""
        return [int(number) for line in self.lines for number in re.findall(r"resumed at update (\d+)", line)]

    def outputs(self) -> dict[str, bytes]:
        """Return all that must be equal, by path: weights, scores, predictions, records and cells less TIMES, table,
        learning curves."""
        found = {}
        for pattern in ("artifacts/**/*.safetensors", "artifacts/**/*.npy", "artifacts/tokenizers/*/*.json"):
            found |= {path: path.read_bytes() for path in self.directory.glob(pattern)}
        files = ("*.npy", "*.npz", "scores/*.json", "predictions/*.json", "report/table.csv")
        for pattern in (f"results/**/{name}" for name in files):
            found |= {path: path.read_bytes() for path in self.directory.glob(pattern)}
        for pattern in ("results/**/curves/*", "results/**/report/figures/curves.svg"):
            found |= {path: path.read_bytes() for path in self.directory.glob(pattern)}
        for pattern in (
            "results/**/records/*.json",
            "results/**/cells/*.json",
            "artifacts/encoders/*/pretraining.json",
        ):
            for path in self.directory.glob(pattern):
                found[path] = json.dumps(_without_times(json.loads(path.read_text()))).encode()
        return {str(path.relative_to(self.directory)): content for path, content in found.items()}


def _without_times(value):
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key not in TIMES}
    return [_without_times(item) for item in value] if isinstance(value, list) else value


def assert_same(outputs: dict[str, bytes], expected: dict[str, bytes]) -> None:
    assert sorted(outputs) == sorted(expected)
    assert [path for path in expected if outputs[path] != expected[path]] == []
    kinds = ("model.safetensors", "scores/", "items/", "predictions/", "records/", "cells/", "table.csv", "curves")
    assert all(any(kind in path for path in expected) for kind in kinds), "nothing was compared"


@pytest.fixture
def command(tmp_path):
    """command("name", "key=value", ...) -> Command in the directory `name`, on top of SMALL."""
    return lambda name, *arguments: Command(tmp_path / name, *SMALL, *arguments)


@pytest.fixture
def same():
    """same(outputs, expected): assert that all that must be equal is, and that it is there."""
    return assert_same


@pytest.fixture
def same_results():
    """same_results(outputs, expected): the same for the weights, scores and predictions that `outputs` has.

    For commands that differ in machine settings, which stand in the records.
    """

    def assert_same_results(outputs: dict[str, bytes], expected: dict[str, bytes]) -> None:
        parts = ("scores", "items", "predictions", "curves")
        kinds = ("artifacts/encoders/", *(f"results/adhoc/{part}/" for part in parts))
        results = [path for path in outputs if path.startswith(kinds) and not path.endswith("pretraining.json")]
        assert all(any(path.startswith(kind) for path in results) for kind in kinds)
        assert [path for path in results if outputs[path] != expected[path]] == []

    return assert_same_results


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory):
    """(outputs, seconds) of SWEEP, which nobody disturbed; run once for all tests."""
    undisturbed = Command(tmp_path_factory.mktemp("uninterrupted"), *SMALL, *SWEEP)
    started = time.monotonic()
    assert undisturbed.run() == 0, "\n".join(undisturbed.lines)
    return undisturbed.outputs(), time.monotonic() - started


@pytest.fixture
def sweep_arguments():
    return SWEEP
