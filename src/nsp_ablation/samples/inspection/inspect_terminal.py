"""Inspection in the terminal: decoded inputs with segments and masks in colour, and what an epoch of them holds.

Without colours (in a pipe) marks round the words say the same.
"""

from collections.abc import Iterable
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
    rows |= pair_rows(store, index) if index.is_pair else block_rows(store, index)
    if index.is_random_next is not None:
        share = float(np.mean(index.is_random_next))
        rows["P(random next)"] = f"{share:.3f} (majority class {max(share, 1 - share):.3f})"
    if index.is_swapped is not None:
        rows["P(swapped)"] = f"{float(np.mean(index.is_swapped)):.3f}"
    return rows


def pair_rows(store: TokenStore, index: SampleIndex) -> dict[str, str]:
    """Return means over the pairs of an epoch; a sentence that is there in part counts as one.

    A pair is cut where it begins or ends inside a sentence because it was longer than T.
    """
    first, last = _sentences(store, index)
    borders, spans = np.asarray(store.sentence_offsets), index.spans
    is_cut = ((borders[first] != spans[:, 0]) | (borders[last + 1] != spans[:, 1])).reshape(-1, 2).any(1)
    tokens, sentences = ((spans[:, 1] - spans[:, 0]).reshape(-1, 2).mean(0), (last - first + 1).reshape(-1, 2).mean(0))
    return {
        "mean tokens of A and of B": "{:.1f} and {:.1f}".format(*tokens),
        "mean sentences of A and of B": "{:.2f} and {:.2f}".format(*sentences),
        "pairs cut inside a sentence, to fit T": f"{is_cut.mean():.1%} ({index.trimmed_tokens:,} tokens trimmed)",
        "sentences left out, for want of a next one": f"{index.left_out_sentences:,}",
    }


def block_rows(store: TokenStore, index: SampleIndex) -> dict[str, str]:
    """Return means over the single sequences of an epoch."""
    first, last = _sentences(store, index)
    num_sentences, num_documents = np.add.reduceat(last - first + 1, index.offsets[:-1]), documents_read(store, index)
    return {
        "mean sentences per sample": f"{num_sentences.mean():.2f}",
        "mean documents per sample": f"{num_documents.mean():.2f} (at most {num_documents.max()})",
        "samples that cross a document border": f"{(num_documents > 1).mean():.1%}",
        "sentences cut (longer than an input)": f"{index.cut_sentences:,}",
    }


def documents_read(store: TokenStore, index: SampleIndex) -> np.ndarray:
    """Return how many documents each single sequence (N,) reads from."""
    documents = np.searchsorted(np.asarray(store.document_offsets), _sentences(store, index)[0], side="right") - 1
    # A span adds a document where the one before it in the same sample stood in another.
    is_new = np.diff(documents, prepend=-1) != 0
    is_new[index.offsets[:-1]] = True
    return np.add.reduceat(is_new.astype(np.int64), index.offsets[:-1])


def _sentences(store: TokenStore, index: SampleIndex) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last sentence (P,) int64 of each of P spans."""
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
