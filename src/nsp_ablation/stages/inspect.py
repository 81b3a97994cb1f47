"""`stage=inspect`: what a format feeds the model, in the terminal, as JSON lines or as a figure of all four formats.

What it shows is read from the same feed that training reads.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from nsp_ablation.base.artifact import write_text
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.feed import Feed, make_feed
from nsp_ablation.pipeline.stores import Prepared, prepare
from nsp_ablation.samples.inspection.contract import header, sample_rows, write_jsonl
from nsp_ablation.samples.inspection.formats_figure import figure
from nsp_ablation.samples.inspection.formats_page import make_page
from nsp_ablation.samples.inspection.input_tokens import Vocabulary
from nsp_ablation.samples.inspection.inspect_terminal import print_samples, print_statistics
from nsp_ablation.text.store.token_store import TokenStore


def inspect(config: Config) -> None:
    """Write `inspect.figure` and `inspect.output` where they are asked for, else print samples and statistics."""
    prepared = prepare(config)
    if config.inspect.figure is not None:
        _write_figure(config, prepared, Path(config.inspect.figure))
    if config.inspect.output is not None:
        _write_samples(config, make_feed(config, prepared), Path(config.inspect.output))
    if config.inspect.figure is None and config.inspect.output is None:
        feed, console = make_feed(config, prepared), Console(highlight=False)
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


def _write_figure(config: Config, prepared: Prepared, path: Path) -> None:
    page = make_page(config, TokenStore.open(prepared.store), prepared.tokenizer)
    masks = f"{config.masking.name} masks"
    if config.masking.copies is not None:
        masks += f" in {config.masking.copies} cop{'y' if config.masking.copies == 1 else 'ies'}"
    caption = (
        f"An input holds at most T = {config.max_length} tokens, special tokens included · "
        f"tokenizer {config.tokenizer.name}, {page.panels[0].frame.vocab_size:,} tokens · "
        f"corpus {config.corpus.name} · seed {config.seed} · {masks}, epoch {config.inspect.epoch} · "
        "drawn by stage=inspect"
    )
    write_text(path, figure(page, Vocabulary(prepared.tokenizer), caption))
    say("inspect", f"the four formats -> {path}")
