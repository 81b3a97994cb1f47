"""A killed preparation: finished shards are not made again, nothing half-written is seen, no process outlives it.

Once the corpus is cut into shards, two of its files become named pipes that nobody writes to, so that a run stops in
front of them, wherever the machine is fast or slow, until it is killed; files with the content take their places before
the next run.
"""

import gzip
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nsp_ablation.options.corpus_options import CorpusOptions
from nsp_ablation.text.corpus.piece import Piece
from nsp_ablation.text.corpus.source import Source
from nsp_ablation.text.store.build_stores import build_shards, build_stores, shard_calls
from nsp_ablation.text.store.shard import ShardRecipe

MAX_SHARD_BYTES = 1000
FILES_OF_A_SHARD = 3 * 6 + 1  # of each part its arrays, texts, digests and meta.json; checksums
# Run by a Python of its own: makes the shards up to those of `pipes`; without any the stores, in files of at most
# `file_bytes` (the kernel kills it beyond).
SCRIPT = """
import os, pickle, resource, signal, sys
from nsp_ablation.text.store.build_stores import build_shards, build_stores, shard_calls

if __name__ == "__main__":
    arguments = pickle.loads(bytes.fromhex(sys.argv[1]))
    source, recipe, directory, num_processes, max_shard_bytes, file_bytes, pipes = arguments
    if file_bytes is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    options = dict(num_processes=num_processes, max_shard_bytes=max_shard_bytes, say=lambda text: None)
    if not pipes:
        build_stores(source, recipe, directory, **options)
        sys.exit(0)
    calls = shard_calls(source, recipe, directory, max_shard_bytes)
    for path in pipes:
        path.unlink()
        os.mkfifo(path)
    build_shards(calls, num_processes, options["say"])
"""

NAMES = ("a.jsonl", "b.jsonl", "c.jsonl", "d.jsonl.gz", "e.jsonl.gz", "f.jsonl", "g.jsonl")
PIPES = ("d.jsonl.gz", "e.jsonl.gz")


def rows(name):
    return "".join(json.dumps({"text": f"The fox {name} {number} jumped. It rests."}) + "\n" for number in range(15))


def fill(directory, name):
    data = rows(name).encode()
    (directory / name).unlink(missing_ok=True)
    (directory / name).write_bytes(gzip.compress(data) if name in PIPES else data)


@pytest.fixture
def corpus(tmp_path, bbpe):
    """A source of seven files, a shard each; and its recipe."""
    directory = tmp_path / "corpus"
    directory.mkdir()
    for name in NAMES:
        fill(directory, name)
    source = Source(
        CorpusOptions("jsonl", "jsonl", text_key="text"), tuple(Piece(directory / name, 0, None, 999) for name in NAMES)
    )
    return source, ShardRecipe(
        bbpe, "en", split_quotations=True, one_sentence_per_line=False, heldout_fraction=0.2, train_fraction=1.0
    )


def start(tmp_path, source, recipe, directory, num_processes, *, file_bytes=None, pipes=PIPES):
    """Start a run in a process group of its own."""
    (tmp_path / "run.py").write_text(SCRIPT)
    paths = [tmp_path / "corpus" / name for name in pipes]
    arguments = pickle.dumps((source, recipe, directory, num_processes, MAX_SHARD_BYTES, file_bytes, paths)).hex()
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).parents[2] / "src"),
        "PYTHONDONTWRITEBYTECODE": "1",  # `file_bytes` is for the stores alone
    }
    command = [sys.executable, str(tmp_path / "run.py"), arguments]
    return subprocess.Popen(command, env=environment, start_new_session=True, stderr=subprocess.PIPE, text=True)


def wait_until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "this never came true"
        time.sleep(0.005)


def num_in_work(directory):
    """How many shards of the stores are being made."""
    return sum(path.is_dir() for path in directory.with_name("stores.shards").glob(".*-of-*"))


def identities(shards):
    """What changes if a shard is made again: inode and time of each of its files."""
    files = [path for shard in shards for path in sorted(shard.rglob("*")) if path.is_file()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in files}


def content(directory):
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def build(source, recipe, directory, num_processes=1):
    options = {"num_processes": num_processes, "max_shard_bytes": MAX_SHARD_BYTES, "say": lambda text: None}
    return build_stores(source, recipe, directory, **options)


@pytest.mark.parametrize(("num_processes", "num_made"), [(1, 3), pytest.param(2, 3, marks=pytest.mark.slow)])
def test_shards_that_were_finished_before_sigkill_are_not_made_again(tmp_path, corpus, num_processes, num_made):
    directory = tmp_path / "stores"
    calls = shard_calls(*corpus, directory, MAX_SHARD_BYTES)
    assert len(calls) == len(NAMES)
    made = [shard for _, _, shard in calls[:num_made]]
    with start(tmp_path, *corpus, directory, num_processes) as run:
        wait_until(lambda: all(shard.exists() for shard in made) and num_in_work(directory) == num_processes)
        run.kill()
        run.communicate(timeout=30)  # ends when no process holds its end of the pipe
    assert run.returncode == -signal.SIGKILL
    assert [call for call in calls if call[-1].exists()] == calls[:num_made]
    assert not directory.exists()
    before = identities(made)
    for name in PIPES:
        fill(tmp_path / "corpus", name)
    said = []
    build_shards(calls, 1, said.append)
    assert said[0] == f"{num_made} of {len(calls)} shards are there from an earlier run"
    assert len(before) == num_made * FILES_OF_A_SHARD
    assert identities(made) == before
    build(*corpus, directory)
    assert content(directory) == content(build(*corpus, tmp_path / "uninterrupted"))
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"corpus", "stores", "uninterrupted"}


def test_a_killed_merge_leaves_no_store_and_no_shard_is_made_again(tmp_path, corpus):
    expected = content(build(*corpus, tmp_path / "uninterrupted"))
    directory = tmp_path / "stores"
    calls = shard_calls(*corpus, directory, MAX_SHARD_BYTES)
    # Between the largest file of a shard and the largest of the stores, so that the kernel kills in mid-merge.
    file_bytes = max(map(len, expected.values())) * 3 // 4
    with start(tmp_path, *corpus, directory, 1, file_bytes=file_bytes, pipes=()) as run:
        run.wait(60)
    assert run.returncode == -signal.SIGXFSZ
    assert not directory.exists()
    assert [path for path in tmp_path.glob(".stores.*") if any(path.rglob("*.npy"))], "it was killed in the merge"
    before = identities([shard for _, _, shard in calls])
    assert len(before) == len(calls) * FILES_OF_A_SHARD
    build_shards(calls, 1, lambda text: None)
    assert identities([shard for _, _, shard in calls]) == before
    assert content(build(*corpus, directory)) == expected
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"corpus", "stores", "uninterrupted"}


@pytest.mark.slow
def test_ctrl_c_ends_all_processes_with_one_traceback(tmp_path, corpus):
    directory = tmp_path / "stores"
    shards = [shard for _, _, shard in shard_calls(*corpus, directory, MAX_SHARD_BYTES)]
    with start(tmp_path, *corpus, directory, 2) as run:
        wait_until(lambda: all(shard.exists() for shard in shards[:3]) and num_in_work(directory) == 2)
        os.killpg(run.pid, signal.SIGINT)
        _, errors = run.communicate(timeout=30)  # ends when no process holds its end of the pipe
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")
    assert not directory.exists()
    assert shards[2].exists()
