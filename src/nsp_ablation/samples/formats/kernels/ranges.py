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

    None is one for each processor that this process may use, fewer in a small corpus. The offsets (D+1,) int64 may
    begin above 0. Purely for speed: what a range yields does not depend on its neighbours.
    """
    num_documents, start = len(document_offsets) - 1, int(document_offsets[0])
    num_sentences = int(document_offsets[-1]) - start
    if num_ranges is None:
        num_ranges = max(1, min(num_cores(), num_sentences // _MIN_SENTENCES))
    wanted = start + num_sentences * np.arange(num_ranges + 1) / num_ranges
    borders = np.unique([0, *np.searchsorted(document_offsets, wanted[1:-1]), num_documents])
    return list(zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True))


def side_by_side(work: Callable[[int, int], T], ranges: list[tuple[int, int]]) -> list[T]:
    """Return `work(first, end)` of each range, in order, each in a thread of its own."""
    if len(ranges) == 1:
        return [work(*ranges[0])]
    with ThreadPoolExecutor(len(ranges)) as executor:
        return list(executor.map(lambda ends: work(*ends), ranges))
