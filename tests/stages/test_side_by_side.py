"""Cells of a sweep at once: on which slots, in which order, what they show, and what one does when another fails."""

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nsp_ablation.base.free_memory import free_memory_bytes
from nsp_ablation.config.identity import encoder_identity
from nsp_ablation.learning.engine.training_progress import ProgressLine, Speed
from nsp_ablation.pipeline.console import is_progress
from nsp_ablation.reporting.records.sweep_cell import CellProgress, SweepCell, runs, write_cell
from nsp_ablation.stages import cell_lines, num_cells
from nsp_ablation.stages.cell_lines import CellLines, ShownCell
from nsp_ablation.stages.neighbours import neighbours_of
from nsp_ablation.stages.side_by_side import cell_names, run_side_by_side


@pytest.fixture
def machine(monkeypatch):
    """machine(4, 1 << 34): so many cores and free bytes from now on."""

    def offer(cores, free):
        monkeypatch.setattr(num_cells, "num_cores", lambda: cores)
        monkeypatch.setattr(num_cells, "free_memory_bytes", lambda: free)

    return offer


@pytest.mark.parametrize(
    ("cores", "free", "words", "slots"),
    [
        (2, 1 << 34, ("format=full,doc",), 2),
        (8, 1 << 34, ("format=full,doc",), 2),  # never more than the cells
        (8, 1 << 34, ("format=full,doc", "seed=1,2,3"), 6),
        (8, 1 << 34, ("format=full,doc", "seed=1,2,3", "model.num_threads=4"), 2),
        (8, None, ("format=full,doc", "seed=1,2,3"), 6),  # a system that does not say
        (8, 3 << 30, ("format=full,doc", "seed=1,2,3"), 4),
        (8, 1 << 20, ("format=full,doc",), 1),
        (1, 1 << 34, ("format=full,doc",), 1),
        (8, 1 << 34, ("format=full,doc", "model.num_threads=null"), 1),  # a cell takes all cores
        (8, 1 << 34, ("format=full,doc", "scale=smoke"), 1),  # less work than a second process begins with
        (1, 1 << 20, ("format=full,doc", "scale=smoke", "launcher.num_cells=2"), 2),  # as it was asked
        (8, 1 << 34, ("format=full,doc", "launcher.num_cells=1"), 1),
        (8, 1 << 34, ("format=full,doc", "launcher.num_cells=9"), 2),
        (8, 1 << 34, ("format=full,doc", "stage=prepare", "launcher.num_cells=2"), 1),
        (8, 1 << 34, ("format=full,doc", "trainer.dry_run=true"), 1),
        (8, 1 << 34, ("format=full,doc", "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2"), 1),
        (8, 1 << 34, ("seed=1",), 1),
    ],
)
def test_cells_at_once_follow_cores_memory_and_work(cells, machine, cores, free, words, slots):
    machine(cores, free)
    configs = [cell.config for cell in cells("-m", *words)]
    assert num_cells.slots_of(configs) == [{}] * slots


def test_in_a_job_of_several_processes_cells_run_one_by_one(cells, machine, monkeypatch):
    machine(8, 1 << 34)
    configs = [cell.config for cell in cells("-m", "format=full,doc")]
    for variable, value in (("TORCHELASTIC_RUN_ID", "x"), ("RANK", "0"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(variable, value)
    assert num_cells.slots_of(configs) == [{}]


@pytest.mark.parametrize(
    ("seen", "visible", "words", "slots"),
    [
        (4, None, ("format=full,doc",), ["0", "1"]),
        (2, "5,GPU-8a", ("format=full,doc", "seed=1,2"), ["5", "GPU-8a"]),
        (1, "3", ("format=full,doc",), None),
        (3, None, ("format=full,doc", "seed=1,2", "launcher.num_cells=2"), ["0", "1"]),
    ],
)
def test_on_gpus_a_cell_has_one_of_its_own(cells, machine, monkeypatch, seen, visible, words, slots):
    machine(8, 1 << 34)
    monkeypatch.setattr("torch.cuda.device_count", lambda: seen)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    configs = [cell.config for cell in cells("-m", "trainer=gpu", *words)]
    expected = [{}] if slots is None else [{"CUDA_VISIBLE_DEVICES": device} for device in slots]
    assert num_cells.slots_of(configs) == expected


def test_free_memory_is_the_least_of_machine_and_container(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       100 kB\nMemAvailable:    80 kB\n")
    assert free_memory_bytes(meminfo, tmp_path) == 80 << 10
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert free_memory_bytes(meminfo, tmp_path) == 80 << 10, "no limit"
    (tmp_path / "memory.max").write_text("51000\n")
    assert free_memory_bytes(meminfo, tmp_path) == 50_000
    (tmp_path / "memory.current").write_text("52000\n")
    assert free_memory_bytes(meminfo, tmp_path) == 0
    assert free_memory_bytes(tmp_path / "nowhere", tmp_path / "nowhere") is None


def test_cells_share_an_encoder_where_only_what_follows_it_differs(cells):
    planned = cells("-m", "format=full,doc", "finetuning.max_steps=3,4", "seed=1,2")
    found = {}
    for cell in planned:
        config = cell.config
        found.setdefault(encoder_identity(config), set()).add((config.format.name, config.seed))
    assert sorted(map(len, found.values())) == [1, 1, 1, 1]
    assert encoder_identity(cells("encoder=random")[0].config) is None


def test_what_cells_share_is_named_by_the_first_of_them(cells):
    first, _, second, other_seed = (cell.config for cell in cells("-m", "format=full,doc", "seed=1,2"))
    found = neighbours_of([first, second, other_seed])
    assert [each.earlier for each in found] == [(), (first,), ()]
    without = [cell.config for cell in cells("-m", "format=full,doc", "finetuning.untrained_row=false")]
    assert [each.earlier for each in neighbours_of(without)] == [(), ()]


def test_names_of_cells_are_short_and_unlike(cells):
    names = cell_names([cell.config for cell in cells("-m", "format=full,doc")])
    assert names == ["full-mlm-dynamic-p1", "doc-mlm-dynamic-p1"]
    names = cell_names([cell.config for cell in cells("-m", "pretraining.max_steps=5,6")])
    assert len({*names}) == 2
    assert all(name.startswith("full-mlm-dynamic-p1-") for name in names)


def test_what_trainings_say_every_few_seconds_is_known_as_progress():
    lines = []
    line = ProgressLine(lines.append, max_steps=100)
    line.show(20, 2.3, Speed(2000.0, mfu=0.5, padding=0.1))
    assert is_progress(f" pretrain | {lines[0]}")
    assert is_progress(" finetune | squad1 seed 1: update 3/40  loss 0.693")
    for other in (
        "pretrain | resumed at update 12",
        "finetune | a: f1 0.3 (2.0 s)",
        "error: stopped at update 3/4",
        "",
    ):
        assert not is_progress(other)


@pytest.fixture
def shown(tmp_path):
    """shown("full"): a cell that keeps a file, with a log of its output."""

    def cell(name):
        return ShownCell(name, (tmp_path, name), io.StringIO())

    return cell


def test_lines_of_cells_are_whole_and_named_and_errors_come_at_once(shown, capsys):
    lines = CellLines()
    full, doc = shown("full"), shown("doc")
    lines.add(full)
    lines.add(doc)
    lines.hear(full, b" prepare | a to")
    lines.hear(doc, b"error: corpus.path=\xff is\n prepare | caf\xc3")
    lines.hear(full, b"kenizer\n pretrain | update 3/5  loss 2.1  9 tokens/s\n")
    lines.hear(doc, b"\xa9")
    log = doc.log
    log.close = lambda: None
    lines.remove(doc, "failed after 0:00:01")
    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "full | prepare | a tokenizer",
        "doc | prepare | café",
        "doc | failed after 0:00:01",
    ]
    assert printed.err == "error: doc: corpus.path=\N{REPLACEMENT CHARACTER} is\n"
    assert "update 3/5" in full.log.getvalue(), "the log has all of it"
    assert log.getvalue().splitlines()[1].endswith("café")


def running(folder, key, progress):
    write_cell(folder, SweepCell(key, [], [], "running", None, progress))


def test_cells_show_a_line_of_their_data_once_and_keep_it_each(shown, capsys):
    lines = CellLines()
    full, doc = shown("full"), shown("doc")
    lines.hear(full, b"     card | documents   30\n     card | cut sentences   0\n prepare | ready\n")
    lines.hear(doc, b"     card | documents   30\n     card | cut sentences   7\n prepare | ready\n")
    assert capsys.readouterr().out.splitlines() == [
        "full | card | documents   30",
        "full | card | cut sentences   0",
        "full | prepare | ready",
        "doc | card | cut sentences   7",
        "doc | prepare | ready",
    ]
    assert "documents   30" in doc.log.getvalue()


def test_a_plain_log_has_a_line_at_each_phase_and_every_ten_seconds(shown, tmp_path, monkeypatch, capsys):
    clock = [1000.0]
    monkeypatch.setattr(cell_lines.time, "monotonic", lambda: clock[0])
    lines, cell = CellLines(), shown("full")
    lines.add(cell)
    said = []
    with runs(tmp_path, "full"):
        for seconds, progress in (
            (1, CellProgress("prepare")),
            (11, CellProgress("prepare")),  # nothing new
            (1, CellProgress("pretrain", 0, 9)),
            (5, CellProgress("pretrain", 3, 9, 1000.0, 2.5, 6.0)),  # not yet
            (6, CellProgress("pretrain", 6, 9, 1000.0, 2.25, 3.0)),
            (1, CellProgress("finetune sst2 seed 1")),
        ):
            clock[0] += seconds
            running(tmp_path, "full", progress)
            lines.tick()
            said.append(capsys.readouterr().out)
    assert said == [
        "full | prepare\n",
        "",
        "full | pretrain, update 0 of 9\n",
        "",
        "full | pretrain, update 6 of 9, loss 2.250, 1,000 tokens/s, 0:00:03 left\n",
        "full | finetune sst2 seed 1\n",
    ]


def test_in_a_terminal_a_line_for_each_cell_is_drawn_anew(shown, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((31, 24)))
    lines = CellLines()
    for name in ("full", "doc"):
        lines.add(shown(name))
    with runs(tmp_path, "full"):
        running(tmp_path, "full", CellProgress("pretrain", 3, 9, 1000.0, 2.5, 6.0))
        lines.tick()
        lines.say("doc", "started")
    drawn = "full | pretrain, update 3 of 9\ndoc | starts\n"
    assert capsys.readouterr().out == f"{drawn}\x1b[2A\x1b[Jdoc | started\n"
    assert max(map(len, drawn.splitlines())) <= 30


def test_a_log_that_cannot_be_written_ends_and_the_cell_is_shown_on(shown, capsys):
    cell = shown("full")
    cell.log = open("/dev/full", "w")  # noqa: SIM115 closed below
    log, lines = cell.log, CellLines()
    lines.add(cell)
    lines.hear(cell, b"one\ntwo\n")
    printed = capsys.readouterr()
    assert printed.out.splitlines() == ["full | one", "full | two"]
    assert printed.err.count("cannot be written") == 1
    with pytest.raises(OSError, match="No space"):
        log.close()


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


LISTENER = """
import os, sys, time
from nsp_ablation.base.orphans import listen_to
control = int(sys.argv[1])
listen_to(control)
print("up", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(("sent", "status"), [(bytes([signal.SIGTERM]), -signal.SIGTERM), (b"", -signal.SIGKILL)])
def test_a_pipe_stops_a_process_and_its_end_kills_it(sent, status):
    theirs, control = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(theirs)], pass_fds=[theirs], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "up\n"
    os.close(theirs)
    if sent:
        os.write(control, sent)
    else:
        os.close(control)
    assert process.wait(10) == status
    process.stdout.close()
    if sent:
        os.close(control)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux alone ends a child with its parent")
def test_a_process_ends_with_the_one_that_started_it():
    child = (
        "import os, sys, time; from nsp_ablation.base.orphans import end_with; "
        "end_with(int(sys.argv[1])); print(os.getpid(), flush=True); time.sleep(60)"
    )
    parent = (
        "import os, subprocess, sys, time; "
        f"subprocess.Popen([sys.executable, '-c', {child!r}, str(os.getpid())]); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    pid = int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 5
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    late = subprocess.run([sys.executable, "-c", child, str(os.getpid() + 1)], capture_output=True)
    assert late.returncode == 1, "the parent had ended before"


@pytest.mark.slow
def test_where_cells_are_not_forked_each_is_a_fresh_process(cells, capsys):
    """As with a GPU each, and on other systems; the cell whose corpus is no JSON fails, and the other is done. 8 s."""
    Path("bad.jsonl").write_text('{"text": "One. Two."}\nno JSON\n')
    Path("good.jsonl").write_text("".join(f'{{"text": "Ann saw {n} cats. They saw Ann."}}\n' for n in range(80)))
    planned = cells(
        *("-m", "corpus=jsonl", "corpus.path=bad.jsonl,good.jsonl", "stage=prepare", "scale=smoke", "max_length=16"),
        *("tokenizer.vocab_size=270", "tasks=[heldout_mlm]", "corpus.heldout_fraction=0.2"),
    )
    slots = [{"CUDA_VISIBLE_DEVICES": name} for name in ("7", "8")]
    status = run_side_by_side([cell.config for cell in planned], [cell.overrides for cell in planned], slots)
    printed = capsys.readouterr()
    assert status == 1, printed
    assert len(printed.err.splitlines()) == 1, printed.err
    error = printed.err.rstrip()
    assert "bad.jsonl" in error
    assert "line 2" in error or ":2" in error
    done = [line for line in printed.out.splitlines() if " | done after" in line]
    failed = [line for line in printed.out.splitlines() if " | failed after" in line]
    assert (len(done), len(failed)) == (1, 1)
    log = Path(failed[0].partition("its output: ")[2])
    assert error.partition(": ")[2].partition(": ")[2] in log.read_text()
