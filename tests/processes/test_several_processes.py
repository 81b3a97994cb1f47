"""Several processes: on one machine, inside a sweep, under torchrun; and two sweeps at once on one folder."""

import shutil
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


@pytest.mark.parametrize("dropout", ["0", "0.1"])
def test_two_processes_equal_two_micro_batches_to_rounding(command, dropout):
    """Also with dropout, which is drawn by the number of the micro-batch, whichever process has it."""
    options = (*WHOLE, f"model.dropout={dropout}", f"model.attention_dropout={dropout}", "pretraining.max_steps=20")
    one, two = command("one", *options, "trainer.accumulation=2"), command("two", *options, *DDP)
    assert one.run() == 0, "\n".join(one.lines)
    assert two.run() == 0, "\n".join(two.lines)
    expected, found = weights(one), weights(two)
    assert [line for line in two.lines if "encoder ->" in line], "the first process alone says it, once"
    assert len({line for line in two.lines if "updates of" in line}) == 1
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=0, atol=2e-4, err_msg=name)
    assert any((found[name] != value).any() for name, value in expected.items()), "two processes trained"


@pytest.mark.parametrize("several", ["-m", "torchrun"])
def test_a_sweep_on_two_processes_ends_as_the_cells_alone(command, same, several):
    """Inside `-m`, where ranks must not start the sweep anew; and as torchrun's processes, which all run it."""
    options = (*DDP, "trainer.precision=32-true", "tasks=[sst2]", "pretraining.max_steps=10")
    sweep = command("sweep", "-m", "masking=dynamic,static", *options)
    assert sweep.run(*(TORCHRUN if several == "torchrun" else ())) == 0, "\n".join(sweep.lines)
    assert sum("encoder ->" in line for line in sweep.lines) == 2
    assert sum("table.csv" in line or "report ->" in line for line in sweep.lines) <= 1
    for masking in ("dynamic", "static"):
        alone = command(f"alone-{masking}", f"masking={masking}", *options)
        assert alone.run() == 0, "\n".join(alone.lines)
        for path, content in alone.outputs().items():
            if "table.csv" not in path and "manifest" not in path:
                assert sweep.outputs()[path] == content, path


def test_torchrun_with_another_number_of_processes_is_refused(command):
    run = command("run", *WHOLE)
    assert run.run(*TORCHRUN) != 0
    errors = [line for line in run.lines if line.startswith("error: ")]
    assert any("trainer.devices=1" in line and "started 2 processes" in line for line in errors), run.lines


def test_two_sweeps_at_once_share_their_work(command, same, uninterrupted):
    arguments = ("-m", "masking=dynamic,static", "tasks=[sst2]")
    first, second = command("shared", *arguments), command("shared", *arguments)
    processes = [first.start(), second.start()]
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    same(first.outputs(), uninterrupted(*arguments)[0])
    assert sum(output.count("updates of") for output in outputs) == 2, "each encoder was trained once"


def test_any_number_of_workers_gives_the_same_weights_and_seed_0_is_a_seed(command):
    runs = [command(f"run{workers}", *WHOLE, "seed=0", f"trainer.num_workers={workers}") for workers in (0, 1, 2)]
    for run in runs:
        assert run.run() == 0, "\n".join(run.lines)
    expected = weights(runs[0])
    for run in runs[1:]:
        assert all((weights(run)[name] == value).all() for name, value in expected.items())
    other = command("other", *WHOLE, "seed=1")
    shutil.copytree(runs[0].directory / "artifacts" / "stores", other.directory / "artifacts" / "stores")
    assert other.run() == 0
    assert any((weights(other)[name] != value).any() for name, value in expected.items())
