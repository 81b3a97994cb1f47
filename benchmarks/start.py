"""From the shell to the first update beside the import of torch and Lightning; and from the last import to the first
batch, and to a switched format: a fresh process each time, on a built store.

Run `python run.py stage=prepare ...` with the same settings first; tokenisation is not part of this.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from table import ROOT, write_table

LIBRARIES = "import torch, pytorch_lightning"
GOAL_SECONDS = 3.0  # from the shell to the first update, beside the import of the libraries

CHILD = """
import sys, time, json
sys.path[:0] = [{root!r} + "/src"]
from pathlib import Path
from nsp_ablation.base.process import keep_kernels_by_source
keep_kernels_by_source()
from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.pipeline.initial_models import initial_model
from nsp_ablation.pipeline.feed import feed_of
from nsp_ablation.samples.batches.loader import micro_batch_loader
import nsp_ablation.learning.pretraining.pretraining_fit, nsp_ablation.text.corpus.jsonl
arguments = parse_arguments({overrides!r})
config = plan(arguments, open_composer(arguments, Path({root!r}))).cells[0].config
started = time.perf_counter()
link = feed_of(config); link.stores.make()
opened = time.perf_counter()
feed = link.open()
loader = micro_batch_loader(feed.plan, feed.store, feed.frame, feed.masks, first_step=0, max_steps=9, accumulation=1,
                            num_workers=0)
batch = next(iter(loader))
first = time.perf_counter()
model = initial_model(config, feed)
print(json.dumps({{"store": opened - started, "first batch": first - started,
                  "training starts": time.perf_counter() - started, "tokens": feed.store.num_tokens}}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("overrides", nargs="+", help="settings of the prepared corpus, as for run.py")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-update", action="store_true", help="measure the time to the first update alone")
    arguments = parser.parse_args()
    measure_first_update(arguments.overrides, arguments.rounds)
    if arguments.only_update:
        return
    rows, num_tokens = [], 0
    for name in ("full", "doc", "segment_pair", "sentence_pair"):
        for masking in ("dynamic", "static"):
            cold, warm = [], []
            for _ in range(arguments.rounds):
                with tempfile.TemporaryDirectory(dir=ROOT / "artifacts") as indexes:
                    overrides = [*arguments.overrides, f"format={name}", f"masking={masking}"]
                    cold.append(_child(overrides, indexes))
                    warm.append(_child(overrides, indexes))
            num_tokens = cold[0]["tokens"]
            row = [name, masking]
            for runs in (cold, warm):
                for what in ("first batch", "training starts"):
                    row.append(f"{statistics.median(run[what] for run in runs):.2f} s")
            rows.append(row)
    columns = ["format", "masking", "first batch, new index", "model ready", "first batch, known index", "model ready"]
    notes = [
        f"{num_tokens:,} tokens; a fresh process each, kernels compiled before, store built before; median of "
        f"{arguments.rounds}. Seconds count from the last import, after the configuration is composed."
    ]
    write_table("start", "From the last import to the first batch", columns, rows, notes)


def measure_first_update(overrides: list[str], rounds: int) -> None:
    """Write the time from the shell to the end of the first update, and that of the libraries' import, in turn."""
    libraries, updates = [], []
    with tempfile.TemporaryDirectory(dir=ROOT / "artifacts") as artifacts:
        for path in (ROOT / "artifacts").iterdir():
            if path.name in ("stores", "tokenizers", "indexes", "corpora"):
                (Path(artifacts) / path.name).symlink_to(path)
        for seed in range(rounds + 1):  # the first, which may build an index, is left out
            settings = ["stage=pretrain", "pretraining.max_steps=1", f"seed={seed}", f"paths.artifacts={artifacts}"]
            updates.append(_seconds_until("update 1/1", ["run.py", *overrides, *settings]))
            libraries.append(_seconds_until("imported", ["-c", f"{LIBRARIES}; print('imported')"]))
    rows = []
    for i, clock in enumerate(("wall clock", "CPU")):
        pairs = [(update[i], library[i]) for update, library in zip(updates[1:], libraries[1:], strict=True)]
        columns = [*zip(*pairs, strict=True), [update - library for update, library in pairs]]
        mark = "" if statistics.median(columns[2]) <= GOAL_SECONDS else " (missed)"
        rows.append([clock, *(f"{statistics.median(column):.2f} s" for column in columns), f"{GOAL_SECONDS} s{mark}"])
    columns = ["clock", "first update", f"`{LIBRARIES}`", "difference", "goal"]
    note = f"From the shell, on a built store; medians over {rounds} rounds, both in turn."
    write_table("first-update", "From the shell to the first update", columns, rows, [note])


def _seconds_until(word: str, arguments: list[str]) -> tuple[float, float]:
    """Return the wall-clock and CPU seconds until a Python process prints `word`; it is ended then."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command, environment = [sys.executable, *arguments], os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        if not any(word in line for line in process.stdout):
            sys.exit(f"{' '.join(command)} never printed {word!r}")
        seconds = time.perf_counter() - started
        process.kill()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _child(overrides: list[str], indexes: str) -> dict:
    """Run one process that keeps its indexes in a directory of their own: it builds what is not there yet."""
    program = CHILD.format(root=str(ROOT), overrides=overrides)
    moved = f"prepared = prepare(config); config.paths.artifacts = {indexes!r}"
    program = program.replace("prepared = prepare(config)", moved)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    if ended.returncode:
        sys.exit(ended.stderr)
    return json.loads(ended.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
