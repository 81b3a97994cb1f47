"""The CPU's settings."""

import os
import sys

import pytest
import torch

from nsp_ablation.training.cpu import set_up_cpu

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
