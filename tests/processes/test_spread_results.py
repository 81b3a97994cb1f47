"""Fine-tunings on several ranks: all save when asked to stop, and a job of which one is killed ends."""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

RANKS = (
    "trainer=ddp",
    "trainer.accelerator=cpu",
    "trainer.devices=2",
    "trainer.precision=32-true",
    "trainer.num_workers=1",
)
# Long enough that the cell's file, which says once a second what was heard last of either rank, names the second.
STUDY = ("tasks=[sst2]", "finetuning.seeds=[1,2,3,4]", "pretraining.max_steps=2", "finetuning.max_steps=320")
TORCHRUN = (str(Path(sys.executable).parent / "torchrun"), "--standalone", "--nproc-per-node", "2")

pytestmark = pytest.mark.slow


def checkpoints(run) -> list[Path]:
    return sorted(run.directory.glob("artifacts/runs/*-f[0-9]-*/last.ckpt"))


def wait_for_both_ranks(run, process) -> None:
    """Wait until the cell's file says that the second rank fine-tunes, and two fine-tunings are saved."""
    heard, deadline = False, time.monotonic() + 240
    while not heard or len(checkpoints(run)) < 2:
        cells = [path.read_text() for path in run.directory.glob("results/adhoc/cells/[!.]*.json")]
        heard = heard or any('"running"' in cell and "on rank 1" in cell for cell in cells)
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def records(run) -> list[dict]:
    return [json.loads(path.read_text()) for path in sorted(run.directory.glob("results/adhoc/records/*.json"))]


def test_ranks_that_fine_tune_save_when_stopped_and_go_on(command):
    run = command("ranks", *RANKS, *STUDY)
    process = run.start()
    wait_for_both_ranks(run, process)
    os.killpg(process.pid, signal.SIGINT)
    lines = process.communicate(timeout=60)[0].splitlines()
    assert process.returncode == 128 + signal.SIGINT, lines
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert "stopped by SIGINT" in error
    assert "the same command goes on" in error
    assert "Traceback" not in "\n".join(lines)
    assert run.processes() == {}
    assert len(checkpoints(run)) == 2, "each saved its own"
    assert len(records(run)) <= 2

    assert run.run() == 0, "\n".join(run.lines)
    assert [record["status"] for record in records(run)] == ["done"] * 4
    assert len(run.resumed_at()) == 2


def test_a_job_of_which_a_rank_is_killed_in_a_fine_tuning_ends_and_nothing_failed(command):
    run = command("job", *RANKS, *STUDY)
    process = run.start(*TORCHRUN)
    wait_for_both_ranks(run, process)
    os.kill(run.last_child(process.pid), signal.SIGKILL)
    process.communicate(timeout=120)
    assert process.returncode != 0
    assert run.processes() == {}
    assert {record["status"] for record in records(run)} <= {"done"}
    assert len(checkpoints(run)) == 2, "the other one's too"


def test_a_rank_that_is_killed_fails_its_record_alone_and_the_same_command_makes_it(command):
    """Six fine-tunings: enough that the second rank, which starts later, still finds some."""
    run = command("killed", *RANKS, *STUDY[:1], *STUDY[2:], "finetuning.seeds=[1,2,3,4,5,6]")
    process = run.start()
    wait_for_both_ranks(run, process)
    (rank,) = [
        pid
        for pid, (parent, _) in run.processes().items()
        if parent == process.pid and b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    os.kill(rank, signal.SIGKILL)
    lines = process.communicate(timeout=240)[0].splitlines()
    assert process.returncode == 1, lines
    (error,) = [line for line in lines if line.startswith("error: ")]
    assert "rank 1 was killed by SIGKILL in its midst; run the same command again" in error
    assert sorted(record["status"] for record in records(run)) == ["done"] * 5 + ["failed"]
    left = len(checkpoints(run))  # none where it was killed before its first one
    assert left <= 1

    assert run.run() == 0, "\n".join(run.lines)
    assert [record["status"] for record in records(run)] == ["done"] * 6
    assert len(run.resumed_at()) == left, "from its last checkpoint"
