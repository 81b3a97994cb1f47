"""Days of pre-training per published cell on 1 to 1,024 GPUs: arithmetic, nothing is measured.

FLOPs are those of `stage=cost` (`learning/cost`) for FULL-SENTENCES, whose inputs are taken to be full, with the sizes
of conf/model and the vocabularies of conf/corpus. The share of the peak that is used (MFU) is taken to be the same for
any number of GPUs, which it is not: docs/scaling.md says what stands against it.
"""

import argparse

import yaml
from table import ROOT, write_table

from nsp_ablation.learning.cost.training_cost import EncoderSize, Work, training_flops
from nsp_ablation.options.trainer_options import DEVICES

# published cell: model, corpus, tokenizer, sequences per update, updates
CELLS = {
    "table 2 and table 3, 256": ("base", "books_wikipedia", "wordpiece", 256, 1_000_000),
    "table 3, 2K": ("base", "books_wikipedia", "wordpiece", 2048, 125_000),
    "table 3, 8K": ("base", "books_wikipedia", "wordpiece", 8192, 31_000),
    "table 4, 100K": ("large", "roberta_160gb", "bbpe", 8192, 100_000),
    "table 4, 300K": ("large", "roberta_160gb", "bbpe", 8192, 300_000),
    "table 4, 500K": ("large", "roberta_160gb", "bbpe", 8192, 500_000),
}
MASKED = 0.15
GPUS = (1, 8, 64, 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="A100", choices=list(DEVICES))
    parser.add_argument("--mfu", type=float, default=0.4)
    parser.add_argument("--assembly", type=float, default=48.9e6, help="tokens/s: results/benchmarks/samples.md")
    arguments = parser.parse_args()
    rate = DEVICES[arguments.device][0] * 1e12 * arguments.mfu
    rows, cells = [], []
    for name, (model, corpus, tokenizer, sequences, updates) in CELLS.items():
        flops, length = flops_per_update(model, corpus, tokenizer, sequences)
        days = {gpus: flops * updates / (gpus * rate) / 86400 for gpus in GPUS}
        update_seconds, assembly_seconds = flops / (GPUS[-1] * rate), sequences * length / arguments.assembly
        cells.append({"cell": name, "flops_per_update": flops, "updates": updates, "days": days})
        rows.append(
            [
                name,
                f"{flops:.3g}",
                f"{updates:,}",
                *(f"{day:.3g}" for day in days.values()),
                f"{update_seconds * 1e3:.1f} ms",
                f"{assembly_seconds * 1e3:.1f} ms",
            ]
        )
    columns = ["cell", "FLOPs per update", "updates", *(f"days on {n:,}" for n in GPUS)]
    columns += [f"an update on {GPUS[-1]:,}", "assembling it"]
    notes = [
        f"{arguments.device}: {DEVICES[arguments.device][0]:g} TFLOP/s in half precision by its data sheet, MFU "
        f"{arguments.mfu:.0%} assumed throughout; pre-training alone.",
        f"Assembling: all tokens of the update at {arguments.assembly / 1e6:g} M tokens/s, measured in one process; "
        "each rank assembles the whole update, whatever its part is.",
    ]
    write_table("days", "Days per published cell", columns, rows, notes, details={"cells": cells})


def flops_per_update(model: str, corpus: str, tokenizer: str, sequences: int) -> tuple[float, int]:
    """Return the FLOPs of an update of full FULL-SENTENCES inputs, and their length T."""
    settings = yaml.safe_load((ROOT / f"conf/model/{model}.yaml").read_text())
    vocab_size = yaml.safe_load((ROOT / f"conf/corpus/{corpus}.yaml").read_text())["vocab_sizes"][tokenizer]
    sizes, length = settings["model"], settings["max_length"]
    size = EncoderSize(sizes["num_layers"], sizes["hidden_size"], sizes["intermediate_size"], vocab_size)
    tokens, content = sequences * length, sequences * (length - 2)
    return training_flops(size, Work(tokens, sequences * length**2, MASKED * content, 0)), length


if __name__ == "__main__":
    main()
