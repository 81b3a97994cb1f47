"""`stage=inspect`: what a format feeds the model, in the terminal, as JSON lines or as a figure of all formats.

What it shows is read from the same feed that training reads.
"""

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from nsp_ablation.base.artifact import write_text
from nsp_ablation.config.identity import resolved_objective
from nsp_ablation.config.schema import Config
from nsp_ablation.options.format_options import FORMATS, FormatOptions
from nsp_ablation.pipeline.cards import Card
from nsp_ablation.pipeline.console import say
from nsp_ablation.pipeline.document_lists import check_list, write_list
from nsp_ablation.pipeline.feed import Feed, OpenFeed, feed_of
from nsp_ablation.pipeline.overview import chain_lines
from nsp_ablation.pipeline.task_data import tasks_of
from nsp_ablation.samples.inspection.card_lines import CardLine
from nsp_ablation.samples.inspection.card_text import print_card
from nsp_ablation.samples.inspection.contract import header, sample_rows, write_jsonl
from nsp_ablation.samples.inspection.formats_figure import figure
from nsp_ablation.samples.inspection.formats_page import make_page
from nsp_ablation.samples.inspection.input_tokens import TokenNames
from nsp_ablation.samples.inspection.inspect_terminal import epoch_rows, print_samples, print_statistics, update_rows
from nsp_ablation.stages.cell import CellRun
from nsp_ablation.stages.equal_updates import say_equal_updates


def run(cell: CellRun) -> None:
    """Write and compare what is asked for (`inspect.documents`, `documents_as`, `figure`, `output`, `equal_to`), else
    print samples and statistics. Raises InputError for a corpus that is not the one that was listed."""
    config = cell.config
    link = feed_of(config)
    if config.inspect.documents is not None:
        write_list(link.stores.corpus, Path(config.inspect.documents))
    if config.inspect.documents_as is not None:
        check_list(link.stores.corpus, Path(config.inspect.documents_as))
    if config.inspect.figure is not None:
        _write_figure(config, link, Path(config.inspect.figure))
    if config.inspect.output is not None:
        _write_samples(config, link.open(), Path(config.inspect.output))
    if config.inspect.equal_to is not None:
        say_equal_updates(config, link.open(), Path(config.inspect.equal_to))
    if config.inspect.shows_samples:
        _print(config, link.open(), TokenNames(link.stores.vocabulary.make()))
        _print_card(config, link)
        for line in chain_lines(config):
            say("chain", line)


def _print(config: Config, feed: OpenFeed, vocabulary: TokenNames) -> None:
    console = Console(highlight=False)
    print_samples(console, _rows(config, feed), feed.store, feed.frame, vocabulary, config.format.name)
    index, max_steps = feed.index_of(config.inspect.epoch), config.pretraining.max_steps
    rows = epoch_rows(feed.store, feed.frame, index)
    rows |= update_rows(feed.store, index, config.masking, feed.size, budget=config.budget, max_steps=max_steps)
    arm = f"{config.format.name}, {resolved_objective(config)}, {config.masking.name} masking"
    print_statistics(console, f"{arm}, T = {config.max_length}", rows, index.lengths(), config.max_length)


def _print_card(config: Config, link: Feed) -> None:
    """Print the data card, refuse nothing: with the tasks whose files are at hand, not on the hub."""
    tasks = [task for task in tasks_of(config, link.stores.corpus) if task.is_at_hand]
    card = Card(config, link, tasks)
    print_card(Console(highlight=False), card.key, [CardLine(**asdict(line)) for line in card.make().lines])


def _samples(config: Config, feed: OpenFeed) -> np.ndarray:
    num_samples = feed.index_of(config.inspect.epoch).num_samples
    wanted = num_samples if config.inspect.num_samples == "all" else int(config.inspect.num_samples)
    return np.arange(min(wanted, num_samples))


def _rows(config: Config, feed: OpenFeed) -> Iterator[dict[str, Any]]:
    index, epoch = feed.index_of(config.inspect.epoch), config.inspect.epoch
    return sample_rows(feed.store, index, feed.frame, feed.masks, epoch, _samples(config, feed))


def _write_samples(config: Config, feed: OpenFeed, path: Path) -> None:
    common = (feed.store, feed.frame, feed.masks, config.inspect.epoch)
    objective = resolved_objective(config)
    values = header(*common, format_name=config.format.name, objective=objective, seed=config.seed)
    write_jsonl(path, values, _rows(config, feed))
    say("inspect", f"{len(_samples(config, feed))} samples -> {path}")


def _write_figure(config: Config, link: Feed, path: Path) -> None:
    frame = link.frame()
    pairs = replace(config, format=FormatOptions(next(name for name, facts in FORMATS.items() if facts.is_pair)))
    inputs = (link.stores.training(), frame, link.masks(), config.format, resolved_objective(pairs))
    page = make_page(*inputs, seed=config.seed, epoch=config.inspect.epoch)
    masks = f"{config.masking.name} masks"
    if config.masking.copies is not None:
        masks += f" in {config.masking.copies} cop{'y' if config.masking.copies == 1 else 'ies'}"
    caption = (
        f"An input holds at most T = {config.max_length} tokens, special tokens included · "
        f"tokenizer {config.tokenizer.name}, {frame.vocab_size:,} tokens · "
        f"corpus {config.corpus.name} · seed {config.seed} · {masks}, epoch {config.inspect.epoch} · "
        "drawn by stage=inspect"
    )
    write_text(path, figure(page, TokenNames(link.stores.vocabulary.make()), caption))
    say("inspect", f"the formats -> {path}")
