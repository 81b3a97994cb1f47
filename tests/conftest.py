"""What tests of the command line share: the command, run in this process from an empty directory."""

import copy
import gc
import importlib.util
import io
import os
import signal
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from omegaconf import OmegaConf

from nsp_ablation.base.process import keep_kernels_by_source
from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.config.problem import ConfigurationError

ROOT = Path(__file__).parents[1]

# Model and data hubs are never asked in tests: without this their clients wait for a network that is not there.
os.environ["HF_HUB_OFFLINE"] = "1"
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker has one core, and threads of several would wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")
keep_kernels_by_source()
# A shell starts what it runs in the background with Ctrl-C ignored, nohup with a closed terminal, and every command
# would inherit that.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


class Ended(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


def _parse_each_text_once() -> None:
    """Let `OmegaConf.load` keep what it made of a text: of the 0.3 s of a composition, 0.1 s parses the same files."""
    load, parsed = OmegaConf.load, {}

    def load_copy(file_):
        text = file_.read() if hasattr(file_, "read") else Path(file_).read_text()
        if text not in parsed:
            parsed[text] = load(io.StringIO(text))
        return copy.deepcopy(parsed[text])

    OmegaConf.load = staticmethod(load_copy)


_parse_each_text_once()


def pytest_collection_finish():
    """Spare what the imports made from every later collection of garbage: a full one takes 0.4 s with it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def smoke_artifacts(tmp_path_factory):
    """`paths.artifacts=...`, one folder for all runs at scale=smoke that are not about building artifacts."""
    return f"paths.artifacts={tmp_path_factory.mktemp('smoke')}"


@pytest.fixture(scope="session")
def command_line():
    """The module `run.py`."""
    name = "nsp_ablation_command"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "run.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


@pytest.fixture(scope="session")
def project_root():
    """The directory of conf/ and experiments/."""
    return ROOT


@pytest.fixture(scope="session")
def planned():
    """planned("-m", "format=full,doc"): the checked cells of a command; compositions are shared by all tests."""
    composers = {}

    def cells(*words):
        arguments = parse_arguments(list(words))
        if arguments.config_dir not in composers:
            composers[arguments.config_dir] = open_composer(arguments, ROOT)
        return plan(arguments, composers[arguments.config_dir]).cells

    return cells


@pytest.fixture
def cells(planned, tmp_path, monkeypatch):
    """cells("-m", "format=full,doc"): the checked cells of a command, typed in an empty directory."""
    monkeypatch.chdir(tmp_path)
    return planned


@pytest.fixture
def config(cells):
    """config("format=doc"): the configuration of a single run."""
    return lambda *arguments: cells(*arguments)[0].config


@pytest.fixture
def refused(cells):
    """refused("format=dooc"): the lines with which a command is refused."""

    def lines(*arguments):
        with pytest.raises(ConfigurationError) as error:
            cells(*arguments)
        return error.value.lines

    return lines


@pytest.fixture
def nsp(command_line, tmp_path, monkeypatch, capsys):
    """nsp("stage=prepare", ...): run the command in `tmp_path` and return its status and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Ended:
        monkeypatch.setattr(sys, "argv", ["run.py", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            command_line.main()
        printed = capsys.readouterr()
        return Ended(int(stop.value.code or 0), printed.out, printed.err)

    return run


@pytest.fixture
def asked_of_slurm(tmp_path, monkeypatch):
    """asked_of_slurm(): what `scontrol` was asked for, in a job whose number is 7."""
    (tmp_path / "scontrol").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n')
    (tmp_path / "scontrol").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    return lambda: (tmp_path / "asked").read_text().splitlines()


def pytest_terminal_summary(terminalreporter):
    """Print how long the tests of each folder took together, where some took long."""
    seconds = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            if hasattr(report, "duration"):
                path = report.nodeid.split("::")[0].split("/")
                folder = path[1] if len(path) > 2 else "tests"
                seconds[folder] = seconds.get(folder, 0.0) + report.duration
    if sum(seconds.values()) > 10:
        each = ", ".join(f"{folder} {seconds[folder]:.0f}" for folder in sorted(seconds, key=seconds.get, reverse=True))
        terminalreporter.write_line(f"seconds by folder: {each}; together {sum(seconds.values()):.0f}")


@pytest.fixture(scope="session")
def attention_stand_ins():
    """Let torch's CUDA attention operators run on CPU, in this process, by the stand-ins of the benchmarks."""
    spec = importlib.util.spec_from_file_location("attention_stand_ins", ROOT / "benchmarks" / "attention_stand_ins.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.register()
