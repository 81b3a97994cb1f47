"""A run that is killed, stopped or run by several processes ends as if it had not been."""

import json
import re
import signal

import pytest
import torch

DDP = (
    "trainer=ddp",
    "trainer.accelerator=cpu",
    "trainer.devices=2",
    "trainer.precision=32-true",
    "trainer.num_workers=0",
)
PRETRAINING, FINETUNING = "artifacts/runs/*/last.ckpt", "artifacts/runs/*-f1-*/last.ckpt"

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    "arguments",
    [("masking=static", "trainer.num_workers=2"), ("masking=dynamic", *DDP)],
    ids=["accumulation and workers", "two processes"],
)
def test_a_killed_run_resumes_and_ends_in_the_same_bytes(command, same_results, uninterrupted, arguments):
    """Two processes cut an update as two micro-batches do, and the sum of two numbers has one rounding."""
    killed = command("killed", *arguments)
    assert killed.signalled_when(PRETRAINING, signal.SIGKILL) == -signal.SIGKILL
    assert killed.signalled_when(FINETUNING, signal.SIGKILL) == -signal.SIGKILL
    (pretrained,) = killed.resumed_at()
    assert pretrained > 0
    assert killed.run() == 0, "\n".join(killed.lines)
    (finetuned,) = killed.resumed_at()
    assert finetuned > 0
    same_results(killed.outputs(), uninterrupted[0])


@pytest.mark.parametrize(
    ("signum", "status", "arguments", "whole_group"),
    [(signal.SIGTERM, 143, ("trainer.num_workers=1", "launcher.num_cells=1"), True), (signal.SIGINT, 130, DDP, False)],
    ids=["TERM to all processes", "INT to the first of two ranks"],
)
def test_a_stopped_sweep_says_how_to_go_on(command, signum, status, arguments, whole_group):
    """Cells one after another: the one that ran says it. Of cells side by side each does (test_side_by_side.py)."""
    stopped = command("stopped", "-m", "masking=dynamic,static", "pretraining.max_steps=3000", *arguments)
    assert stopped.signalled_when(PRETRAINING, signum, whole_group) == status
    (line,) = [line for line in stopped.lines if line.startswith("error: ")]
    assert f"stopped by {signum.name} at update" in line
    assert "the same command goes on" in line
    assert "Traceback" not in "\n".join(stopped.lines)
    assert len(list(stopped.directory.glob("artifacts/runs/*"))) == 1, "the next cell was not begun"
    assert not list(stopped.directory.glob("results/adhoc/records/*")), "nothing failed"


@pytest.mark.parametrize(
    "arguments",
    [("trainer.num_workers=2",), DDP, ("-m", "masking=dynamic,static", "launcher.num_cells=2")],
    ids=["workers", "ranks", "cells side by side"],
)
def test_slurm_requeues_a_job_that_has_saved_and_said_so(command, asked_of_slurm, tmp_path, arguments):
    """Slurm sends its signal to all processes of a job, and ends what asks it: nothing may be left to do."""
    asks = 'cp -r artifacts/runs saved; echo "asked: $@" >> /proc/$PPID/fd/2; kill -TERM $PPID; sleep 1'
    (tmp_path / "scontrol").write_text(f"#!/bin/sh\n{asks}\n")
    stopped = command("stopped", "pretraining.max_steps=3000", *arguments)
    assert stopped.signalled_when(PRETRAINING, signal.SIGUSR1, to_all=True) > 128
    asked = [number for number, line in enumerate(stopped.lines) if line == "asked: requeue 7"]
    assert len(asked) == 1, "\n".join(stopped.lines)
    said = [int(update) for line in stopped.lines[: asked[0]] for update in re.findall(r" at update (\d+);", line)]
    saved = [
        torch.load(path, weights_only=False)["global_step"] for path in stopped.directory.glob("saved/*/last.ckpt")
    ]
    assert sorted(saved) == sorted(said)
    assert min(saved) > 0
    assert "Traceback" not in "\n".join(stopped.lines)


def test_a_diverging_cell_fails_and_the_sweep_goes_on(command):
    sweep = command("sweep", "-m", "pretraining.learning_rate=10,1e-3", "pretraining.gradient_clip=0")
    for _ in range(2):  # typed again, it says the same, and does nothing twice
        assert sweep.run() == 1
        (line,) = [line for line in sweep.lines if line.startswith("error: ")]
        assert "diverged; lower pretraining.learning_rate=10.0" in line
        records = [json.loads(path.read_text()) for path in sweep.directory.glob("results/adhoc/records/*.json")]
        assert sorted(record["status"] for record in records) == ["done", "done", "failed", "failed"]
        reasons = {record["reason"] for record in records if record["status"] == "failed"}
        assert all("diverged" in reason for reason in reasons)
    assert not [line for line in sweep.lines if "encoder ->" in line]
