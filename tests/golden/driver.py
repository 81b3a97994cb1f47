"""The only file of the golden runs that knows the project's modules; values and tests stand beside it.

A refactor that moves or renames what is imported here changes this file and nothing else of the folder.
"""

import contextlib
import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[2]
os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(ROOT / "src"))  # this checkout's code, whatever is installed


def makers() -> dict[str, int]:
    """Return the number of the maker of each kind of artifact."""
    from nsp_ablation.pipeline.chain import MAKERS

    return dict(MAKERS)


def compose(words: list[str]) -> Any:
    """Return the configuration of a command, unchecked: checks of many cells would take longer than what is read."""
    from nsp_ablation.cli.hydra_bridge import make_composer

    return OmegaConf.to_object(make_composer(ROOT, None, None, []).compose(tuple(words)).settings({}))


def updates(words: list[str], num_updates: int, accumulation: int = 1) -> Iterator[dict[str, np.ndarray]]:
    """Yield what each update of a configuration reads, its micro-batches put together again; all int64.

    input_ids (masked), labels (-100 = not predicted), token_type_ids (L,), sequence after sequence; lengths (S,) of
    the sequences in tokens; pair_labels (S,), NSP's or SOP's, empty for a format without pairs.
    """
    config = compose(words)
    from nsp_ablation.base.process import keep_kernels_by_source

    keep_kernels_by_source()
    from nsp_ablation.pipeline.feed import feed_of
    from nsp_ablation.samples.batches.loader import micro_batch_loader

    with contextlib.redirect_stdout(io.StringIO()):
        feed = feed_of(config).open()
    loader = micro_batch_loader(
        *(feed.plan, feed.store, feed.frame, feed.masks),
        first_step=0,
        max_steps=num_updates,
        accumulation=accumulation,
        num_workers=0,
    )
    parts: list[dict[str, np.ndarray]] = []
    for batch in loader:
        labels = np.full(len(batch.input_ids), -100)
        labels[batch.masked_positions] = batch.masked_labels
        pairs = [] if batch.pair_labels is None else batch.pair_labels
        parts.append(
            {
                "input_ids": np.asarray(batch.input_ids),
                "labels": labels,
                "token_type_ids": np.asarray(batch.token_type_ids),
                "lengths": np.diff(batch.sequence_offsets),
                "pair_labels": np.asarray(pairs, np.int64),
            }
        )
        if len(parts) == accumulation:
            yield {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
            parts.clear()


def run(words: list[str], num_threads: int) -> None:
    """Run a command's one cell in this process. Raises RuntimeError with what it printed where it fails."""
    import torch

    from nsp_ablation.stages.cell import run_cell

    printed, num_before = io.StringIO(), torch.get_num_threads()
    torch.set_num_threads(num_threads)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        status = run_cell(compose(words), words)
    torch.set_num_threads(num_before)
    if status:
        raise RuntimeError(printed.getvalue())


def losses(words: list[str], artifacts: Path, num_threads: int) -> dict[str, list[float]]:
    """Pre-train and return the losses of every update, in nats: `mlm_loss` and, where pairs are told, `pair_loss`."""
    before = set(artifacts.glob("logs/encoders/*.csv"))
    run([*words, "stage=pretrain", "logger=csv", "logger.every_steps=1"], num_threads)
    (curve,) = set(artifacts.glob("logs/encoders/*.csv")) - before
    return _columns(curve, ("pretraining/mlm_loss", "pretraining/pair_loss"))


def results(words: list[str], artifacts: Path, folder: Path, num_threads: int) -> dict[str, dict[str, Any]]:
    """Pre-train, fine-tune and probe; return for each task its metrics, scores and predictions by example.

    `loss` is the one of fine-tuning's last update, where there was one. `folder` receives the records.
    """
    run([*words, "stage=all", "logger=csv", f"paths.results={folder.parent}", f"name={folder.name}"], num_threads)
    found = {}
    for path in sorted(folder.glob("records/*.json")):
        record = json.loads(path.read_text())
        found[record["task"]] = {
            "metrics": record["metrics"],
            "scores": np.load(folder / "scores" / f"{path.stem}.npy").astype("<f8"),
            "predictions": json.loads((folder / "predictions" / path.name).read_text()),
            "loss": _last_loss(artifacts, record["task"]),
        }
    return found


def _last_loss(artifacts: Path, task: str) -> float | None:
    curves = [_columns(curve, (f"finetuning/{task}/loss",)) for curve in artifacts.glob("logs/records/*.csv")]
    values = [value for curve in curves for column in curve.values() for value in column]
    return values[-1] if values else None


def _columns(log: Path, names: tuple[str, ...]) -> dict[str, list[float]]:
    """Return the values of metrics that a log has, update by update, by the last part of their name."""
    with open(log, newline="") as file:
        rows = [(row["metric"], float(row["value"])) for row in csv.DictReader(file)]
    found = {name.rpartition("/")[2]: [value for metric, value in rows if metric == name] for name in names}
    return {name: values for name, values in found.items() if values}
