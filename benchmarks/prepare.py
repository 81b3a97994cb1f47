"""Preparation of text into token stores beside `tokenizers` alone: throughput, and peak memory of every process.

Every figure is taken by a process of its own, in turns. `tokenizers` alone is the time of its `encode_batch_fast` over
the same sentences with all cores; ours is the time from files to finished stores: reading, splitting, encoding,
writing, merging, and the start of processes. `--tasks` names numbers of workers of preparation=datatrove_local, which
makes the same stores as tasks of an engine. Memory is VmHWM of /proc.
"""

import argparse
import itertools
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from table import rate, write_table

ALONE, TASKS = "tokenizers alone", "tasks-"
TOKENIZER_MEGABYTES = 20


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        print(json.dumps(measure(*sys.argv[2:])))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", help="JSON lines with `text`: a file, directory or glob (default: the micro-world)")
    parser.add_argument("--megabytes", type=int, help="repeat the text to this size; each copy has a prefix of its own")
    parser.add_argument("--vocab-size", type=int, help="of the byte-level BPE (default: 752 for the micro-world, 8192)")
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--tasks", type=int, nargs="+", default=[], help="workers of preparation=datatrove_local")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true", help="leave the peer out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        corpus, tokenizer = make_inputs(Path(scratch), arguments.text, arguments.megabytes, arguments.vocab_size)
        own = [str(number) for number in arguments.processes] + [f"{TASKS}{number}" for number in arguments.tasks]
        ways = own if arguments.memory_only else [ALONE, *own]
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in ways}
        for number, way in itertools.product(range(arguments.rounds), ways):
            runs[way].append(child(way, corpus, tokenizer, Path(scratch) / f"stores-{number}-{way}"))
            print(f"round {number + 1}: {way}: {runs[way][-1]}", file=sys.stderr)
        megabytes = corpus.stat().st_size / 1e6
    stores = {run["store"] for way in own for run in runs[way]}
    assert len(stores) == 1, f"the stores differ: {stores}"
    notes = [
        f"{megabytes:.0f} MB of JSON lines, {runs[own[0]][0]['tokens']:,} tokens; rounds: {arguments.rounds}, in "
        "turns, and their median.",
        f"The stores of all runs are the same: {stores.pop()}.",
    ]
    columns = ["way", "text", "tokens", f"ratio to {ALONE}", "peak memory, first process", "peak memory, each worker"]
    name = f"prepare_{'text_' if arguments.text else ''}{'tasks_' if arguments.tasks else ''}{megabytes:.0f}_mb"
    write_table(name, f"Preparation of {megabytes:.0f} MB", columns, [row(way, runs, megabytes) for way in ways], notes)


def row(way: str, runs: dict[str, list[dict[str, Any]]], megabytes: float) -> list[str]:
    seconds = statistics.median(run["seconds"] for run in runs[way])
    pairs = zip(runs[ALONE], runs[way], strict=True) if ALONE in runs else ()
    ratios = [alone["seconds"] / run["seconds"] for alone, run in pairs]
    worker = max(run["worker_megabytes"] for run in runs[way])
    return [
        title(way),
        f"{megabytes / seconds:.2f} MB/s",
        rate(runs[way][0]["tokens"] / seconds, "tokens/s"),
        f"{statistics.median(ratios):.2f}" if ratios else "not measured",
        f"{max(run['megabytes'] for run in runs[way]):.0f} MB",
        f"{worker:.0f} MB" if worker else "none",
    ]


def title(way: str) -> str:
    if way == ALONE:
        return way
    kind, number = ("datatrove_local", way.removeprefix(TASKS)) if way.startswith(TASKS) else ("ours", way)
    noun = ("worker", "workers") if way.startswith(TASKS) else ("process", "processes")
    return f"{kind}, {number} {noun[number != '1']}"


def make_inputs(scratch: Path, text: str | None, megabytes: int | None, vocab_size: int | None) -> tuple[Path, Path]:
    """Write the corpus, one file of JSON lines, and train the tokenizer on its beginning; return both places."""
    from nsp_ablation.options.corpus_options import CorpusOptions, TokenizerOptions
    from nsp_ablation.text.corpus.jsonl import read
    from nsp_ablation.text.corpus.piece import expand, whole
    from nsp_ablation.text.microworld.world_documents import write_documents
    from nsp_ablation.text.tokenization.tokenizer import train_tokenizer

    if text is None:
        write_documents(scratch / "world.jsonl", 20_000, seed=1)
    options = CorpusOptions("jsonl", "jsonl", text_key="text")
    files = [whole(path) for path in expand(text or str(scratch / "world.jsonl"))]
    corpus = scratch / "corpus.jsonl"
    max_bytes = megabytes * 10**6 if megabytes is not None else None
    num_bytes = 0
    with open(corpus, "w", encoding="utf-8") as file:
        for copy in itertools.count():
            for document in read(options, tuple(files)):
                prefix = f"Copy {copy}: " if copy else ""
                num_bytes += file.write(json.dumps({"text": prefix + document.text}) + "\n")
                if max_bytes is not None and num_bytes >= max_bytes:
                    break
            if max_bytes is None or num_bytes >= max_bytes:
                break
    vocab_size = vocab_size or (752 if text is None else 8192)
    texts = (document.text for document in read(options, (whole(corpus),)))
    beginning = _beginning(texts, TOKENIZER_MEGABYTES * 10**6)
    train_tokenizer(TokenizerOptions("bbpe", vocab_size), beginning, scratch / "tokenizer")
    return corpus, scratch / "tokenizer"


def child(way: str, corpus: Path, tokenizer: Path, directory: Path) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", way, str(corpus), str(tokenizer), str(directory)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def measure(way: str, corpus: str, tokenizer: str, directory: str) -> dict[str, Any]:
    """Return seconds, tokens and peak memory of one way; runs in a process of its own."""
    from nsp_ablation.options.corpus_options import CorpusOptions
    from nsp_ablation.text.corpus.piece import whole
    from nsp_ablation.text.corpus.source import Source
    from nsp_ablation.text.store.shard import ShardRecipe

    source = Source(CorpusOptions("jsonl", "jsonl", text_key="text"), (whole(Path(corpus)),))
    layout = {"split_quotations": True, "one_sentence_per_line": False}
    recipe = ShardRecipe(Path(tokenizer), "en", **layout, heldout_fraction=0.01, train_fraction=1.0)
    workers: dict[int, float] = {}
    threading.Thread(target=_watch_children, args=(workers,), daemon=True).start()
    facts = encode_alone(source, recipe) if way == ALONE else build(source, recipe, Path(directory), way)
    return facts | {"megabytes": _peak_megabytes("self"), "worker_megabytes": max(workers.values(), default=0)}


def encode_alone(source: Any, recipe: Any) -> dict[str, Any]:
    from nsp_ablation.text.corpus.source import read_source
    from nsp_ablation.text.tokenization.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(recipe.tokenizer)
    tokenizer.encode_special_tokens = True
    seconds, num_tokens = 0.0, 0
    sentences = (sentence for text in read_source(source) for sentence in recipe.split(text))
    while batch := list(itertools.islice(sentences, 10_000)):
        started = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        seconds += time.perf_counter() - started
        num_tokens += sum(map(len, encodings))
    return {"seconds": seconds, "tokens": num_tokens}


def build(source: Any, recipe: Any, directory: Path, way: str) -> dict[str, Any]:
    from nsp_ablation.text.store.build_stores import build_stores, shard_bytes
    from nsp_ablation.text.store.token_store import TokenStore

    started = time.perf_counter()
    if way.startswith(TASKS):
        _build_in_tasks(source, recipe, directory, int(way.removeprefix(TASKS)))
    else:
        build_stores(
            source,
            recipe,
            directory,
            num_processes=int(way),
            max_shard_bytes=shard_bytes(source.num_bytes),
            say=lambda text: None,
        )
    seconds = time.perf_counter() - started
    stores = [TokenStore.open(directory / name) for name in ("train", "heldout")]
    name = "-".join(store.fingerprint for store in stores)
    return {"seconds": seconds, "tokens": sum(store.num_tokens for store in stores), "store": name}


def _build_in_tasks(source: Any, recipe: Any, directory: Path, num_workers: int) -> None:
    from nsp_ablation.options.preparation_options import PreparationOptions
    from nsp_ablation.text.preparation.prepare_in_tasks import prepare_in_tasks

    options = PreparationOptions("datatrove_local", num_workers=num_workers)
    prepare_in_tasks(source, recipe, directory, options, say=lambda text: None, finish=add_nothing)


def add_nothing(_: Path) -> None:
    """What a preparation adds to its stores before they appear."""


def _beginning(texts: Iterable[str], num_characters: int) -> Iterator[str]:
    for text in texts:
        if num_characters <= 0:
            return
        num_characters -= len(text)
        yield text


def _watch_children(peaks: dict[int, float]) -> None:
    """Note the peak memory of every child process, as far as it is seen ten times a second."""
    while True:
        for children in Path("/proc/self/task").glob("*/children"):
            for process in map(int, children.read_text().split()):
                peaks[process] = max(peaks.get(process, 0.0), _peak_megabytes(str(process)))
        time.sleep(0.1)


def _peak_megabytes(process: str) -> float:
    """Return VmHWM of /proc/`process`/status; 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), 0.0)


if __name__ == "__main__":
    main()
