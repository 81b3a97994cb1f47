"""Pre-training speed against plain `transformers`: real tokens a second, in one run and interleaved.

    python benchmarks/training.py [--quick] [--models tiny,mini,base] [--formats full,...] [--output DIR]

For each model and format every implementation trains in turn, round after round, so that what else the machine does
falls on all alike; medians over the rounds are shown. Beside each rate stands the share of the peak, measured in the
same run by matrix products, that the model's FLOPs for these real tokens make: the same FLOPs for every
implementation, with the MLM head at the masked positions alone.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from table import RESULTS, ROOT, write_table  # noqa: E402

NAMES = ("ours", "transformers, bare loop", "transformers.Trainer")
FORMATS = ("segment_pair", "sentence_pair", "full", "doc")
VOCAB_SIZE = 30_522
TOKENS = {"tiny": 4096, "mini": 4096, "base": 1024}  # real tokens of an update
UPDATES = {"tiny": 6, "mini": 4, "base": 2}  # of a round, after one that warms up
TARGETS = {"tiny": 3.0, "mini": 2.0, "base": 1.2}  # times the bare loop on CPU
SENTENCE_PAIR_TARGET = 2.0


def main(arguments: list[str]) -> None:
    """Measure what the arguments ask for and write the table."""
    options = parse(arguments)
    from nsp_ablation.base.process import set_up_cpu

    set_up_cpu()
    cells = []
    for model in options.models.split(","):
        for format_name in options.formats.split(","):
            cells.append(measure(model, format_name, options))
            print(*row(cells[-1]), flush=True)
    write(cells, options)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default="tiny,mini,base")
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, help="real tokens of an update (default: by model)")
    parser.add_argument("--updates", type=int, help="updates of a round (default: by model)")
    parser.add_argument("--vocab-size", type=int, default=VOCAB_SIZE)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--compile", action="store_true", help="compile ours (on a GPU)")
    parser.add_argument("--output", default=str(RESULTS))
    parser.add_argument("--quick", action="store_true", help="a smoke test: seconds, and figures that mean nothing")
    options = parser.parse_args(arguments)
    if options.quick:
        options.models, options.rounds, options.updates = "tiny", 1, 1
        options.tokens, options.vocab_size, options.max_length = 128, 200, 32
    return options


def measure(model: str, format_name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of one model and format: medians over the rounds by implementation."""
    import torch
    import training_arms as arms
    from training_streams import make_stream

    device = torch.device(options.device)
    stream = make_stream(format_name, options.vocab_size, options.max_length, options.tokens or TOKENS[model])
    settings = model_options(model)
    implementations = {
        "ours": arms.ours(stream, settings, device, compile=options.compile),
        "transformers, bare loop": arms.bare_loop(stream, settings, device),
    }
    if arms.has_trainer():
        implementations["transformers.Trainer"] = arms.trainer(stream, settings, device)
    num_updates = 1 + (options.updates or UPDATES[model])
    if not options.quick:
        for run in implementations.values():  # compiling, first allocations and choices of kernels are not timed
            run(2)
    rounds: list[dict[str, float]] = []
    peaks, predictions = [peak_flops(device)], {}
    for _ in range(options.rounds):
        measured = {name: run(num_updates) for name, run in implementations.items()}
        rounds.append({name: found.tokens_per_second for name, found in measured.items()})
        predictions = {name: sum(found.predictions) / sum(found.tokens) for name, found in measured.items()}
        peaks.append(peak_flops(device))
    flops = flops_per_token(stream, settings)
    speeds = {name: statistics.median(found[name] for found in rounds) for name in implementations}
    return {
        "model": model,
        "format": format_name,
        "max_length": options.max_length,
        "sequences_per_update": stream.rows,
        "mean_length": float(stream.index.lengths().mean()),
        "peak_gflops": max(peaks) / 1e9,
        "tokens_per_second": speeds,
        "share_of_peak": {name: speed * flops / max(peaks) for name, speed in speeds.items()},
        "predicted_share": predictions,
        "times_bare_loop": statistics.median(found["ours"] / found["transformers, bare loop"] for found in rounds),
        "rounds": rounds,
        "target": SENTENCE_PAIR_TARGET if format_name == "sentence_pair" and model == "base" else TARGETS[model],
    }


def model_options(name: str) -> Any:
    """Return the sizes of a shipped model, with BERT's architecture."""
    from omegaconf import OmegaConf

    from nsp_ablation.options.model_options import ModelOptions

    return OmegaConf.to_object(
        OmegaConf.merge(ModelOptions, OmegaConf.load(ROOT / "conf" / "model" / f"{name}.yaml")["model"])
    )


def flops_per_token(stream: Any, settings: Any) -> float:
    """Return the model's training FLOPs for a real token of the stream, on average."""
    from nsp_ablation.learning.cost.training_cost import Work, encoder_size, training_flops

    lengths = stream.index.lengths().astype(float)
    special = 3 if stream.index.is_pair else 2
    num_pairs = len(lengths) if stream.index.is_pair else 0
    predictions = stream.masks.options.probability * (lengths - special).sum()
    work = Work(lengths.sum(), (lengths**2).sum(), predictions, num_pairs)
    return training_flops(encoder_size(settings, stream.frame.vocab_size), work) / lengths.sum()


def peak_flops(device: Any) -> float:
    import torch

    from nsp_ablation.learning.engine.device_peak import gemm_flops

    return (
        gemm_flops(device, torch.bfloat16, 8192) if device.type == "cuda" else gemm_flops(device, torch.float32, 1024)
    )


def row(cell: dict[str, Any]) -> list[str]:
    """Return a cell as a row of the table."""
    speeds, shares = cell["tokens_per_second"], cell["share_of_peak"]
    rates = [f"{speeds[name]:,.0f} ({shares[name]:.0%})" if name in speeds else "–" for name in NAMES]
    mark = "" if cell["times_bare_loop"] >= cell["target"] else " (missed)"
    shape = f"{cell['sequences_per_update']} x {cell['mean_length']:.0f}"
    return [cell["model"], cell["format"], shape, *rates, f"{cell['times_bare_loop']:.2f}", f"{cell['target']}{mark}"]


def write(cells: list[dict[str, Any]], options: argparse.Namespace) -> None:
    """Write the table of the cells, and their figures of every round beside it."""
    import torch

    peak = statistics.median(cell["peak_gflops"] for cell in cells)
    notes = [
        f"Real tokens a second (share of the peak by the model's FLOPs), medians over {options.rounds} interleaved "
        f"rounds; T = {options.max_length}, vocabulary {options.vocab_size:,}; update: sequences x mean length.",
        f"{torch.get_num_threads()} threads; peak {peak:,.0f} GFLOP/s by matrix products in the same run.",
    ]
    if not any("transformers.Trainer" in cell["tokens_per_second"] for cell in cells):
        notes.append("`transformers.Trainer` was not measured: the package accelerate is not installed.")
    write_table(
        f"training-{options.device}",
        "Pre-training speed",
        ["model", "format", "update", *NAMES, "ours / bare loop", "target"],
        [row(cell) for cell in cells],
        notes,
        details={"settings": vars(options), "cells": cells},
        directory=Path(options.output),
        gpu=torch.cuda.get_device_name() if options.device == "cuda" else None,
    )


if __name__ == "__main__":
    started = time.monotonic()
    main(sys.argv[1:])
    print(f"{time.monotonic() - started:.0f} s")
