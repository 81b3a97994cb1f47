"""Lines of the data card on sizes: how long inputs are, and how many tokens an update takes, as histograms."""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any

import numpy as np

from nsp_ablation.samples.batches.accounting import TokenCount
from nsp_ablation.samples.batches.plan import BatchPlan
from nsp_ablation.samples.inspection.card_lines import CardLine

INPUT_LENGTHS, UPDATE_SIZES = "input_lengths", "update_sizes"
_NUM_BINS = 32  # at most
_NUM_UPDATES = 1000  # that are measured at most: each costs a look-up of its samples' lengths


def size_lines(plan: BatchPlan, max_length: int) -> Iterator[CardLine]:
    """Yield the lengths of the first epoch's inputs, up to `max_length`, and the real tokens of its first updates.

    Both belong to the feed alone, as the card's key does, and not to how many updates a run takes of it. Raises
    InputError as `BatchPlan.update` does.
    """
    lengths = np.asarray(plan.index_of(1).lengths())
    yield _line(INPUT_LENGTHS, "tokens per input", lengths, "inputs", (1, max_length))
    read = TokenCount(plan)
    sizes = np.diff([0, *(read(step + 1) for step in _first_updates(plan))])
    yield _line(UPDATE_SIZES, "tokens per update", sizes, "updates", (int(sizes.min()), int(sizes.max())))


def _first_updates(plan: BatchPlan) -> Iterator[int]:
    """Yield the first updates that lie in the first epoch, and the very first one wherever it ends."""
    yield 0
    yield from takewhile(lambda step: plan.position(step + 1)[0] == 1, range(1, _NUM_UPDATES))


def _line(name: str, title: str, numbers: np.ndarray, counted: str, ends: tuple[int, int]) -> CardLine:
    """Return a line on numbers (N,) int64: mean, least, most, and the counts of bins [edge, next edge)."""
    width = -(-(ends[1] - ends[0] + 1) // _NUM_BINS)
    edges = np.arange(ends[0], ends[1] + width + 1, width)
    counts = np.histogram(numbers, edges)[0]
    mean, least, most = float(numbers.mean()), int(numbers.min()), int(numbers.max())
    value: dict[str, Any] = {counted: len(numbers), "mean": mean, "least": least, "most": most}
    value |= {"edges": edges.tolist(), "counts": counts.tolist()}
    return CardLine(name, title, f"mean {mean:,.1f}, {least:,} to {most:,}", value)
