"""A device that is not there: one line for a whole sweep, before anything is prepared."""

import sys

import pytest

from nsp_ablation.base.errors import InputError
from nsp_ablation.pipeline.cell_life import cell_key
from nsp_ablation.reporting.records.sweep_cell import SweepCell, write_cell
from nsp_ablation.stages.cell import results_folder
from nsp_ablation.stages.needed_device import check_devices

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-m", "trainer=gpu", "format=full,doc"), ("trainer.accelerator=gpu", "use trainer=cpu", "2 of 2 cells")),
        (("-m", "trainer=gpu,cpu", "seed=1,2", "stage=pretrain"), ("trainer.accelerator=gpu", "2 of 4 cells")),
        (("trainer=ddp", "stage=finetune", "encoder=random"), ("trainer.accelerator=gpu", "use trainer=cpu")),
        (("trainer.accelerator=mps",), ("trainer.accelerator=mps", "set trainer.accelerator=cpu")),
        (("stage=export", "export.output=out", "trainer.accelerator=gpu"), ("set trainer.accelerator=cpu",)),
    ],
)
def test_one_line_for_all_cells_and_nothing_is_prepared(nsp, tmp_path, arguments, words):
    ended = nsp("scale=smoke", *sorted(arguments, key=lambda word: word != "-m"))
    assert (ended.status, ended.out) == (1, "")
    (line,) = ended.err.splitlines()
    assert all(word in line for word in words), line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("stage=cost", "trainer=gpu"),
        ("trainer.dry_run=true", "trainer=ddp", "trainer.devices=4096"),
        ("stage=prepare", "trainer=gpu"),
    ],
    ids=lambda words: words[0],
)
def test_what_trains_nothing_needs_no_device(nsp, smoke_artifacts, arguments):
    ended = nsp("scale=smoke", smoke_artifacts, *arguments)
    assert (ended.status, ended.err) == (0, "")


def test_a_cell_that_is_done_needs_no_device(cells):
    """A finished study of a GPU is looked at, and completed by its table, on any machine."""
    done, open_cell = (cell.config for cell in cells("-m", "trainer=gpu", "format=full,doc"))
    write_cell(results_folder(done), SweepCell(cell_key(done), [], [], "done", None))
    check_devices([done])
    write_cell(results_folder(done), SweepCell(cell_key(done), [], [], "failed", "diverged"))
    with pytest.raises(InputError, match="2 of 2 cells"):
        check_devices([done, open_cell])


@pytest.mark.parametrize(
    ("key", "value", "remedy"),
    [
        ("devices", "2", "1"),
        ("num_nodes", "2", "1"),
        ("precision", "bf16-mixed", "32-true"),
        ("compile", "true", "false"),
    ],
)
def test_what_apples_gpu_cannot_do_is_refused_as_it_is_typed(refused, config, key, value, remedy):
    (line,) = refused("trainer.accelerator=mps", f"trainer.{key}={value}")
    assert f"needs trainer.{key}={remedy}" in line
    assert config("trainer.accelerator=mps", f"trainer.{key}={remedy}").trainer.accelerator == "mps"


@pytest.mark.parametrize("platform", ["darwin", "freebsd14"])
def test_data_workers_are_refused_where_a_fork_is_not_safe(cells, monkeypatch, platform):
    """DataLoader would start them anew there, with a copy of the store each."""
    workers, none, cost = (
        cells(f"trainer.num_workers={number}", *more)[0].config
        for number, more in ((2, ()), (0, ()), (2, ("stage=cost",)))
    )
    check_devices([workers])
    monkeypatch.setattr(sys, "platform", platform)
    check_devices([none, cost])
    with pytest.raises(InputError, match="trainer.num_workers=2: .*; set trainer.num_workers=0"):
        check_devices([workers])
