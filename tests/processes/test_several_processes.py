"""Several processes: on one machine, inside a sweep, under torchrun; and two sweeps at once on one folder."""

import functools
import os
import socket
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

DDP = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2", "trainer.num_workers=0")
WHOLE = ("stage=pretrain", "trainer.precision=32-true")
TORCHRUN = (str(Path(sys.executable).parent / "torchrun"), "--standalone", "--nproc-per-node", "2")

pytestmark = pytest.mark.slow


def weights(run):
    """Return the weights of a command's only encoder, by name."""
    (path,) = run.directory.glob("artifacts/encoders/*/model.safetensors")
    return load_file(path)


def test_two_processes_equal_two_micro_batches_to_rounding(command):
    """Without dropout; with it, which is drawn by the number of the micro-batch, the sweeps below are equal too."""
    options = (*WHOLE, "model.dropout=0", "model.attention_dropout=0")
    one, two = command("one", *options, "trainer.accumulation=2"), command("two", *options, *DDP)
    assert one.run() == 0, "\n".join(one.lines)
    assert two.run() == 0, "\n".join(two.lines)
    assert sum("encoder ->" in line or "updates of" in line for line in two.lines) == 2, "one process speaks"
    expected, found = weights(one), weights(two)
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-4, err_msg=name)


@pytest.mark.parametrize("launcher", ["-m", "torchrun", "srun"])
def test_a_sweep_on_two_processes_ends_as_on_one(command, same_results, uninterrupted, launcher):
    """Inside `-m`, where ranks must not start the sweep anew; and as processes that all run the same command, of one
    machine or of two."""
    counts = ("trainer.devices=1", "trainer.num_nodes=2") if launcher == "srun" else ()
    sweep = command("sweep", "-m", "masking=dynamic,static", *DDP, *counts, "trainer.precision=32-true")
    if launcher == "srun":
        tasks = [sweep.start(env=slurm_task(rank)) for rank in range(2)]
        outputs = [task.communicate(timeout=300)[0] for task in tasks]
        assert [task.returncode for task in tasks] == [0, 0], outputs
        sweep.lines = "".join(outputs).splitlines()
    else:
        assert sweep.run(*(TORCHRUN if launcher == "torchrun" else ())) == 0, "\n".join(sweep.lines)
    assert sum("encoder ->" in line for line in sweep.lines) == 2, "one process speaks"
    assert sum(line.startswith("report: ") for line in sweep.lines) == 1
    same_results(sweep.outputs(), uninterrupted[0])


def slurm_task(rank: int) -> dict[str, str]:
    """Return what srun sets for one of two tasks, each on a machine of its own (which is this one).

    Unlike torchrun, it says nothing of threads.
    """
    step = {"SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_NNODES": "2"}
    place = {"SLURM_PROCID": str(rank), "SLURM_LOCALID": "0", "SLURM_NODEID": str(rank), "SLURM_JOB_ID": "4711"}
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return environment | step | place | {"SLURM_NODELIST": "127.0.0.1", "MASTER_PORT": str(free_port())}


@functools.cache
def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_torchrun_with_another_number_of_processes_is_refused(command):
    run = command("run", *WHOLE)
    assert run.run(*TORCHRUN) != 0
    (error,) = [line for line in run.lines if line.startswith("error: ")]
    assert "trainer.devices=1" in error
    assert "started 2 processes" in error


def test_two_sweeps_at_once_share_their_work(command, same, uninterrupted, sweep_arguments):
    first, second = command("shared", *sweep_arguments), command("shared", *sweep_arguments)
    processes = [first.start(), second.start()]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    same(first.outputs(), uninterrupted[0])
    assert sum(output.count("updates of") for output in outputs) == 2, "each encoder was trained once"


def test_any_number_of_workers_gives_the_same_weights_and_seed_0_is_a_seed(command):
    alone, workers = (command(f"run{number}", *WHOLE, "seed=0", f"trainer.num_workers={number}") for number in (0, 2))
    assert alone.run() == 0, "\n".join(alone.lines)
    assert workers.run() == 0, "\n".join(workers.lines)
    expected = weights(alone)
    assert all((weights(workers)[name] == value).all() for name, value in expected.items())
