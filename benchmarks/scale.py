"""Index and plan at growing sizes: seconds, memory and disk per format, each measurement in a process of its own.

The corpus is synthetic: memory-mapped borders of sentences and documents, and no tokens, which neither step reads.
Memory is asked for twice: VmHWM of /proc counts pages of mapped files, which the system takes back at will; the largest
RssAnon seen from outside every 20 ms is what cannot be given back. A size whose formula exceeds the free memory is left
out and named. Seconds are those of the processor, over all threads, since a machine may be shared. Sizes up to 1.6
billion sentences (about 160 GB of text) by --sentences, on a machine that has the memory.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from table import write_table

from nsp_ablation.base.process import keep_kernels_by_source
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.registry import make_format
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.text.store.token_store import TokenStore

MEAN_SENTENCES = 25  # per document
MEAN_TOKENS = 20.9  # per sentence, of the law below
CHUNK = 5_000_000
SEQUENCES, LATER, NUM_LATER = 256, 100_000, 50  # of an update; where the plan is asked again, and how often
# Bytes per sentence that either step asks for, rounded up, more than it fills; others: 4.
NEEDED = {"segment_pair": 7, "sentence_pair": 110}
POLL_SECONDS = 0.02


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        keep_kernels_by_source()  # before the imports that compile kernels, which a format's module has
        print(json.dumps(STEPS[sys.argv[2]](Path(sys.argv[3]), *sys.argv[4:])))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=float, nargs="+", default=[1e6, 1e7, 1e8])
    parser.add_argument("--formats", nargs="+", default=list(FORMATS), choices=list(FORMATS))
    parser.add_argument("--scratch", type=Path, help="directory for borders and indexes, deleted afterwards")
    parser.add_argument("--name", default="scale", help="of the files of results")
    arguments = parser.parse_args()
    cells, left_out = [], []
    if arguments.scratch is not None:
        arguments.scratch.mkdir(parents=True, exist_ok=True)
    for number in map(int, arguments.sentences):
        with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
            root = Path(scratch)
            built = child("borders", root, str(number))
            for name in arguments.formats:
                needed, free = NEEDED.get(name, 4) * number, free_bytes()
                if needed > free:
                    left_out.append(
                        f"{name} of {number:,} sentences needs about {giga(needed)}, {giga(free)} were free"
                    )
                    continue
                cells.append({"sentences": number, "format": name, **measured(root, name), **built["value"]})
                print(cells[-1], file=sys.stderr)
        write_cells(arguments.name, cells, left_out)  # after each size: the next one may not end


def measured(root: Path, name: str) -> dict[str, Any]:
    """Return what index and plan of a format take, and delete the index."""
    index = child("index", root, name)
    plan = child("plan", root, name)
    files = list((root / name).iterdir())
    disk = sum(path.stat().st_size for path in files)
    for path in files:
        path.unlink()
    return {
        **index["value"],
        "index_rss": index["rss"],
        "index_anonymous": index["anonymous"],
        "disk": disk,
        **plan["value"],
        "plan_rss": plan["rss"],
        "plan_anonymous": plan["anonymous"],
    }


def child(step: str, root: Path, *words: str) -> dict[str, Any]:
    """Run a step in a process of its own; return what it says and its largest memory, less that of its imports."""
    command = [sys.executable, __file__, "--child", step, str(root), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    anonymous = 0
    while process.poll() is None:
        anonymous = max(anonymous, memory_of(process.pid, "RssAnon"))
        time.sleep(POLL_SECONDS)
    assert process.stdout is not None
    said = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{step} of {words} ended with status {process.returncode}")
    value = json.loads(said)
    base = value.pop("base", {})
    rss = value.pop("peak", 0) - base.get("VmRSS", 0)
    return {"value": value, "rss": rss, "anonymous": max(0, anonymous - base.get("RssAnon", 0))}


def memory_of(pid: int | str, key: str) -> int:
    """Return a figure of /proc in bytes, 0 where the process is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return int(status.partition(f"{key}:")[2].split()[0]) * 1024 if f"{key}:" in status else 0


def free_bytes() -> int:
    return int(Path("/proc/meminfo").read_text().partition("MemAvailable:")[2].split()[0]) * 1024


def baseline() -> dict[str, int]:
    return {key: memory_of("self", key) for key in ("VmRSS", "RssAnon")}


def borders(root: Path, number: str) -> dict[str, Any]:
    """Write the borders of sentences and documents, a chunk at a time; return their numbers."""
    draw, num_sentences = np.random.Generator(np.random.Philox(1)), int(number)
    sentences = np.lib.format.open_memmap(root / "sentences.npy", "w+", np.int64, (num_sentences + 1,))
    sentences[0], ends = 0, [np.zeros(1, np.int64)]
    for first in range(0, num_sentences, CHUNK):
        size = min(CHUNK, num_sentences - first)
        lengths = np.clip(draw.lognormal(2.85, 0.65, size), 1, 400).astype(np.int64)
        sentences[first + 1 : first + size + 1] = sentences[first] + np.cumsum(lengths)
        sizes = np.cumsum(draw.geometric(1 / MEAN_SENTENCES, size // MEAN_SENTENCES))
        ends.append(first + np.append(sizes[sizes < size], size))  # a document ends where a chunk does
    sentences.flush()
    documents = np.concatenate(ends)
    np.save(root / "documents.npy", documents)
    return {"tokens": int(sentences[-1]), "documents": len(documents) - 1}


def opened(root: Path) -> tuple[TokenStore, Frame]:
    sentences, documents = (np.load(root / f"{name}.npy", mmap_mode="r") for name in ("sentences", "documents"))
    ids = np.broadcast_to(np.uint16(7), int(sentences[-1]))
    return TokenStore(ids, sentences, documents, "synthetic"), Frame(512, 0, 1, 2, 3, 1, (0, 1, 2, 3), 30_000, False)


def build_index(root: Path, name: str) -> dict[str, Any]:
    """Build and save the index of a format; kernels are compiled before the clock starts."""
    store, frame = opened(root)
    made = make_format(FormatOptions(name), "nsp")
    small = TokenStore(store.ids[:200], np.arange(0, 201, 10), np.array([0, 10, 20]), "small")
    made.index(small, frame, 1, 0)
    base, started = baseline(), time.process_time()
    index = made.index(store, frame, 1, 0)
    built = time.process_time()
    index.save(root / name)
    saved = time.process_time()
    return {
        "samples": index.num_samples,
        "index_seconds": built - started,
        "save_seconds": saved - built,
        "base": base,
        "peak": memory_of("self", "VmHWM"),
    }


def ask_plan(root: Path, name: str) -> dict[str, Any]:
    """Open a saved index and ask for an update of the first epoch, then for others, as each rank does."""
    base, started = baseline(), time.process_time()
    index = SampleIndex.open(root / name)
    in_tokens = FORMATS[name].matches is not None
    size = UpdateSize(None, SEQUENCES * 500.0, 0, 0) if in_tokens else UpdateSize(SEQUENCES, None, SEQUENCES, 0)
    plan = BatchPlan(lambda epoch: index, size, 1)
    plan.update(0)
    first = time.process_time()
    per_epoch = index.num_samples // SEQUENCES
    if size.tokens is not None:
        per_epoch = int(plan.lengths(1).sum() / size.tokens)
    asked = time.process_time()
    for number in range(NUM_LATER):
        plan.update(LATER * number % max(1, per_epoch - 1))
    ended = time.process_time()
    return {
        "updates_per_epoch": per_epoch,
        "plan_seconds": first - started,
        "later_seconds": (ended - asked) / NUM_LATER,
        "base": base,
        "peak": memory_of("self", "VmHWM"),
    }


STEPS = {"borders": borders, "index": build_index, "plan": ask_plan}


def write_cells(name: str, cells: list[dict[str, Any]], left_out: list[str]) -> None:
    columns = [
        "sentences",
        "format",
        "samples",
        "index",
        "its memory",
        "on disk",
        "first update",
        "its memory",
        "later",
    ]
    rows = [
        [
            f"{cell['sentences']:,}",
            str(cell["format"]),
            f"{cell['samples']:,}",
            f"{cell['index_seconds']:.2f} + {cell['save_seconds']:.2f} s",
            f"{giga(cell['index_anonymous'])} ({giga(cell['index_rss'])})",
            giga(cell["disk"]),
            f"{cell['plan_seconds']:.2f} s",
            f"{giga(cell['plan_anonymous'])} ({giga(cell['plan_rss'])})",
            f"{cell['later_seconds'] * 1000:.2f} ms",
        ]
        for cell in cells
    ]
    notes = [
        f"T = 512, documents of {MEAN_SENTENCES} sentences on average, sentences of about {MEAN_TOKENS} tokens. Index: "
        "processor seconds to build and to save. First update: index opened, the first epoch shuffled, one update "
        "returned; each rank of every machine does it. Later: another update of that epoch.",
        "Memory above that of the imports: what cannot be given back (and with pages of mapped files). One measurement "
        f"each, beside other jobs, at nice {os.nice(0)}.",
        *(f"Left out: {line}." for line in left_out),
    ]
    write_table(name, "Index and plan at growing sizes", columns, rows, notes, details={"cells": cells})


def giga(number: float) -> str:
    return f"{number / 1e9:.2f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


if __name__ == "__main__":
    main()
