"""Inspection in the terminal: decoded inputs with segments and masks in colour, and what an epoch of them holds.

Without colours (in a pipe) marks round the words say the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nsp_ablation.options.masking_options import MaskingOptions
from nsp_ablation.samples.batches.budget import UpdateSize
from nsp_ablation.samples.formats.frame import Frame
from nsp_ablation.samples.formats.sample_index import SampleIndex
from nsp_ablation.samples.inspection.input_tokens import (
    Vocabulary,
    input_tokens,
    pair_label,
    piece_texts,
    target_legend,
)
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
    console: Console,
    rows: Iterable[dict[str, Any]],
    store: TokenStore,
    frame: Frame,
    vocabulary: Vocabulary,
    format_name: str,
) -> None:
    """Print inputs piece by piece, each under its segment and its position in the corpus, and what the marks mean."""
    for row in rows:
        tokens = input_tokens(row, frame.cls, frame.sep, frame.mask)
        parts = [f"sample {row['sample']}", format_name, f"{len(tokens)} of {frame.max_length} tokens"]
        parts += [label] if (label := pair_label(row)) else []
        console.print(Text(" · ".join(parts), style="bold"))
        is_pair = row["segment_spans"] is not None
        text_styles = [_SEGMENT_STYLES[is_pair and piece] for piece in range(len(row["spans"]))]
        for heading, text in piece_texts(row, tokens, store, vocabulary, _STYLES, text_styles):
            console.print(Text(f"  {heading}", style="dim"))
            for line in text.wrap(console, console.width - 4):
                console.print(Text("    ") + line)
        console.print()
    segments = ("; segments: ", ("A", _SEGMENT_STYLES[0]), " and ", ("B", _SEGMENT_STYLES[1]), "\n")
    console.print(Text.assemble(target_legend(_STYLES), *segments))


def print_statistics(console: Console, title: str, rows: dict[str, str], lengths: np.ndarray, max_length: int) -> None:
    """Print the rows of `epoch_rows` and `update_rows` below a title, and lengths (N,) int64 as a histogram."""
    table = Table(show_header=False, box=None, title=title, title_justify="left", title_style="bold")
    for name, value in rows.items():
        table.add_row(name, value)
    console.print(table)
    console.print()
    console.print(_histogram(lengths, max_length, console.width))


def epoch_rows(store: TokenStore, frame: Frame, index: SampleIndex) -> dict[str, str]:
    """Return what an epoch holds."""
    lengths = index.lengths()
    fill = lengths.mean() / frame.max_length
    content = _content_tokens(index)
    rows = {
        "samples per epoch": f"{len(lengths):,}",
        "mean length": f"{lengths.mean():.1f} tokens (fill {fill:.1%})",
        "padding, if every row were padded to T": f"{1 - fill:.1%}",
        "corpus tokens read per epoch": f"{content:,} ({content / store.num_tokens:.2f} of the corpus)",
    }
    if index.is_pair:
        pairs = pair_statistics(store, index)
        rows["mean tokens of A and of B"] = "{:.1f} and {:.1f}".format(*pairs.segment_tokens)
        rows["mean sentences of A and of B"] = "{:.2f} and {:.2f}".format(*pairs.segment_sentences)
        trimmed = f"({index.trimmed_tokens:,} tokens trimmed)"
        rows["pairs cut inside a sentence, to fit T"] = f"{pairs.cut_share:.1%} {trimmed}"
        rows["sentences left out, for want of a next one"] = f"{index.left_out_sentences:,}"
    else:
        blocks = block_statistics(store, index)
        rows["mean sentences per sample"] = f"{blocks.sentences:.2f}"
        rows["mean documents per sample"] = f"{blocks.documents:.2f} (at most {blocks.max_documents})"
        rows["samples that cross a document border"] = f"{blocks.crossing_share:.1%}"
        rows["sentences cut (longer than an input)"] = f"{index.cut_sentences:,}"
    if index.is_random_next is not None:
        share = float(np.mean(index.is_random_next))
        rows["P(random next)"] = f"{share:.3f} (majority class {max(share, 1 - share):.3f})"
    if index.is_swapped is not None:
        rows["P(swapped)"] = f"{float(np.mean(index.is_swapped)):.3f}"
    return rows


@dataclass(frozen=True)
class PairStatistics:
    """Means over the pairs of an epoch; the first of two values is that of A.

    A sentence that is there in part counts as one. `cut_share` is the share of pairs that begin or end inside a
    sentence because they were longer than T.
    """

    segment_tokens: list[float]
    segment_sentences: list[float]
    cut_share: float


@dataclass(frozen=True)
class BlockStatistics:
    """Means over the single sequences of an epoch; `crossing_share` is the share that crosses a document border."""

    sentences: float
    documents: float
    max_documents: int
    crossing_share: float


def pair_statistics(store: TokenStore, index: SampleIndex) -> PairStatistics:
    """Return the statistics of a format of pairs."""
    assert index.is_pair
    first, last = _sentences(store, index)
    borders = np.asarray(store.sentence_offsets)
    is_cut = (borders[first] != index.spans[:, 0]) | (borders[last + 1] != index.spans[:, 1])
    tokens = (index.spans[:, 1] - index.spans[:, 0]).reshape(-1, 2).mean(0).tolist()
    sentences = (last - first + 1).reshape(-1, 2).mean(0).tolist()
    return PairStatistics(tokens, sentences, float(is_cut.reshape(-1, 2).any(1).mean()))


def block_statistics(store: TokenStore, index: SampleIndex) -> BlockStatistics:
    """Return the statistics of a format of single sequences."""
    assert not index.is_pair
    first, last = _sentences(store, index)
    documents = np.searchsorted(np.asarray(store.document_offsets), first, side="right") - 1
    # A span adds a document where the one before it in the same sample stood in another.
    adds_document, adds_sentence = np.ones(len(first), np.int64), last - first + 1
    adds_document[1:] = documents[1:] != documents[:-1]
    adds_document[index.offsets[:-1]] = 1
    num_documents = np.add.reduceat(adds_document, index.offsets[:-1])
    num_sentences = np.add.reduceat(adds_sentence, index.offsets[:-1])
    return BlockStatistics(
        sentences=float(num_sentences.mean()),
        documents=float(num_documents.mean()),
        max_documents=int(num_documents.max()),
        crossing_share=float((num_documents > 1).mean()),
    )


def _sentences(store: TokenStore, index: SampleIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last sentence int64 of each span."""
    ends = (index.spans[:, 0], index.spans[:, 1] - 1)
    first, last = (np.searchsorted(np.asarray(store.sentence_offsets), tokens, side="right") - 1 for tokens in ends)
    return first, last


def update_rows(
    store: TokenStore, index: SampleIndex, masking: MaskingOptions, size: UpdateSize, *, budget: str, max_steps: int
) -> dict[str, str]:
    """Return what an update takes and how often `max_steps` of them read the corpus and see each mask."""
    epochs = max_steps * size.mean_tokens / index.lengths().sum()
    each = {None: "a new mask in every epoch", 1: "one mask per sample"}
    masks = each.get(masking.copies, f"{masking.copies} masks per sample, in turn")
    return {
        "sequences per update": f"{size.mean_sequences:.1f}",
        "real tokens per update": f"{size.mean_tokens:,.0f} (budget={budget})",
        "passes over the corpus": f"{epochs * _content_tokens(index) / store.num_tokens:.1f} in {max_steps:,} updates",
        "epochs (passes over the samples)": f"{epochs:.1f}",
        "exposures per mask": f"{masking.exposures(epochs):.1f} ({masks})",
    }


def _content_tokens(index: SampleIndex) -> int:
    return int((index.spans[:, 1] - index.spans[:, 0]).sum())


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
