"""The ranks of a training are devices times machines, wherever they are counted."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from nsp_ablation.learning.engine.training_processes import free_port
from nsp_ablation.options.trainer_options import TrainerOptions
from nsp_ablation.pipeline import ranks
from nsp_ablation.pipeline.micro_batch_plan import plan_micro_batches
from nsp_ablation.samples.batches.update_size import update_size

LENGTHS = np.full(1000, 50)


@pytest.mark.parametrize("num_ranks", [1, 2, 4, 8])
def test_micro_batches_are_those_of_all_ranks_of_all_machines(num_ranks):
    size = update_size(64, 50.0, None)
    factors = [pair for pair in product([1, 2, 4, 8], repeat=2) if np.prod(pair) == num_ranks]
    plans = [
        plan_micro_batches(TrainerOptions("x", devices=devices, num_nodes=nodes, max_tokens=200), size, LENGTHS)
        for devices, nodes in factors
    ]
    alone = plan_micro_batches(TrainerOptions("x", max_tokens=200), size, LENGTHS)
    assert alone.accumulation >= 16, "64 sequences of 50 tokens, at most 4 at a time"
    assert {plan.accumulation for plan in plans} == {math.ceil(alone.accumulation / num_ranks)}


def test_hours_are_those_of_all_devices_of_all_machines(nsp):
    words = {}
    for devices, nodes in ((4, 1), (1, 4), (2, 4)):
        asked = (f"trainer.devices={devices}", f"trainer.num_nodes={nodes}", "trainer.dry_run_device=A100")
        ended = nsp("stage=cost", "scale=smoke", "model=base", "pretraining.max_steps=1000000", *asked)
        (line,) = [line for line in ended.out.splitlines() if "hours" in line]
        words[devices, nodes] = line.partition("hours ")[2].split()
    assert words[4, 1] == words[1, 4]
    assert words[2, 4][4:7] == ["8", "x", "A100"]
    assert float(words[2, 4][0]) == pytest.approx(float(words[4, 1][0]) / 2, rel=0.1)


def test_several_machines_are_refused_where_nobody_started_processes_on_them(config, tmp_path):
    asked = config("scale=smoke", "trainer.num_nodes=2")
    with (
        pytest.raises(ValueError, match=r"trainer\.num_nodes=2: start one process per device on every machine"),
        ranks.ranks(asked, lambda *_: None, tmp_path),
    ):
        pass


@pytest.fixture
def job_of_one(monkeypatch):
    """The environment of the only process of a job of torchrun."""
    environment = {"TORCHELASTIC_RUN_ID": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    counts = {"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1", "RANK": "0", "LOCAL_RANK": "0", "GROUP_RANK": "0"}
    for name, value in (environment | counts).items():
        monkeypatch.setenv(name, value)
    yield
    ranks._connected.cache_clear()
    torch.distributed.destroy_process_group()


def test_a_job_has_as_many_processes_as_there_are_devices_on_all_machines(job_of_one, config, capsys):
    ran = []

    def run_cell():
        ran.append(True)
        return 0

    for devices, nodes, status in ((1, 2, 1), (2, 1, 1), (1, 1, 0)):
        asked = config("scale=smoke", f"trainer.devices={devices}", f"trainer.num_nodes={nodes}")
        assert ranks.run_first_rank(asked, run_cell) == status
        line = f"trainer.devices={devices} trainer.num_nodes={nodes}: torchrun or srun started 1 processes"
        assert (line in capsys.readouterr().err) == (status == 1)
    assert len(ran) == 1
