"""`stage=inspect`: decoded samples with segments and masks in colour, and what a format costs and fills.

What it shows is read from the same feed that training reads.
"""

from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tokenizers import Tokenizer

from nsp_ablation.batches.contract import header, sample_rows, write_jsonl
from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.stages.console import say
from nsp_ablation.stages.feed import Feed, make_feed
from nsp_ablation.stages.prepare import prepare
from nsp_ablation.store.tokenizer import load_tokenizer, word_starts

_NUM_BINS = 8
_SEGMENT_STYLES = ("cyan", "magenta")


def inspect(config: Config) -> None:
    """Print samples and statistics of the configured format and masks, or write them to `inspect.output`."""
    prepared = prepare(config)
    feed = make_feed(config, prepared)
    index = feed.index_of(config.inspect.epoch)
    wanted = index.num_samples if config.inspect.num_samples == "all" else int(config.inspect.num_samples)
    samples = np.arange(min(wanted, index.num_samples))
    rows = sample_rows(feed.store, index, feed.frame, feed.spec, config.inspect.epoch, samples)
    if config.inspect.output is not None:
        values = header(
            *(feed.store, feed.frame, feed.spec, config.inspect.epoch),
            format_name=config.format.name,
            objective=resolved_objective(config),
            seed=config.seed,
        )
        write_jsonl(Path(config.inspect.output), values, rows)
        say("inspect", f"{len(samples)} samples -> {config.inspect.output}")
        return
    console = Console(highlight=False)
    tokenizer, starts = load_tokenizer(prepared.tokenizer), word_starts(prepared.tokenizer)
    for row in rows:
        console.print(_heading(row, config))
        console.print(_sample(row, tokenizer, starts, feed))
        console.print()
    console.print(_legend())
    console.print(_statistics(config, feed))
    console.print(_histogram(index.lengths(), feed.frame.max_length))


def _heading(row: dict, config: Config) -> Text:
    label = ""
    if row["is_random_next"] is not None:
        label = "B is random" if row["is_random_next"] else "B follows A"
    if row["is_swapped"] is not None:
        label = "A and B are swapped" if row["is_swapped"] else "A and B in order"
    places = ", ".join(f"document {span[0]} sentences {span[1]}-{span[2] - 1}" for span in row["spans"])
    text = f"sample {row['sample']} · {config.format.name} · {len(row['input_ids'])} tokens · {places}"
    return Text(f"{text} · {label}" if label else text, style="bold")


def _sample(row: dict, tokenizer: Tokenizer, starts: np.ndarray, feed: Feed) -> Text:
    """Return one sample's tokens: a colour a segment, separators inverted, targets underlined in their kind's colour.

    starts (V,) bool: the token begins a word.
    """
    text = Text()
    for position, token_id in enumerate(row["input_ids"]):
        masked, label = row["masked_input_ids"][position], row["labels"][position]
        segment = _SEGMENT_STYLES[row["token_type_ids"][position]]
        if row["special_tokens_mask"][position]:
            text.append(f" {tokenizer.id_to_token(token_id)} ", style="reverse dim")
            continue
        text.append(" " if starts[token_id] else "")
        shown = _piece(tokenizer, token_id)
        if label == -100:
            text.append(shown, style=segment)
        elif masked == feed.frame.mask:
            text.append(f"[{shown}]", style="bold yellow underline")
        elif masked == label:
            text.append(f"={shown}", style="bold green underline")
        else:
            text.append(f"{shown}→{_piece(tokenizer, masked)}", style="bold red underline")
    return text


def _piece(tokenizer: Tokenizer, token_id: int) -> str:
    """Return a token's text without marks of word borders; a byte that is no character alone is shown as its token."""
    text = tokenizer.decode([token_id]).strip().removeprefix("##")
    return text if text and "\ufffd" not in text else str(tokenizer.id_to_token(token_id))


def _legend() -> Text:
    return Text.assemble(
        "targets: ",
        ("[word]", "bold yellow underline"),
        " becomes [MASK], ",
        ("word→other", "bold red underline"),
        " a random token, ",
        ("=word", "bold green underline"),
        " is kept; segments: ",
        ("A", _SEGMENT_STYLES[0]),
        " ",
        ("B", _SEGMENT_STYLES[1]),
    )


def _statistics(config: Config, feed: Feed) -> Table:
    """Return what an epoch of the format holds and what an update takes of it."""
    index = feed.index_of(config.inspect.epoch)
    lengths = index.lengths()
    padded = len(lengths) * feed.frame.max_length
    content = int((index.spans[:, 1] - index.spans[:, 0]).sum())
    steps = config.pretraining.max_steps
    passes = steps * feed.size.mean_tokens / lengths.sum() * content / feed.store.num_tokens
    table = Table(show_header=False, box=None, title=f"{config.format.name}, {config.masking.name} masking")
    rows = {
        "samples an epoch": f"{len(lengths):,}",
        "mean length": f"{lengths.mean():.1f} of T = {feed.frame.max_length} (fill {lengths.sum() / padded:.1%})",
        "padding, if every row were padded to T": f"{1 - lengths.sum() / padded:.1%}",
        "sequences an update": f"{feed.size.mean_sequences:.1f}",
        "real tokens an update": f"{feed.size.mean_tokens:,.0f} (budget={config.budget})",
        "corpus tokens read an epoch": f"{content:,} ({content / feed.store.num_tokens:.2f} of the corpus)",
        "passes over the corpus": f"{passes:.1f} in {steps:,} updates",
        "tokens trimmed off pairs": f"{index.trimmed_tokens:,}",
        "sentences cut (longer than the room)": f"{index.cut_sentences:,}",
    }
    if index.is_random_next is not None:
        share = float(np.mean(index.is_random_next))
        rows["P(random next)"] = f"{share:.3f} (majority class {max(share, 1 - share):.3f})"
    if index.is_swapped is not None:
        rows["P(swapped)"] = f"{float(np.mean(index.is_swapped)):.3f}"
    for name, value in rows.items():
        table.add_row(name, value)
    return table


def _histogram(lengths: np.ndarray, max_length: int) -> Text:
    """Return the lengths of all samples as bars."""
    edges = np.linspace(0, max_length, _NUM_BINS + 1).astype(int)
    counts = np.histogram(lengths, bins=edges)[0]
    text = Text("length in tokens\n", style="bold")
    for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True):
        bar = "█" * round(40 * count / counts.max())
        text.append(f"{start:>5}-{end:<5} {bar} {count / len(lengths):.1%}\n", style="not bold")
    return text
