"""The plan: which samples make which update, as a pure function of (seed, step)."""

# n samples of one update, N samples of one epoch

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.base.randomness import permutation, stream
from nsp_ablation.samples.batches.update_size import UpdateSize
from nsp_ablation.samples.formats.sample_index import SampleIndex

_ORDER = stream("order")
_MAX_CACHED_EPOCHS = 2  # an update that straddles two epochs needs both


@dataclass(frozen=True, eq=False)
class _Epoch:
    """One shuffled epoch: order (N,) int64; lengths (N,) int64 by sample; starts (N + 1,) int64, real tokens of the
    epoch before each position of the order, None where the update counts sequences."""

    index: SampleIndex
    lengths: np.ndarray
    order: np.ndarray
    starts: np.ndarray | None


class BatchPlan:
    """The endless stream of epochs 1, 2, ..., each shuffled by (seed, "order", epoch), cut in updates.

    An update of B sequences is the samples [step * B, (step + 1) * B) of the stream. An update of t tokens is the
    samples whose first token lies in [step * t, (step + 1) * t) of the stream's real tokens: the average is exact and
    each update is within one sequence of t. Updates straddle epochs. Any step costs the shuffle of the epochs that it
    touches, so a resumed run need not walk the steps before it. Only those epochs are held in memory.
    """

    def __init__(self, index_of: Callable[[int], SampleIndex], size: UpdateSize, seed: int) -> None:
        """`index_of(epoch)` gives an epoch's index: always the same object, unless the format is drawn anew.

        It is asked more than once for an epoch, and for every epoch up to the one in use.
        """
        self.index_of = index_of
        self.size = size
        self.seed = seed
        self._firsts = [0]  # samples or tokens of the stream before epoch 1, 2, ..., as far as it was looked at
        self._counted: tuple[SampleIndex, int] | None = None  # the last index whose samples or tokens were counted
        self._epochs: dict[int, _Epoch] = {}

    def update(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Return samples (n,) int64 and their epochs (n,) int64 of an update (from 0), in the stream's order.

        Raises InputError if an update of t tokens is smaller than a sample, since it might then be empty.
        """
        (first_epoch, first), (last_epoch, last) = self.position(step), self.position(step + 1)
        samples = []
        for epoch in range(first_epoch, last_epoch + 1):
            start, end = first if epoch == first_epoch else 0, last if epoch == last_epoch else None
            samples.append(self._epoch(epoch).order[start:end])
        epochs = np.repeat(np.arange(first_epoch, last_epoch + 1), [len(part) for part in samples])
        return np.concatenate(samples), epochs

    def position(self, step: int) -> tuple[int, int]:
        """Return where an update begins: its epoch (from 1) and how many samples of that epoch come before it."""
        amount = self.size.sequences if self.size.tokens is None else self.size.tokens
        assert amount is not None
        border = step * amount
        while self._firsts[-1] <= border:
            self._look_ahead()
        epoch = bisect_right(self._firsts, border)
        border -= self._firsts[epoch - 1]
        if self.size.tokens is None:
            return epoch, int(border)
        starts = self._epoch(epoch).starts
        assert starts is not None
        # ceil: a float among int64 would make numpy convert all N of them
        return epoch, int(np.searchsorted(starts[:-1], ceil(border), side="left"))

    def lengths(self, epoch: int) -> np.ndarray:
        """Return the real tokens of each sample (N,) int64 of an epoch, by sample."""
        return self._epoch(epoch).lengths

    def order(self, epoch: int) -> np.ndarray:
        """Return all samples (N,) int64 of an epoch, shuffled."""
        return self._epoch(epoch).order

    def _look_ahead(self) -> None:
        """Note where the epoch after the last known one begins in the stream."""
        index = self.index_of(len(self._firsts))
        if self._counted is None or self._counted[0] is not index:
            lengths = self._checked_lengths(index)
            self._counted = index, len(lengths) if self.size.tokens is None else int(lengths.sum())
        self._firsts.append(self._firsts[-1] + self._counted[1])

    def _checked_lengths(self, index: SampleIndex) -> np.ndarray:
        lengths = index.lengths()
        if len(lengths) == 0:
            raise InputError("the format has no samples on this corpus (corpus.path); give it a longer text")
        if self.size.tokens is not None and self.size.tokens < lengths.max():
            raise InputError(
                f"batch.sequences is too small for its budget: an update of {self.size.tokens:.0f} tokens holds no "
                f"sample of {lengths.max()}; raise batch.sequences or set budget=sequences"
            )
        return lengths

    def _epoch(self, epoch: int) -> _Epoch:
        if epoch not in self._epochs:
            index = self.index_of(epoch)
            known = [other.lengths for other in self._epochs.values() if other.index is index]
            lengths = known[0] if known else index.lengths()
            order = permutation(self.seed, _ORDER, epoch, index.num_samples)
            starts = None if self.size.tokens is None else np.concatenate([[0], np.cumsum(lengths[order])])
            while len(self._epochs) >= _MAX_CACHED_EPOCHS:
                del self._epochs[next(iter(self._epochs))]
            self._epochs[epoch] = _Epoch(index, lengths, order, starts)
        return self._epochs[epoch]


def balanced_cut(lengths: np.ndarray, num_parts: int) -> np.ndarray:
    """Return the borders (num_parts + 1,) int64 that cut sequences of lengths (n,) in runs of nearly equal tokens.

    Each border is the one nearest to its share of the tokens, so a part is within one sequence of total / num_parts. A
    part is empty only if there are fewer sequences than parts.
    """
    if num_parts == 1:
        return np.array([0, len(lengths)])
    ends, parts = np.concatenate([[0], np.cumsum(lengths)]), np.arange(num_parts + 1)
    middles = (ends[1:] + ends[:-1]) / 2
    borders = np.searchsorted(middles, ends[-1] * parts / num_parts)
    if len(lengths) < num_parts:
        return np.minimum(parts, len(lengths))
    borders = np.maximum.accumulate(borders - parts) + parts  # at least one sequence for each part before a border
    return np.minimum(borders, len(lengths) - num_parts + parts)  # and for each part after it
