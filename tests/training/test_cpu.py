"""The CPU's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nsp_ablation.base.process import set_up_cpu

SOURCE = Path(__file__).parents[2] / "src"
MALLOC = ("MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_", "MALLOC_MMAP_THRESHOLD_")
_VARIABLES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")


@pytest.fixture
def environment(monkeypatch):
    for variable in _VARIABLES:
        monkeypatch.setenv(variable, "")  # restored afterwards, whatever is done to it
        monkeypatch.delenv(variable)
    return monkeypatch


def test_threads_and_waiting_are_set_before_torch_loads(environment):
    environment.delitem(sys.modules, "torch")
    set_up_cpu(3)
    assert {name: os.environ.get(name) for name in _VARIABLES} == {
        "OMP_WAIT_POLICY": None,
        "GOMP_SPINCOUNT": "10000",
        "OMP_NUM_THREADS": "3",
    }


def test_what_the_user_set_stays(environment):
    environment.delitem(sys.modules, "torch")
    environment.setenv("OMP_WAIT_POLICY", "ACTIVE")
    environment.setenv("OMP_NUM_THREADS", "2")
    set_up_cpu(3)
    assert "GOMP_SPINCOUNT" not in os.environ
    assert os.environ["OMP_NUM_THREADS"] == "2"


def test_threads_can_be_set_after_torch_is_loaded(environment):
    before = torch.get_num_threads()
    try:
        set_up_cpu(before + 1)
        assert torch.get_num_threads() == before + 1
        set_up_cpu(None)
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert not set(_VARIABLES) & set(os.environ)


def test_processes_that_are_started_inherit_the_settings(environment):
    for name in MALLOC:
        environment.setenv(name, "")
        environment.delenv(name)
    environment.delitem(sys.modules, "torch")
    set_up_cpu(2)
    shown = f"import os; print([os.environ[name] for name in {('GOMP_SPINCOUNT', 'OMP_NUM_THREADS', *MALLOC)}])"
    found = subprocess.run([sys.executable, "-c", shown], check=True, capture_output=True, text=True).stdout
    assert found.startswith("['10000', '2', '268435456', ")


def test_every_stage_is_reached_without_torch():
    """What runs before `set_up_cpu` must not load torch, or threads and waiting are no longer to be chosen."""
    code = "import sys, nsp_ablation.stages.cell, nsp_ablation.stages.report; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}).returncode == 0
