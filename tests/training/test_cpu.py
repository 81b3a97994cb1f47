"""The CPU's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from pytorch_lightning.strategies.launchers import _SubprocessScriptLauncher

from nsp_ablation.base.process import set_up_cpu
from nsp_ablation.learning.engine.training_processes import GivenRank, threads_kept
from nsp_ablation.pipeline.device import model_threads

SOURCE = Path(__file__).parents[2] / "src"
MALLOC = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_")
_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")


@pytest.fixture
def environment(monkeypatch):
    for variable in _VARIABLES:
        monkeypatch.setenv(variable, "")  # restored afterwards, whatever is done to it
        monkeypatch.delenv(variable)
    return monkeypatch


def test_waiting_is_set_before_torch_loads(environment):
    environment.delitem(sys.modules, "torch")
    set_up_cpu()
    assert {name: os.environ.get(name) for name in _VARIABLES} == {"OMP_WAIT_POLICY": None, "GOMP_SPINCOUNT": "10000"}


def test_what_the_user_set_stays(environment):
    environment.delitem(sys.modules, "torch")
    environment.setenv("OMP_WAIT_POLICY", "ACTIVE")
    set_up_cpu()
    assert "GOMP_SPINCOUNT" not in os.environ


def test_nothing_is_set_after_torch_is_loaded(environment):
    set_up_cpu()
    assert not set(_VARIABLES) & set(os.environ)


def test_processes_that_are_started_inherit_the_settings(environment):
    for name in MALLOC:
        environment.setenv(name, "")
        environment.delenv(name)
    environment.delitem(sys.modules, "torch")
    set_up_cpu()
    shown = f"import os; print([os.environ[name] for name in {('GOMP_SPINCOUNT', *MALLOC)}])"
    found = subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True, text=True).stdout
    assert found.startswith("['10000', '268435456', ")


def test_a_model_has_its_threads_and_torch_has_its_own_afterwards():
    before = torch.get_num_threads()
    for number, expected in ((before + 1, before + 1), (1, 1), (None, before)):
        with model_threads(number):
            assert torch.get_num_threads() == expected
        assert torch.get_num_threads() == before


def test_every_stage_is_reached_without_torch():
    """What runs before `set_up_cpu` must not load torch, or threads and waiting are no longer to be chosen."""
    code = "import sys, nsp_ablation.stages.cell, nsp_ablation.stages.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}).returncode == 0


@pytest.mark.parametrize("chosen", [None, "7"])
def test_the_launcher_of_ddp_leaves_the_threads_of_a_model(environment, chosen):
    """Where srun starts a process per machine, it would take all cores of it for each process."""
    environment.setenv("OMP_NUM_THREADS", chosen or "")
    if chosen is None:
        environment.delenv("OMP_NUM_THREADS")
    launcher = _SubprocessScriptLauncher(GivenRank(), num_processes=1, num_nodes=2)
    other = len(os.sched_getaffinity(0)) + 1
    with model_threads(other), threads_kept():
        assert launcher.launch(torch.get_num_threads) == other
    assert os.environ.get("OMP_NUM_THREADS") == chosen
