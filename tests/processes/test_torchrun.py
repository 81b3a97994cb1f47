"""Two agents of torchrun, each a machine as far as it knows: the same weights, and a bounded end where one is lost."""

import os
import re
import signal
import socket
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

pytestmark = pytest.mark.slow

CPU = ("trainer=ddp", "trainer.accelerator=cpu", "trainer.num_workers=0", "trainer.precision=32-true")
TRAINING = ("stage=pretrain", "pretraining.max_steps=8", "pretraining.evaluate_at=[]")
NO_DROPOUT = ("model.dropout=0", "model.attention_dropout=0")
MACHINES = ("trainer.num_nodes=2", "trainer.devices=1")
MARK = "NSP_TORCHRUN_TEST"
END_SECONDS = 400.0  # on cores that others keep busy; some 10 on quiet ones


def agents(command, name, *settings, elastic_backend=False):
    """Start the two agents of a job, on a rendezvous of c10d or a static one, and return their processes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    meet = ("--master-addr=127.0.0.1", f"--master-port={port}")
    if elastic_backend:
        meet = ("--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=job")
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", *meet)
    run, environment = command(name, *TRAINING, *CPU, *MACHINES, *settings), os.environ | {MARK: name}
    return run, [run.start(*torchrun, f"--node-rank={rank}", env=environment) for rank in range(2)]


def outputs_of(processes):
    return [process.communicate(timeout=END_SECONDS)[0] for process in processes]


def weights(run) -> Path:
    """Return the file of a command's only encoder."""
    (path,) = run.directory.glob("artifacts/encoders/*/model.safetensors")
    return path


def test_two_machines_train_as_two_ranks_to_the_byte_and_as_one_process_to_rounding(command):
    one = command("one", *TRAINING, *NO_DROPOUT, "trainer.precision=32-true", "trainer.accumulation=2")
    two = command("two", *TRAINING, *NO_DROPOUT, *CPU, "trainer.devices=2")
    machines, processes = agents(command, "machines", *NO_DROPOUT)
    outputs = outputs_of(processes)
    assert [process.returncode for process in processes] == [0, 0], outputs
    lines = "".join(outputs).splitlines()
    assert sum("encoder ->" in line or "updates of" in line for line in lines) == 2, "one process speaks"
    for run in (one, two):
        assert run.run() == 0, "\n".join(run.lines)
    assert weights(machines).read_bytes() == weights(two).read_bytes()
    expected, found = load_file(weights(one)), load_file(weights(machines))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-4, err_msg=name)


def children_of(process: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def marked(name: str) -> list[int]:
    """Return the processes of a job, whoever their parent is."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={name}".encode() in (path / "environ").read_bytes().split(b"\0"):
                found.append(int(path.name))
        except OSError:  # of others, or ended meanwhile
            continue
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize(("lost", "killed"), [(1, "rank"), (0, "agent")])
def test_the_loss_of_a_rank_ends_all_and_one_line_says_which(command, lost, killed):
    """A rank that is killed; and an agent, whose rank ends with it, where torchrun alone would leave it."""
    name = f"{killed}{lost}"
    run, processes = agents(command, name, "pretraining.max_steps=1000000", elastic_backend=killed == "rank")
    try:
        deadline = time.monotonic() + END_SECONDS
        while not any(run.directory.glob("artifacts/runs/*/last.ckpt")):
            assert all(process.poll() is None for process in processes), outputs_of(processes)
            assert time.monotonic() < deadline
            time.sleep(0.1)
        agent = processes[lost].pid
        (rank,) = children_of(agent)
        (number,) = re.findall(rb"(?<=\0)RANK=(\d+)", Path(f"/proc/{rank}/environ").read_bytes())  # c10d's own choice
        os.kill(rank if killed == "rank" else agent, signal.SIGKILL)
        text = "".join(outputs_of(processes))
    finally:
        left = marked(name)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
    assert left == [], "orphans"
    assert all(process.returncode for process in processes)
    lines = [line for line in text.splitlines() if re.search(r"^error: ", line)]
    said = f"error: rank {int(number)} is gone, which ends all ranks; the same command goes on from the last checkpoint"
    assert lines == [said], text
