"""From the last import to the first batch, and to a switched format: a fresh process each time, on a built store.

Run `python run.py stage=prepare ...` with the same settings first; tokenisation is not part of this.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile

from table import ROOT, write_table

CHILD = """
import sys, time, json
sys.path[:0] = [{root!r} + "/src"]
from pathlib import Path
from nsp_ablation.base.kernels import keep_kernels_by_source
keep_kernels_by_source()
from nsp_ablation.cli.arguments import parse_arguments
from nsp_ablation.cli.planned_cells import open_composer, plan
from nsp_ablation.pipeline.encoder_training import initial_model
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
    arguments = parser.parse_args()
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
