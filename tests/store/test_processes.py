"""Calls in processes of their own: each is made once, its error comes back as it was, a dead process is said to be."""

import importlib
import multiprocessing
import os
import re

import pytest

from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.base.process import num_cores
from nsp_ablation.text.store.worker_processes import run_calls

# A module that the spawned processes can import, as they could not import a test.
MODULE = """
import os, signal, sys, time
from nsp_ablation.base.errors import DamageError
from nsp_ablation.text.store.shard import build_shard

def tell(value, report):
    report(10 * value)
    report(10 * value + 1)

def fail(kind, report):
    if kind == "damage":
        raise DamageError("corpus.jsonl:2 is not JSON")
    if kind == "mistake":
        raise ValueError("operands could not be broadcast")
    if kind == "other":
        return 1 // 0
    if kind == "death":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)

def surroundings(report):
    report(int(os.environ["RAYON_NUM_THREADS"]))
    report(["false", "true"].index(os.environ["TOKENIZERS_PARALLELISM"]))
    report(sum(name in sys.modules for name in ("torch", "transformers", "datasets", "pytorch_lightning")))
    report(int(signal.getsignal(signal.SIGINT) == signal.SIG_IGN))
"""


@pytest.fixture
def calls(tmp_path, monkeypatch):
    (tmp_path / "calls_of_test_processes.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("calls_of_test_processes")
    assert not multiprocessing.active_children(), "a process outlives its calls"


def test_every_call_is_made_once_and_reports_in_its_own_order(calls):
    events = list(run_calls(calls.tell, [(number,) for number in range(7)], 2, 1))
    by_call = [[told for number, told in events if number == call] for call in range(7)]
    assert by_call == [[10 * call, 10 * call + 1, None] for call in range(7)]


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("damage", DamageError, r"^corpus\.jsonl:2 is not JSON$"),
        ("mistake", RuntimeError, "^ValueError: operands could not be broadcast$"),
        ("other", RuntimeError, "^ZeroDivisionError: integer.* by zero$"),
        (
            "death",
            InputError,
            r"^a process of the preparation was ended by signal 9 \(Killed\), .* smaller corpus\.num_processes$",
        ),
    ],
)
def test_an_error_or_a_death_ends_all_processes_and_is_raised_once(calls, kind, error, message):
    with pytest.raises(error) as raised:
        list(run_calls(calls.fail, [("sleep",), (kind,)], 2, 1))
    assert re.search(message, str(raised.value))
    notes = getattr(raised.value, "__notes__", [])
    assert ["calls_of_test_processes.py" in note for note in notes] == [True] * (error is RuntimeError), "its traceback"


@pytest.mark.parametrize("num_threads", [1, 3])
def test_a_process_has_its_share_of_cores_and_no_heavy_library(calls, num_threads):
    assert list(run_calls(calls.surroundings, [()], 1, num_threads)) == [
        (0, num_threads),
        (0, int(num_threads > 1)),
        (0, 0),
        (0, 1),
        (0, None),
    ]


def test_cores_are_those_that_this_process_may_use():
    available = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(available)})
    try:
        assert num_cores() == 1
    finally:
        os.sched_setaffinity(0, available)
    assert num_cores() == len(available)
