"""Inspection in the terminal: decoded inputs with segments and masks in colour, and what an epoch of them holds.

Without colours (in a pipe) marks round the words say the same.
"""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nsp_ablation.config.schema import Config
from nsp_ablation.config.science import resolved_objective
from nsp_ablation.pipeline.feed import Feed
from nsp_ablation.samples.inspection.epoch_statistics import block_statistics, pair_statistics
from nsp_ablation.samples.inspection.input_tokens import SPECIAL_KINDS, InputToken, Vocabulary, input_tokens, pair_label
from nsp_ablation.text.store.token_store import TokenStore

_NUM_BINS, _MAX_BAR = 8, 40
_SEGMENT_STYLES = ("cyan", "magenta")
_STYLES = {
    "cls": "reverse dim",
    "sep": "reverse dim",
    "extra_sep": "reverse bold blue",
    "mask": "bold yellow underline",
    "random": "bold red underline",
    "kept": "bold green underline",
}


def print_samples(
    console: Console, rows: Iterable[dict[str, Any]], feed: Feed, vocabulary: Vocabulary, format_name: str
) -> None:
    """Print inputs piece by piece, each under its segment and its place in the corpus, and what the marks mean."""
    frame = feed.frame
    for row in rows:
        tokens = input_tokens(row, frame.cls, frame.sep, frame.mask)
        parts = [f"sample {row['sample']}", format_name, f"{len(tokens)} of {frame.max_length} tokens"]
        parts += [label] if (label := pair_label(row)) else []
        console.print(Text(" · ".join(parts), style="bold"))
        for piece, group in groupby(tokens, key=lambda token: token.piece):
            segment = "" if row["segment_spans"] is None else f"{'AB'[piece]}: "
            console.print(Text(f"  {segment}{_place(row['spans'][piece], feed.store)}", style="dim"))
            for line in _decoded(list(group), vocabulary).wrap(console, console.width - 4):
                console.print(Text("    ") + line)
        console.print()
    console.print(_legend())


def _place(span: list[int], store: TokenStore) -> str:
    """Return where a piece stands in the corpus, and whether it begins or ends inside a sentence."""
    document, first, end, start, stop = span
    is_whole = (start, stop) == tuple(store.sentence_offsets[[first, end]])
    sentences = f"sentence {first}" if end == first + 1 else f"sentences {first}-{end - 1}"
    return f"document {document}, {sentences}{'' if is_whole else ', cut to fit'}"


def _decoded(tokens: list[InputToken], vocabulary: Vocabulary) -> Text:
    text, follows_special = Text(), False
    for token in tokens:
        style = _STYLES.get(token.kind, _SEGMENT_STYLES[token.token_type])
        is_special = token.kind in SPECIAL_KINDS
        has_space = is_special or follows_special or vocabulary.starts_word(token.token_id)
        text.append(" " if len(text) and has_space else "")
        follows_special = is_special
        if is_special:
            text.append(vocabulary.name(token.token_id), style)
            continue
        word = vocabulary.text(token.token_id)
        read = vocabulary.text(token.masked_id) if token.kind == "random" else ""
        text.append({"mask": f"[{word}]", "random": f"{word}→{read}", "kept": f"={word}"}.get(token.kind, word), style)
    return text


def _legend() -> Text:
    return Text.assemble(
        *("targets: ", ("[word]", _STYLES["mask"]), " reads [MASK], ", ("word→other", _STYLES["random"])),
        *(" reads a random token, ", ("=word", _STYLES["kept"]), " is kept; "),
        *("segments: ", ("A", _SEGMENT_STYLES[0]), " and ", ("B", _SEGMENT_STYLES[1])),
        "\n",
    )


def print_statistics(console: Console, config: Config, feed: Feed) -> None:
    """Print what an epoch of the format holds, what an update takes of it, and how long its inputs are."""
    rows = {**_epoch_rows(feed, config.inspect.epoch), **_update_rows(config, feed)}
    settings = (config.format.name, resolved_objective(config), f"{config.masking.name} masking")
    title = f"{', '.join(settings)}, T = {feed.frame.max_length}"
    table = Table(show_header=False, box=None, title=title, title_justify="left", title_style="bold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    console.print()
    console.print(_histogram(feed.index_of(config.inspect.epoch).lengths(), feed.frame.max_length, console.width))


def _epoch_rows(feed: Feed, epoch: int) -> dict[str, str]:
    index = feed.index_of(epoch)
    lengths = index.lengths()
    fill = lengths.mean() / feed.frame.max_length
    content = int((index.spans[:, 1] - index.spans[:, 0]).sum())
    rows = {
        "samples an epoch": f"{len(lengths):,}",
        "mean length": f"{lengths.mean():.1f} tokens (fill {fill:.1%})",
        "padding, if every row were padded to T": f"{1 - fill:.1%}",
        "corpus tokens read an epoch": f"{content:,} ({content / feed.store.num_tokens:.2f} of the corpus)",
    }
    if index.is_pair:
        pairs = pair_statistics(feed.store, index)
        rows["mean tokens of A and of B"] = "{:.1f} and {:.1f}".format(*pairs.segment_tokens)
        rows["mean sentences of A and of B"] = "{:.2f} and {:.2f}".format(*pairs.segment_sentences)
        trimmed = f"({index.trimmed_tokens:,} tokens trimmed)"
        rows["pairs cut inside a sentence, to fit T"] = f"{pairs.cut_share:.1%} {trimmed}"
    else:
        blocks = block_statistics(feed.store, index)
        rows["mean sentences a sample"] = f"{blocks.sentences:.2f}"
        rows["mean documents a sample"] = f"{blocks.documents:.2f} (at most {blocks.max_documents})"
        rows["samples that cross a document border"] = f"{blocks.crossing_share:.1%}"
        rows["sentences cut (longer than the room)"] = f"{index.cut_sentences:,}"
    if index.is_random_next is not None:
        share = float(np.mean(index.is_random_next))
        rows["P(random next)"] = f"{share:.3f} (majority class {max(share, 1 - share):.3f})"
    if index.is_swapped is not None:
        rows["P(swapped)"] = f"{float(np.mean(index.is_swapped)):.3f}"
    return rows


def _update_rows(config: Config, feed: Feed) -> dict[str, str]:
    index, steps = feed.index_of(config.inspect.epoch), config.pretraining.max_steps
    lengths = index.lengths()
    content = int((index.spans[:, 1] - index.spans[:, 0]).sum())
    epochs = steps * feed.size.mean_tokens / lengths.sum()
    each = {None: "a new mask in every epoch", 1: "one mask a sample"}
    masks = each.get(config.masking.copies, f"{config.masking.copies} masks a sample, in turn")
    return {
        "sequences an update": f"{feed.size.mean_sequences:.1f}",
        "real tokens an update": f"{feed.size.mean_tokens:,.0f} (budget={config.budget})",
        "passes over the corpus": f"{epochs * content / feed.store.num_tokens:.1f} in {steps:,} updates",
        "epochs (passes over the samples)": f"{epochs:.1f}",
        "times that each mask is seen": f"{feed.spec.exposures(epochs):.1f} ({masks})",
    }


def _histogram(lengths: np.ndarray, max_length: int, width: int) -> Text:
    """Return the lengths of all samples as bars."""
    edges = np.linspace(0, max_length, _NUM_BINS + 1).astype(int)
    counts = np.histogram(lengths, bins=edges)[0]
    longest = min(_MAX_BAR, width - 24)
    text = Text("length in tokens\n", style="bold")
    for start, end, count in zip(edges[:-1], edges[1:], counts, strict=True):
        bar = "█" * round(longest * count / counts.max())
        last = end if end == max_length else end - 1
        text.append(f"{start:>5}-{last:<5} {bar} {count / len(lengths):.1%}\n", style="not bold")
    return text
