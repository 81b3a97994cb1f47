"""A cluster of two virtual nodes for the tests of this folder, and jobs on it; skipped aloud where it cannot be had."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MINUTES = 600.0
ENDED = {"COMPLETED", "FAILED", "CANCELLED", "NODE_FAIL", "TIMEOUT", "OUT_OF_MEMORY", "BOOT_FAIL", "DEADLINE"}

# Without dropout, so that numbers of ranks differ by the order of sums alone. One thread: ranks of a node would share
# the threads of its cores, and sum in another order.
TRAINING = (
    *("scale=smoke", "stage=pretrain", "pretraining.max_steps=200", "pretraining.checkpoint_seconds=0"),
    *("model.dropout=0", "model.attention_dropout=0", "model.num_threads=1", "trainer.num_workers=0"),
    *("trainer.accelerator=cpu", "trainer.precision=32-true"),
)


def _load_cluster():
    spec = importlib.util.spec_from_file_location("virtual_cluster", Path(__file__).with_name("cluster.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


virtual = _load_cluster()


class Job:
    """A batch job in a directory of its own, which holds its log and what the command in it writes."""

    def __init__(self, cluster, directory: Path, number: str) -> None:
        self.cluster, self.directory, self.number = cluster, directory, number
        self.log = directory / f"{number}.log"

    @property
    def state(self) -> str:
        return self.shown("JobState")

    def shown(self, field: str) -> str:
        """Return a field of `scontrol show job`; of an array, the first's."""
        shown = self.cluster.command("scontrol", "show", "job", self.number)
        found = re.search(rf"\b{field}=(\S*)", shown)
        assert found, shown
        return found[1]

    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def wait_for(self, pattern: str) -> re.Match:
        """Wait until the log holds a pattern; the job may not end before."""
        found = None

        def is_found() -> bool:
            nonlocal found
            has_ended = self.state in ENDED
            found = re.search(pattern, self.text())
            assert found or not has_ended, f"{self.state}\n{self.text()}"
            return found is not None

        virtual.wait_until(is_found, f"job {self.number} does not say {pattern!r}", self.text, MINUTES)
        return found

    def wait_for_state(self, *states: str) -> str:
        """Wait until the job is in one of the states, and return it."""
        virtual.wait_until(
            lambda: self.state in states, f"job {self.number} is not {' or '.join(states)}", self._as_it_is, MINUTES
        )
        return self.state

    def end(self) -> str:
        """Wait for the job's end and return its state."""
        return self.wait_for_state(*ENDED)

    def completed(self) -> "Job":
        """Wait for the job's end, which must be a good one."""
        assert self.end() == "COMPLETED", self._as_it_is()
        return self

    def wait_for_checkpoint(self) -> None:
        """Wait until the training has saved, in whose midst it then is."""
        artifacts = self.directory / "artifacts"
        virtual.wait_until(
            lambda: any("last.ckpt" in files for _, _, files in os.walk(artifacts)),  # in spite of what disappears
            f"job {self.number} saves no checkpoint",
            self._as_it_is,
            MINUTES,
        )

    def encoder(self) -> Path:
        """Return the directory of the only encoder."""
        (path,) = self.directory.glob("artifacts/encoders/*/model.safetensors")
        return path.parent

    def pretraining(self) -> dict:
        """Return what was trained on, without times: tokens, sequences, predictions, losses."""
        pretraining = json.loads((self.encoder() / "pretraining.json").read_text())["pretraining"]
        return {key: value for key, value in pretraining.items() if "seconds" not in key}

    def _as_it_is(self) -> str:
        return f"{self.state}\n{self.cluster.command('scontrol', 'show', 'job', self.number)}\n{self.text()}"


@pytest.fixture(scope="session")
def cluster():
    """A cluster that runs (`cluster.py`), with this checkout's package in the environment of what is submitted."""
    if missing := virtual.missing_programs():
        pytest.skip(
            f"Slurm is not tested: {', '.join(missing)} not installed (Debian: slurmctld slurmd slurm-client munge)"
        )
    directory = Path(tempfile.mkdtemp(prefix="slurm-"))
    started = virtual.Cluster(directory)
    paths = [str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])]
    set_before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONUNBUFFERED")}
    os.environ |= {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}
    try:
        started.start()
        yield started
    finally:
        started.stop()
        shutil.rmtree(directory, ignore_errors=True)
        for name, value in set_before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


@pytest.fixture
def submit(cluster, tmp_path_factory):
    """submit(num_nodes, ranks_per_node, "key=value", ...) -> Job: TRAINING by so many ranks, in a batch job.

    `options` are further ones of sbatch; `directory` is that of an earlier job, whose training goes on.
    """

    def start(num_nodes: int, ranks: int, *words: str, options: tuple[str, ...] = (), directory=None) -> Job:
        settings = ("trainer=slurm", *TRAINING, f"trainer.num_nodes={num_nodes}", f"trainer.devices={ranks}", *words)
        command = " ".join(["srun", sys.executable, str(ROOT / "run.py"), *settings])
        options = (f"--nodes={num_nodes}", f"--ntasks-per-node={ranks}", *options)
        script = "\n".join(["#!/bin/bash", *(f"#SBATCH {option}" for option in options), command, ""])
        return _sbatch(cluster, directory or tmp_path_factory.mktemp("job"), script)

    return start


def _sbatch(cluster, directory: Path, script: str) -> Job:
    words = ["sbatch", "--parsable", "--output=%j.log", "--open-mode=append"]
    ended = subprocess.run(
        words, input=script, cwd=directory, env=cluster.environment(), capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 0, ended.stderr
    return Job(cluster, directory, ended.stdout.strip())


@pytest.fixture
def wrap(cluster):
    """wrap(directory, "--dependency=afterany:7", "stage=report") -> Job: the command alone, in a batch job."""

    def start(directory: Path, option: str, *words: str) -> Job:
        command = " ".join([sys.executable, str(ROOT / "run.py"), *words])
        return _sbatch(cluster, directory, f"#!/bin/bash\n#SBATCH {option}\n{command}\n")

    return start


@pytest.fixture
def login(cluster, tmp_path_factory):
    """login("-m", "seed=1,2", ...) -> (process, directory): the command as it is typed on a login node."""
    started = []

    def start(*words: str, directory: Path | None = None) -> tuple[subprocess.Popen, Path]:
        directory = directory or tmp_path_factory.mktemp("login")
        output = (directory / "login.log").open("a")
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), *words],
            cwd=directory,
            env=cluster.environment(),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        started.append((process, output))
        return process, directory

    yield start
    for process, output in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        output.close()


@pytest.fixture(scope="session")
def wait_until():
    """wait_until(is_so, failure, details): poll, for minutes at most."""
    return lambda is_so, failure, details: virtual.wait_until(is_so, failure, details, MINUTES)


@pytest.fixture(scope="session")
def alone(tmp_path_factory):
    """The job that other ways are compared with, without Slurm: one process, never disturbed."""
    directory = tmp_path_factory.mktemp("alone")
    words = [sys.executable, str(ROOT / "run.py"), *TRAINING, "trainer.accumulation=2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(words, cwd=directory, env=environment, capture_output=True, text=True, timeout=MINUTES)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return Job(None, directory, "alone")
