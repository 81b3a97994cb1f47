"""SEGMENT-PAIR (Devlin et al. 2019; Liu et al. 2019, section 4.2): two segments of many sentences, for NSP or SOP."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from nsp_ablation.samples.formats.kernels.draws import HALF
from nsp_ablation.samples.formats.kernels.nsp_balance import exact_balance, same_threshold
from nsp_ablation.samples.formats.kernels.segment_pairs import pair_segments
from nsp_ablation.samples.formats.pairs import Offsets, PairFormat, PairKernel


@dataclass(frozen=True)
class SegmentPair(PairFormat):
    """BERT's pairs, up to T tokens together.

    `order="nsp"`: B follows A, or begins at a random sentence of another document. `nsp_balance` is "bert" (p = .5
    where there is a choice) or "exact" (half of all pairs are random); `lone_sentences="skip"` leaves out documents of
    one sentence, whose B is otherwise ("random") always random.
    `random_next=0`: B always follows A; chunks of one sentence are left out, and the other two have no effect.
    `order="sop"` (Lan et al. 2020): the same, and the two are swapped with p = .5, before trimming.

    Deviations from BERT's released code: no short sequences (Liu et al. 2019, section 2); the random document is never
    the pair's own (BERT gives up after ten draws); documents keep the order of the corpus.
    """

    def kernel(self, offsets: Offsets, epoch_key: np.uint64, capacity: int, min_sentences: int) -> PairKernel:
        """Return the kernel. Raises NoSamplesError if there is no way to balance the labels."""
        balance = same_threshold(np.uint64(0) if self.follows else HALF)
        if self.options.nsp_balance == "exact" and not self.follows:
            balance = exact_balance(*offsets, epoch_key, capacity, min_sentences)
        choices = min_sentences, self.follows, self.swaps
        return partial(pair_segments, *offsets, epoch_key, capacity, balance, choices)


make = SegmentPair
