"""Stores made in tasks of datatrove are those of one machine; a task that was killed or failed is done again alone."""

import multiprocessing

import pytest

from nsp_ablation.base.errors import DamageError, InputError
from nsp_ablation.options.preparation_options import PreparationOptions
from nsp_ablation.text.preparation.prepare_in_tasks import prepare_in_tasks
from nsp_ablation.text.preparation.task_sources import task_sources
from nsp_ablation.text.preparation.task_states import (
    settle_completions,
    task_folders,
    task_states,
    tasks_folder,
)
from nsp_ablation.text.store.build_stores import calls_of, join_shards, shards_directory

pytest.importorskip(
    "datatrove", reason="the extra cluster is not installed: nothing of preparation=datatrove_* is tested"
)

LOCAL = "datatrove_local"


@pytest.fixture(autouse=True)
def _no_process_is_left():
    yield
    assert not multiprocessing.active_children(), "a process outlives its tasks"


@pytest.fixture
def prepare(tmp_path, source, recipe, module):
    """Prepare in tasks below `tmp_path/tasks`, and return the directory of the stores and what was said."""

    def run(num_tasks, num_workers=2):
        said = []
        options = PreparationOptions(LOCAL, num_tasks=num_tasks, num_workers=num_workers)
        directory = tmp_path / "tasks"
        prepare_in_tasks(source, recipe, directory, options, say=said.append, finish=module.note)
        return directory, said

    return run


@pytest.mark.parametrize(
    ("num_tasks", "num_workers"),
    [(3, 2), pytest.param(1, 1, marks=pytest.mark.slow), pytest.param(2, 1, marks=pytest.mark.slow)],
)
def test_stores_made_in_tasks_are_those_of_one_machine(tmp_path, stores_here, prepare, content, num_tasks, num_workers):
    directory, said = prepare(num_tasks, num_workers)
    assert "note.txt" in stores_here
    assert {name.split("/")[0] for name in stores_here} > {"train", "heldout"}
    assert content(directory) == stores_here
    assert f"shard {num_tasks}/{num_tasks}" in said[-2]
    assert [path.name for path in tmp_path.glob("tasks*")] == ["tasks", "tasks.lock"], "shards and logs are gone"


@pytest.mark.slow
def test_stores_that_are_there_start_no_task(prepare):
    prepare(2)
    _, said = prepare(3)
    assert said == []


@pytest.fixture
def tasks(tmp_path, source, recipe, module):
    """Return (executor of three tasks of which `rank` has a fault on its first run, its calls, directory of runs)."""
    from nsp_ablation.text.preparation.local_tasks import LocalTasks
    from nsp_ablation.text.preparation.pipeline_steps import shard_pipeline

    calls = calls_of(task_sources(source, 3), recipe, tmp_path / "tasks")
    ran = tmp_path / "ran"
    ran.mkdir()

    def make(rank, fault):
        first, *others = shard_pipeline(calls, recipe)
        steps = [first, module.Once(ran, rank, fault), *others]  # between the documents and their sentences
        folder = tasks_folder(tmp_path / "tasks", calls)
        settle_completions(folder, calls)
        return LocalTasks(steps, folder, len(calls), 2)

    return make, calls, ran


@pytest.mark.parametrize(
    ("fault", "error", "message", "num_failed"),
    [
        ("kill", InputError, "task 1 of 3 failed: .* ended by signal 9 .* smaller preparation.num_workers", 0),
        pytest.param("input", InputError, "task 1 of 3 failed: corpus.jsonl:2 is", 1, marks=pytest.mark.slow),
        pytest.param("mistake", RuntimeError, "task 1 of 3 failed: ZeroDivisionError: 1/0", 1, marks=pytest.mark.slow),
    ],
)
def test_a_task_that_was_killed_or_failed_is_done_again_alone(
    tmp_path, stores_here, tasks, module, content, fault, error, message, num_failed
):
    make, calls, ran = tasks
    with pytest.raises(error, match=message):
        make(1, fault).run()
    assert [shard.exists() for _, _, shard in calls] == [True, False, True]
    assert sorted(path.name for path in ran.iterdir()) == ["0-0", "1-0", "2-0"]
    (folder,) = task_folders(shards_directory(tmp_path / "tasks"))
    states = task_states(folder)
    assert (states.num_done, len(states.failed), states.num_open) == (2, num_failed, 1 - num_failed)
    heard = []
    make(1, fault).run(lambda rank, told: heard.append((rank, told)))
    assert heard[-1] == (1, None)
    assert {rank for rank, _ in heard} == {1}
    assert sorted(path.name for path in ran.iterdir()) == ["0-0", "1-0", "1-1", "2-0"]
    join_shards([shard for _, _, shard in calls], tmp_path / "tasks", module.note)
    assert content(tmp_path / "tasks") == stores_here


@pytest.mark.slow
def test_a_failed_task_is_shown_with_its_error_and_log(tmp_path, tasks):
    make, calls, _ = tasks
    folder = tasks_folder(tmp_path / "tasks", calls)
    settle_completions(folder, calls)
    assert list(task_states(folder).lines()) == [
        "tasks 0/3 done, 0 failed, 0 begun and not ended (running, or killed), 3 not begun"
    ]
    with pytest.raises(InputError):
        make(2, "input").run()
    first, failed = task_states(folder).lines()
    assert first == "tasks 2/3 done, 1 failed, 0 begun and not ended (running, or killed), 0 not begun"
    assert failed.startswith("task 2 failed: nsp_ablation.base.errors.InputError: corpus.jsonl:2 is not JSON (log ")
    assert (folder / "logs" / "task_00002.log").is_file()


def test_what_is_done_is_what_has_a_shard(tmp_path, source, recipe):
    from nsp_ablation.text.store.shard import build_shard

    calls = calls_of(task_sources(source, 3), recipe, tmp_path / "tasks")
    folder = tasks_folder(tmp_path / "tasks", calls)
    build_shard(*calls[2])
    (folder / "completions").mkdir(parents=True)
    (folder / "completions" / "00000").touch()
    settle_completions(folder, calls)
    assert [path.name for path in (folder / "completions").iterdir()] == ["00002"]
    (calls[2][-1] / "train" / "ids.npy").write_bytes(b"")
    with pytest.raises(DamageError, match="ids.npy has 0 bytes"):
        settle_completions(folder, calls)


def test_a_join_without_a_shard_says_so(tmp_path, source, recipe):
    calls = calls_of(task_sources(source, 3), recipe, tmp_path / "tasks")
    with pytest.raises(InputError, match="^3 of 3 shards are missing, the first .*; run the same command again"):
        join_shards([shard for _, _, shard in calls], tmp_path / "tasks", lambda directory: None)
    assert not shards_directory(tmp_path / "tasks").exists()
