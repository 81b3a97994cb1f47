"""How an update is cut: in as many micro-batches as a limit of tokens asks for, all padded to one number of tokens."""

from math import ceil, sqrt

import numpy as np

from nsp_ablation.base.errors import InputError
from nsp_ablation.samples.batches.update_size import UpdateSize

_DEVIATIONS = 6.0  # of a sum of shuffled lengths: exceeded in less than one of a hundred million updates
_MULTIPLE = 64  # of tokens: what matrix products are cut in
MIN_PADDING = 2  # tokens in every padded micro-batch
EAGER_MULTIPLE = 256  # of tokens on a GPU without compiling: few sizes for its allocator, which keeps a block for each


def largest_update(size: UpdateSize, lengths: np.ndarray) -> int:
    """Return the real tokens that an update holds at most; lengths (N,) int64 are those of the format's samples.

    An update of t tokens holds less than one sample more; one of B sequences at most B times the longest, and with
    near certainty B times the mean and six standard deviations of such a sum.
    """
    longest = int(lengths.max())
    if size.tokens is not None:
        return ceil(size.tokens) + longest
    assert size.sequences is not None
    likely = size.sequences * lengths.mean() + _DEVIATIONS * sqrt(size.sequences) * lengths.std()
    return min(size.sequences * longest, ceil(likely))


def num_micro_batches(
    update_tokens: int, longest: int, *, max_tokens: int | None, num_ranks: int, at_least: int
) -> int:
    """Return how many micro-batches of an update each rank takes: at least `at_least`; more if one would exceed
    `max_tokens` real tokens.

    `balanced_cut` makes parts within one sequence of equal shares. Raises InputError for a limit that a sequence and
    its share of the update's cut do not fit.
    """
    if max_tokens is None:
        return at_least
    capacity = max_tokens - longest
    if capacity <= 0:
        raise InputError(
            f"trainer.max_tokens={max_tokens} is no more than a sequence of {longest} tokens; micro-batches are cut to "
            "within a sequence, so set it to at least twice max_length"
        )
    return max(at_least, ceil(update_tokens / num_ranks / capacity))


def micro_batch_tokens(update_tokens: int, longest: int, num_parts: int) -> int:
    """Return the most real tokens in a part of an update cut in so many, rounded up to a multiple of 64."""
    largest = min(update_tokens, ceil(update_tokens / num_parts) + longest)
    return _MULTIPLE * ceil(largest / _MULTIPLE)


def padded_tokens(max_tokens: int) -> int:
    """Return the one number of tokens that all parts are padded to of which the largest has so many."""
    return _MULTIPLE * ceil((max_tokens + MIN_PADDING) / _MULTIPLE)
