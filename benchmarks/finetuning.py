"""Fine-tuning speed against `transformers.Trainer` on one task: samples per second, in one run and interleaved.

    python benchmarks/finetuning.py [--quick] [--models micro,minilm] [--output DIR]

The task is a classification of pairs of made-up texts whose lengths are those of MNLI. Every implementation fine-tunes
the same encoder (random weights) for one epoch of the same samples with the same batch size, optimizer and dropout,
round after round, so that what else the machine does falls on all alike. The clock runs from the end of the first
update to the end of the last. `Trainer` runs with its defaults, where a batch is padded to its longest of a random draw
of samples, and once more grouped by length.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from table import RESULTS, write_table  # noqa: E402

MAX_LENGTH = 128
OURS, DEFAULT, GROUPED = "ours", "Trainer, its defaults", "Trainer, grouped by length"
# layers, hidden size, heads, vocabulary, batch, updates of a round, the goal in times of Trainer's defaults
MODELS = {"micro": (3, 64, 4, 504, 16, 60, 2.0), "minilm": (6, 384, 12, 30_522, 32, 8, 1.5)}
LABELS = ("entailment", "neutral", "contradiction")


def main(arguments: list[str]) -> None:
    """Measure what the arguments ask for and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--updates", type=int, help="updates of a round (default: by model)")
    parser.add_argument("--threads", type=int, help="threads of all implementations (default: torch's choice)")
    parser.add_argument("--output", default=str(RESULTS))
    parser.add_argument("--quick", action="store_true", help="a smoke test: seconds, and figures that mean nothing")
    options = parser.parse_args(arguments)
    if options.quick:
        options.models, options.rounds, options.updates = "micro", 1, 3
    from nsp_ablation.base.process import set_up_cpu

    set_up_cpu()
    import torch

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    cells = [measure(model, options) for model in options.models.split(",")]
    write(cells, torch.get_num_threads(), options)


def measure(model: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the samples per second of each implementation, by round, and their medians."""
    batch_size, num_updates, goal = MODELS[model][4], options.updates or MODELS[model][5], MODELS[model][6]
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        samples = write_task(place, batch_size * num_updates, MODELS[model][3])
        write_encoder(place / "encoder", *MODELS[model][:4])
        arms: dict[str, Callable[[], list[float]]] = {
            OURS: partial(ours, place, batch_size, num_updates),
            DEFAULT: partial(trainer, place, samples, batch_size, "random"),
            GROUPED: partial(trainer, place, samples, batch_size, "group_by_length"),
        }
        rounds = []
        for _ in range(options.rounds):
            ends = {name: run() for name, run in arms.items()}
            assert all(len(times) == num_updates for times in ends.values()), {n: len(t) for n, t in ends.items()}
            rounds.append({name: (len(t) - 1) * batch_size / (t[-1] - t[0]) for name, t in ends.items()})
    medians = {name: statistics.median(found[name] for found in rounds) for name in arms}
    times = {name: statistics.median(found[OURS] / found[name] for found in rounds) for name in (DEFAULT, GROUPED)}
    return {"model": model, "samples_per_second": medians, "times": times, "goal": goal, "rounds": rounds}


def write_task(place: Path, num_samples: int, vocab_size: int) -> list[tuple[str, str, int]]:
    """Write the task's files into `place` and return its training samples (first text, second text, label)."""
    import numpy as np

    draw = np.random.default_rng(1)
    words = [f"w{number}" for number in range(5, vocab_size)]

    def text(median: float) -> str:
        length = int(np.clip(draw.lognormal(np.log(median), 0.6), 3, 55))
        return " ".join(words[int(number)] for number in draw.integers(0, len(words), length))

    samples = [(text(19), text(10), int(draw.integers(3))) for _ in range(num_samples)]  # MNLI's medians, in words
    for name, rows in (("train", samples), ("dev_matched", samples[:8])):
        lines = ["sentence1\tsentence2\tgold_label", *(f"{a}\t{b}\t{LABELS[label]}" for a, b, label in rows)]
        (place / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    return samples


def write_encoder(directory: Path, num_layers: int, hidden_size: int, num_heads: int, vocab_size: int) -> None:
    """Write a BERT with random weights and a tokenizer of as many words."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: number for number, word in enumerate([*names, *(f"w{n}" for n in range(5, vocab_size))])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    special = {f"{name[1:-1].lower()}_token": name for name in names}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=MAX_LENGTH, **special).save_pretrained(
        directory
    )
    config = BertConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        intermediate_size=(2 if hidden_size < 128 else 4) * hidden_size,
        max_position_embeddings=MAX_LENGTH,
    )
    torch.manual_seed(1)
    BertModel(config).save_pretrained(directory)


@contextmanager
def update_ends() -> Iterator[list[float]]:
    """Give the times at which optimizers end their steps inside."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    ends: list[float] = []
    handle = register_optimizer_step_post_hook(lambda *_: ends.append(time.perf_counter()))
    try:
        yield ends
    finally:
        handle.remove()


def ours(place: Path, batch_size: int, num_updates: int) -> list[float]:
    """Fine-tune as `stage=finetune` does and return the end of every update."""
    from omegaconf import OmegaConf
    from table import ROOT

    from nsp_ablation.learning.finetuning.finetuning_fit import Checkpointing, Listeners, finetune
    from nsp_ablation.options.finetuning_options import FinetuningOptions, RecipeOptions
    from nsp_ablation.options.task_options import TaskOptions
    from nsp_ablation.options.trainer_options import TrainerOptions

    task = OmegaConf.to_object(OmegaConf.merge(TaskOptions, OmegaConf.load(ROOT / "conf" / "tasks" / "mnli.yaml")))
    task.path, task.hub = str(place), None
    recipe = RecipeOptions(learning_rate=3e-5, batch_size=batch_size, num_epochs=1.0, weight_decay=0.01)
    options = FinetuningOptions(name="benchmark", recipe=recipe, max_steps=num_updates)
    with update_ends() as ends, tempfile.TemporaryDirectory() as state:
        finetune(
            str(place / "encoder"),
            task,
            options,
            TrainerOptions(name="cpu"),
            max_length=MAX_LENGTH,
            seed=1,
            listeners=Listeners(progress_every=num_updates),
            checkpoint=Checkpointing(Path(state) / "last.ckpt", 1e9, lambda update: None),
        )
    return ends


def trainer(place: Path, samples: list[tuple[str, str, int]], batch_size: int, order: str) -> list[float]:
    """Fine-tune with `Trainer`, tokenized beforehand and padded batch by batch; return the end of every update."""
    from transformers import (
        AutoModelForSequenceClassification,
        AutoTokenizer,
        DataCollatorWithPadding,
        Trainer,
        TrainingArguments,
    )

    from nsp_ablation.learning.engine.quiet import quiet_transformers

    tokenizer = AutoTokenizer.from_pretrained(place / "encoder")
    encoded = tokenizer([a for a, _, _ in samples], [b for _, b, _ in samples], truncation=True, max_length=MAX_LENGTH)
    rows = [
        {**{name: encoded[name][row] for name in encoded}, "labels": label} for row, (_, _, label) in enumerate(samples)
    ]
    with quiet_transformers():
        model = AutoModelForSequenceClassification.from_pretrained(place / "encoder", num_labels=len(LABELS))
    with update_ends() as ends, tempfile.TemporaryDirectory() as directory:
        arguments = TrainingArguments(
            output_dir=directory,
            num_train_epochs=1,
            per_device_train_batch_size=batch_size,
            learning_rate=3e-5,
            weight_decay=0.01,
            adam_epsilon=1e-6,
            warmup_steps=0.06,
            train_sampling_strategy=order,
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        Trainer(model, arguments, data_collator=DataCollatorWithPadding(tokenizer), train_dataset=rows).train()
    return ends


def write(cells: list[dict[str, Any]], num_threads: int, options: argparse.Namespace) -> None:
    """Write the table of the cells, and their figures of every round beside it."""
    columns = ["model", "batch", *(f"{name} (samples/s)" for name in (OURS, DEFAULT, GROUPED))]
    columns += ["times the defaults", "times grouped", "goal (times the defaults)"]
    rows = []
    for cell in cells:
        speeds, times, goal = cell["samples_per_second"], cell["times"], cell["goal"]
        mark = "" if times[DEFAULT] >= goal else " (missed)"
        rates = [f"{speeds[name]:,.0f}" for name in (OURS, DEFAULT, GROUPED)]
        ratios = [f"{times[DEFAULT]:.2f}", f"{times[GROUPED]:.2f}", f"{goal}{mark}"]
        rows.append([cell["model"], str(MODELS[cell["model"]][4]), *rates, *ratios])
    notes = [
        f"CPU, {num_threads} threads, fp32; medians of {options.rounds} rounds in turns, the first update left out.",
        "micro is 3 layers of width 64, minilm 6 of 384 (MiniLM's size), both with random weights and dropout .1.",
    ]
    title = "Fine-tuning against transformers.Trainer"
    write_table("finetuning", title, columns, rows, notes, details={"cells": cells}, directory=Path(options.output))


if __name__ == "__main__":
    main(sys.argv[1:])
