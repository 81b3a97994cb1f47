"""In which turn a cell makes its results, where others make some of them at the same time."""

import math

import pytest

from nsp_ablation.base.owned_paths import locked
from nsp_ablation.pipeline import results as pipeline_results
from nsp_ablation.pipeline.encoders import encoders_of
from nsp_ablation.pipeline.results import bytes_to_read, make_missing, results_of
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.reporting.records.record_folder import RecordFolder


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture
def results(config, artifacts):
    """results("key=value"): what the cell of a command makes, from task files that are written once."""

    def make(*words):
        found = config(f"paths.artifacts={artifacts}", "corpus=microworld", "corpus.num_documents=200", *words)
        encoders = encoders_of(found)
        tasks = tasks_of(found, encoders[0].stores.corpus)
        return [result for encoder in encoders for result in results_of(found, encoder, tasks)]

    return make


@pytest.fixture
def made(monkeypatch):
    """The results whose turn it was, none of which is really made; `made.then(result)` follows each."""

    class Made(list):
        then = staticmethod(lambda result: None)

    found = Made()

    def note(result, folder, without):
        found.append(result)
        found.then(result)

    monkeypatch.setattr(pipeline_results, "_make_locked", note)
    return found


def lock_of(result):
    return locked(result.encoder.root / "locks" / f"{result.id}.lock", 0)


def test_what_reads_most_comes_first_and_probes_last(results):
    """Bytes of the training file, times passes, times how often an example repeats its text."""
    made = results("encoder=random", "tasks=[in_context_recall,sst2,squad1]", "finetuning.seeds=[1,2]")
    order = sorted(made, key=bytes_to_read, reverse=True)
    names = [result.task.options.name for result in order]
    assert names[-1] == "in_context_recall"
    assert names.index("sst2") > names.index("squad1"), "short sentences, read once"
    assert bytes_to_read(order[-1]) == 0
    assert all(0 < bytes_to_read(result) < math.inf for result in order[:-1])


def test_own_results_come_first_in_their_order_then_those_of_the_untrained_longest_first(results, made, tmp_path):
    ours = results("tasks=[sst2,in_context_recall,squad1]", "finetuning.untrained_row=true")
    assert make_missing(ours, RecordFolder(tmp_path)) == []
    names = [(result.encoder.arm, result.task.options.name) for result in made]
    assert names[:3] == [("trained", name) for name in ("sst2", "in_context_recall", "squad1")]
    assert names[3:] == [("random", name) for name in ("squad1", "sst2", "in_context_recall")]


def test_cells_at_once_share_the_work_and_each_result_has_one_maker(results, made, tmp_path):
    """One takes a result while the other makes the first: it skips what is being made, and comes back to it."""
    ours = results("encoder=random", "tasks=[sst2,squad1,squad2,in_context_recall]")
    by_length = sorted(ours, key=bytes_to_read, reverse=True)
    first, second, *rest = by_length
    theirs = lock_of(first)
    theirs.__enter__()

    def other_process(result):
        with pytest.raises(pipeline_results.LockHeldError), lock_of(result):
            pass  # nobody else makes it meanwhile
        if len(made) == 2:
            theirs.__exit__(None, None, None)

    made.then = other_process
    assert make_missing(ours, RecordFolder(tmp_path)) == []
    assert made[:2] == [second, rest[0]]
    assert sorted(result.id for result in made) == sorted(result.id for result in ours)


def test_what_others_make_alone_is_waited_for(results, made, tmp_path, monkeypatch):
    ours = results("encoder=random", "tasks=[sst2,squad1]")
    held = [lock_of(result) for result in ours]
    for lock in held:
        lock.__enter__()
    timeouts = []

    def wait(path, timeout_seconds=None):
        timeouts.append(timeout_seconds)
        if timeout_seconds is None:
            for lock in held:
                lock.__exit__(None, None, None)
            held.clear()
        return locked(path, timeout_seconds)

    monkeypatch.setattr(pipeline_results, "locked", wait)
    assert make_missing(ours, RecordFolder(tmp_path)) == []
    assert timeouts == [0, 0, None, 0]
    assert len(made) == 2
