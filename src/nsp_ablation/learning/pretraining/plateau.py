"""When a run leaves the plateau of unigram frequencies: the MLM losses of its updates, and where they fall for good.

Small encoders predict by unigram frequencies (and a little of the neighbouring tokens) for a while before they read
their context, and that moment differs between arms and seeds by more than formats do; so each record names it.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

# Nats below the unigram entropy at which the plateau counts as left. On real text (model=laptop, 8,192 tokens, unigram
# entropy about 7.0) losses of 6.2 to 6.6 last for millions of tokens, and once below 6.0 fall to 5.4 within .5 M.
PLATEAU_MARGIN = 1.0
# The loss is smoothed by means over blocks of updates: so many blocks, of ten updates or more.
_NUM_BLOCKS, _MIN_BLOCK = 200, 10


@dataclass(frozen=True)
class SmoothedLosses:
    """Mean MLM losses, in nats per predicted token, of blocks of `block` updates, the last of which may be shorter."""

    block: int
    num_updates: int
    means: list[float]

    def update_below(self, threshold: float) -> int | None:
        """Return the number of updates after which every block's mean is below a threshold, None where the last one's
        is not. A dip that ends again does not count."""
        is_above = ~(np.array(self.means) < threshold)  # what is no number is not below
        if not len(is_above) or is_above[-1]:
            return None
        return 0 if not is_above.any() else (int(np.flatnonzero(is_above)[-1]) + 1) * self.block


@dataclass
class LossBlocks:
    """The losses of a run of `num_updates`, added up on their device until a block of updates is whole.

    A rank adds its shares of each update's loss (`update_share`), which sum up over ranks to the loss.
    """

    num_updates: int
    means: list[float] = field(default_factory=list)
    sum: Tensor | float = 0.0

    @property
    def block(self) -> int:
        """Updates of a block: a function of the length of the run alone, so that no machine setting changes a mean."""
        return max(_MIN_BLOCK, -(-self.num_updates // _NUM_BLOCKS))

    def add(self, share: Tensor) -> None:
        """Add a micro-batch's share of its update's loss, a scalar."""
        self.sum = self.sum + share.detach()

    def is_due(self, update: int) -> bool:
        """Whether a block ends with an update, counted from 1, and is still open."""
        is_whole = update % self.block == 0 or update == self.num_updates
        return is_whole and len(self.means) * self.block < update

    def close(self, sum_over_ranks: float, update: int) -> None:
        """End the block whose last update this is."""
        self.means.append(sum_over_ranks / (update - len(self.means) * self.block))
        self.sum = 0.0

    def state(self, sum_over_ranks: float) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {"means": list(self.means), "sum": sum_over_ranks}

    def load(self, state: dict[str, Any], *, is_first_rank: bool) -> None:
        """Go on from a checkpoint, whose open block the first rank holds for all."""
        self.means, self.sum = list(state["means"]), state["sum"] if is_first_rank else 0.0

    def smoothed(self) -> SmoothedLosses:
        """Return the losses of the run so far."""
        return SmoothedLosses(self.block, self.num_updates, list(self.means))
