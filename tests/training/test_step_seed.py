"""A step's seed: the draws of `torch.manual_seed`, and no other generator touched."""

import random

import pytest
import torch

from nsp_ablation.learning.engine.step_seed import seed_step

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _generators_kept():
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.mark.parametrize("seed", [0, 1, 12345, 2**63, 2**64 - 1, -1])
def test_dropout_after_it_is_dropout_after_torchs_own_seeding(seed):
    def mask():
        return torch.nn.functional.dropout(torch.ones(1000), 0.3)

    torch.rand(7)
    seed_step(CPU, seed)
    found = mask(), mask()
    torch.manual_seed(seed)
    expected = mask(), mask()
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))
    assert not torch.equal(*found)


def test_no_other_generator_is_touched():
    own, python = torch.Generator().manual_seed(3), random.getstate()
    before = own.get_state()
    seed_step(CPU, 5)
    assert torch.equal(own.get_state(), before)
    assert random.getstate() == python


def test_on_a_gpu_it_seeds_that_gpus_generator_alone(monkeypatch):
    """CUDA's generators are stood in for: no GPU is needed to see which of them is seeded."""
    generators = [torch.Generator().manual_seed(n) for n in range(3)]
    monkeypatch.setattr(torch.cuda, "default_generators", generators)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 2)
    cpu = torch.get_rng_state()
    seed_step(torch.device("cuda", 1), 7)
    assert [generator.initial_seed() for generator in generators] == [0, 7, 2]
    seed_step(torch.device("cuda"), 8)
    assert [generator.initial_seed() for generator in generators] == [0, 7, 8]
    assert torch.equal(torch.get_rng_state(), cpu)


def test_on_mps_it_seeds_the_generator_of_mps_alone(monkeypatch):
    seeds, cpu = [], torch.get_rng_state()
    monkeypatch.setattr(torch.mps, "manual_seed", seeds.append)
    seed_step(torch.device("mps"), 9)
    assert seeds == [9]
    assert torch.equal(torch.get_rng_state(), cpu)
