"""Ranges of documents, worked on side by side: kernels release the interpreter's lock, so threads suffice."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from nsp_ablation.base.process import num_cores

T = TypeVar("T")

_MIN_SENTENCES = 200_000  # below some milliseconds of work a thread costs more than it gives


def document_ranges(document_offsets: np.ndarray, num_ranges: int | None = None) -> list[tuple[int, int]]:
    """Cut the documents in up to `num_ranges` runs [first, end) of nearly equal numbers of sentences, none empty.

    None is one for each processor that this process may use, fewer in a small corpus. Purely for speed: what a range
    yields does not depend on its neighbours.
    """
    num_documents, num_sentences = len(document_offsets) - 1, int(document_offsets[-1])
    if num_ranges is None:
        num_ranges = max(1, min(num_cores(), num_sentences // _MIN_SENTENCES))
    wanted = num_sentences * np.arange(num_ranges + 1) / num_ranges
    borders = np.unique([0, *np.searchsorted(document_offsets, wanted[1:-1]), num_documents])
    return list(zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True))


def side_by_side(work: Callable[[int, int], T], ranges: list[tuple[int, int]]) -> list[T]:
    """Return `work(first, end)` of each range, in order, each in a thread of its own."""
    if len(ranges) == 1:
        return [work(*ranges[0])]
    with ThreadPoolExecutor(len(ranges)) as executor:
        return list(executor.map(lambda ends: work(*ends), ranges))


def joined(array: np.ndarray, starts: list[int], counts: list[int]) -> np.ndarray:
    """Return the parts [start, start + count) of an array together: a view where they lie side by side."""
    ends = [start + count for start, count in zip(starts, counts, strict=True)]
    if ends[:-1] == starts[1:]:
        return array[starts[0] : ends[-1]]
    return np.concatenate([array[start:end] for start, end in zip(starts, ends, strict=True)])
