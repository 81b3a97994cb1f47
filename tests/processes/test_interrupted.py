"""A run that is killed, stopped or run by several processes ends as if it had not been."""

import signal

import pytest

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
    [("trainer.accumulation=2", "trainer.num_workers=2", "masking=static"), DDP],
    ids=["accumulation and workers", "two processes"],
)
def test_a_killed_run_resumes_and_ends_in_the_same_bytes(command, same, uninterrupted, arguments):
    killed = command("killed", *arguments)
    assert killed.signalled_when(PRETRAINING, signal.SIGKILL) == -signal.SIGKILL
    assert killed.signalled_when(FINETUNING, signal.SIGKILL) == -signal.SIGKILL
    (pretrained,) = killed.resumed_at()
    assert pretrained > 0
    assert killed.run() == 0, "\n".join(killed.lines)
    (finetuned,) = killed.resumed_at()
    assert finetuned > 0
    same(killed.outputs(), uninterrupted(*arguments)[0])


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"])
def test_a_stopped_sweep_says_how_to_go_on(command, signum, status):
    arguments = ("-m", "masking=dynamic,static", "trainer.num_workers=1")
    stopped = command("stopped", *arguments)
    assert stopped.signalled_when(PRETRAINING, signum) == status
    (line,) = [line for line in stopped.lines if line.startswith("error: ")]
    assert f"stopped by {signum.name} at update" in line
    assert "the same command goes on" in line
    assert "Traceback" not in "\n".join(stopped.lines)
    assert len(list(stopped.directory.glob("artifacts/runs/*"))) == 1, "the next cell was not begun"
    assert not list(stopped.directory.glob("results/adhoc/records/*")), "nothing failed"
