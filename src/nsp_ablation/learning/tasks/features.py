"""Task inputs as token ids, laid end to end."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from nsp_ablation.base.input_layout import InputLayout

IGNORED_LABEL = -100  # a sample without this target


@dataclass(frozen=True)
class Features:
    """All inputs of a task: S sequences, which are N samples in order.

    ids (L,) int32: sequences end to end
    offsets (S+1,) int64
    second (S,) int64: the position within its sequence at which segment B begins (its length if it has none)
    targets, by name, each (N, ...)
    example (N,) int64, ascending: the example of each sample
    characters (L, 2) int64: for span QA the characters [start, end) of the context that each token stands for (0, 0
        outside it)
    num_options (N,) int64: for multiple choice the sequences of each sample, one per option; without it each has one
    """

    ids: np.ndarray
    offsets: np.ndarray
    second: np.ndarray
    targets: dict[str, np.ndarray]
    example: np.ndarray
    characters: np.ndarray | None = None
    num_options: np.ndarray | None = None

    @cached_property
    def counts(self) -> np.ndarray:
        """(N,) int64: the sequences of each sample."""
        return np.ones_like(self.example) if self.num_options is None else self.num_options

    @cached_property
    def borders(self) -> np.ndarray:
        """(N+1,) int64: sample n is the sequences [borders[n], borders[n + 1])."""
        return np.concatenate([[0], np.cumsum(self.counts)]).astype(np.int64)

    @cached_property
    def num_tokens(self) -> np.ndarray:
        """(N,) int64: the tokens of each sample, of all its sequences."""
        return np.add.reduceat(np.diff(self.offsets), self.borders[:-1])

    @cached_property
    def longest(self) -> int:
        """The tokens of the longest sequence."""
        return int(np.diff(self.offsets).max())

    def lengths(self) -> np.ndarray:
        """Return (N,) int64: the tokens of each sample's longest sequence."""
        return np.maximum.reduceat(np.diff(self.offsets), self.borders[:-1])

    def batch(self, samples: np.ndarray, layout: InputLayout) -> dict[str, np.ndarray]:
        """Return `samples` (B,), which may be none, end to end: L tokens of S sequences, without padding.

        input_ids, position_ids (from 0 in each sequence) and, where B has type 1, token_type_ids: (L,) int64
        sequence_offsets: (S + 1,) int64
        each of the targets: (B, ...)
        num_options, where there are any: (B,) int64. No sequence is made for options that a sample lacks
        """
        counts = self.counts[samples]
        first_row = np.cumsum(counts) - counts
        rows = np.arange(counts.sum()) + np.repeat(self.borders[samples] - first_row, counts)
        starts, lengths = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        sequence_offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum(lengths, out=sequence_offsets[1:])
        position_ids = np.arange(sequence_offsets[-1]) - np.repeat(sequence_offsets[:-1], lengths)
        arrays = {
            "input_ids": self.ids[position_ids + np.repeat(starts, lengths)].astype(np.int64),
            "position_ids": position_ids,
            "sequence_offsets": sequence_offsets,
        }
        if layout.second_type:
            arrays["token_type_ids"] = (position_ids >= np.repeat(self.second[rows], lengths)).astype(np.int64)
        if self.num_options is not None:
            arrays["num_options"] = counts
        return arrays | {name: target[samples] for name, target in self.targets.items()}

    def num_targets(self, samples: np.ndarray) -> dict[str, int]:
        """Return how many of `samples` have each of the targets: all of them but those with IGNORED_LABEL."""
        return {name: int((target[samples] != IGNORED_LABEL).sum()) for name, target in self.targets.items()}


def lay_out(
    firsts: list[np.ndarray], seconds: list[np.ndarray] | None, layout: InputLayout
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put special tokens round texts A and, where given, B: returns ids, offsets and second as in `Features`."""
    cls, sep = np.array([layout.cls], np.int32), np.array([layout.sep], np.int32)
    between = np.repeat(sep, layout.pair_separators)
    if seconds is None:
        pieces = [[cls, first, sep] for first in firsts]
        second = np.array([len(first) + 2 for first in firsts], dtype=np.int64)
    else:
        pieces = [[cls, first, between, other, sep] for first, other in zip(firsts, seconds, strict=True)]
        second = np.array([1 + len(first) + len(between) for first in firsts], dtype=np.int64)
    lengths = [sum(map(len, piece)) for piece in pieces]
    assert max(lengths) <= layout.max_length, (max(lengths), layout)
    ids = np.concatenate([part for piece in pieces for part in piece]).astype(np.int32)
    return ids, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), second


def length_batches(lengths: np.ndarray, num_tokens: np.ndarray, max_tokens: int) -> Iterator[np.ndarray]:
    """Yield all samples of lengths (N,), longest first, in batches of at most `max_tokens` tokens (or of one sample).

    num_tokens (N,) are those of each sample: its length, or that of all its sequences together.
    """
    order = np.argsort(-lengths, kind="stable")
    ends, start = np.cumsum(num_tokens[order]), 0
    while start < len(order):
        before = ends[start] - num_tokens[order[start]]
        end = max(start + 1, int(np.searchsorted(ends, before + max_tokens, side="right")))
        yield order[start:end]
        start = end


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[np.ndarray]:
    """Return each text's token ids (int32), without special tokens; equal texts share one array."""
    unique = list(dict.fromkeys(texts))
    encodings = tokenizer.encode_batch(unique, add_special_tokens=False)
    ids = {text: np.array(encoding.ids, dtype=np.int32) for text, encoding in zip(unique, encodings, strict=True)}
    return [ids[text] for text in texts]


def encode_with_offsets(tokenizer: Tokenizer, texts: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return each text's token ids (n,) int32 and the characters [start, end) of each token (n, 2) int64."""
    unique = list(dict.fromkeys(texts))
    encodings = tokenizer.encode_batch(unique, add_special_tokens=False)
    arrays = {
        text: (np.array(encoding.ids, np.int32), np.array(encoding.offsets, np.int64).reshape(-1, 2))
        for text, encoding in zip(unique, encodings, strict=True)
    }
    return [arrays[text] for text in texts]
