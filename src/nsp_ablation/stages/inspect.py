"""`stage=inspect`: what a format feeds the model, in the terminal or as JSON lines.

What it shows is read from the same feed that training reads.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from nsp_ablation.batches.contract import header, sample_rows, write_jsonl
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.stages.console import say
from nsp_ablation.stages.feed import Feed, make_feed
from nsp_ablation.stages.input_tokens import Vocabulary
from nsp_ablation.stages.inspect_terminal import print_samples, print_statistics
from nsp_ablation.stages.prepare import prepare


def inspect(config: Config) -> None:
    """Write `inspect.output` where it is asked for, else print samples and statistics."""
    prepared = prepare(config)
    feed = make_feed(config, prepared)
    if config.inspect.output is not None:
        _write_samples(config, feed, Path(config.inspect.output))
        return
    console = Console(highlight=False)
    print_samples(console, _rows(config, feed), feed, Vocabulary(prepared.tokenizer), config.format.name)
    print_statistics(console, config, feed)


def _samples(config: Config, feed: Feed) -> np.ndarray:
    num_samples = feed.index_of(config.inspect.epoch).num_samples
    wanted = num_samples if config.inspect.num_samples == "all" else int(config.inspect.num_samples)
    return np.arange(min(wanted, num_samples))


def _rows(config: Config, feed: Feed) -> Iterator[dict[str, Any]]:
    index, epoch = feed.index_of(config.inspect.epoch), config.inspect.epoch
    return sample_rows(feed.store, index, feed.frame, feed.spec, epoch, _samples(config, feed))


def _write_samples(config: Config, feed: Feed, path: Path) -> None:
    values = header(
        *(feed.store, feed.frame, feed.spec, config.inspect.epoch),
        format_name=config.format.name,
        objective=resolved_objective(config),
        seed=config.seed,
    )
    write_jsonl(path, values, _rows(config, feed))
    say("inspect", f"{len(_samples(config, feed))} samples -> {path}")
